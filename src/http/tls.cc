#include "http/tls.h"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>

#include <fmt/format.h>

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <utility>

namespace jeton::http {
namespace {

namespace ssl = boost::asio::ssl;
using platform::Fault;

}  // namespace

platform::Outcome<ssl::context> client_tls_context(const std::string& ca_file) try {
  ssl::context context(ssl::context::tls_client);
  context.set_options(ssl::context::default_workarounds | ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1);
  context.set_verify_mode(ssl::verify_peer);
  context.set_default_verify_paths();
  if (!ca_file.empty()) {
    boost::system::error_code error;
    context.load_verify_file(ca_file, error);
    if (error) {
      return std::unexpected(
          Fault{fmt::format("{}: cannot read certificate authorities: {}.", ca_file, error.message()),
                "Give a file with certificates in PEM."});
    }
  }
  return context;
} catch (const boost::system::system_error& error) {
  return std::unexpected(Fault{fmt::format("cannot prepare TLS: {}.", error.what()), ""});
}

platform::Outcome<void> expect_host(ssl::stream<boost::asio::ip::tcp::socket>& stream, const std::string& host) {
  boost::system::error_code not_an_address;
  boost::asio::ip::make_address(host, not_an_address);
  if (not_an_address && SSL_ctrl(stream.native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                                 const_cast<char*>(host.c_str())) != 1) {
    return std::unexpected(Fault{fmt::format("{} cannot be asked for by TLS.", host), ""});
  }
  boost::system::error_code error;
  stream.set_verify_callback(ssl::host_name_verification(host), error);
  if (error) return std::unexpected(Fault{fmt::format("cannot prepare TLS: {}.", error.message()), ""});
  return {};
}

std::string certificate_problem(ssl::stream<boost::asio::ip::tcp::socket>& stream) {
  const long code = SSL_get_verify_result(stream.native_handle());
  return code == X509_V_OK ? std::string() : std::string(X509_verify_cert_error_string(code));
}

}  // namespace jeton::http
