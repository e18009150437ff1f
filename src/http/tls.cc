#include "http/tls.h"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>

#include <fmt/format.h>

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <array>
#include <utility>

namespace jeton::http {
namespace {

namespace ssl = boost::asio::ssl;
using platform::Fault;

// ALPN (RFC 7301): a client that names protocols must have named ours.
int select_protocol(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered,
                    unsigned offered_size, void*) {
  // Static: what is chosen is a place in it, and is read after we have returned.
  static constexpr std::array<unsigned char, 9> ours = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char* found = nullptr;
  if (SSL_select_next_proto(&found, size, ours.data(), ours.size(), offered, offered_size) != OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

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

platform::Outcome<ssl::context> server_tls_context(const std::string& certificate_file,
                                                   const std::string& key_file) try {
  ssl::context context(ssl::context::tls_server);
  context.set_options(ssl::context::default_workarounds | ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1 |
                      SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  // A sealed key is refused; asking for its password at the terminal is the library's default.
  context.set_password_callback([](std::size_t, ssl::context::password_purpose) { return std::string(); });
  SSL_CTX_set_alpn_select_cb(context.native_handle(), &select_protocol, nullptr);
  boost::system::error_code error;
  context.use_certificate_chain_file(certificate_file, error);
  if (error) {
    return std::unexpected(Fault{fmt::format("{}: cannot read the certificate: {}.", certificate_file, error.message()),
                                 "Give a file with the chain in PEM, the server's own certificate first."});
  }
  context.use_private_key_file(key_file, ssl::context::pem, error);
  if (error) {
    return std::unexpected(
        Fault{fmt::format("{}: cannot read the private key of {}: {}.", key_file, certificate_file, error.message()),
              "Give the key that belongs to the certificate, in PEM and not encrypted."});
  }
  return context;
} catch (const boost::system::system_error& error) {
  return std::unexpected(Fault{fmt::format("cannot prepare TLS: {}.", error.what()), ""});
}

platform::Outcome<void> expect_host(ssl_st* session, const std::string& host) {
  X509_VERIFY_PARAM* const wanted = SSL_get0_param(session);
  if (X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str()) == 1) return {};
  X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (X509_VERIFY_PARAM_set1_host(wanted, host.c_str(), host.size()) != 1 ||
      SSL_ctrl(session, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, const_cast<char*>(host.c_str())) !=
          1) {
    return std::unexpected(Fault{fmt::format("{} cannot be asked for by TLS.", host), ""});
  }
  return {};
}

std::string certificate_problem(ssl_st* session) {
  const long code = SSL_get_verify_result(session);
  return code == X509_V_OK ? std::string() : std::string(X509_verify_cert_error_string(code));
}

bool has_unread(ssl_st* session) noexcept {
  char byte = 0;
  return SSL_peek(session, &byte, 1) > 0 || SSL_has_pending(session) == 1;
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
  return certificate_problem(stream.native_handle());
}

}  // namespace jeton::http
