// What a client does with certificates, against a server with keys and certificates made here.
#include "http/tls.h"

#include "http/client.h"
#include "http/streaming_client.h"
#include "http/tls_test_identity.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include <gtest/gtest.h>

#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <utility>

namespace jeton::http {
namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using asio::ip::tcp;

// Answers one connection over TLS, then ends.
class TlsServer {
 public:
  TlsServer(const Identity& identity, std::string answer, ssl::context::method method = ssl::context::tls_server)
      : context_(method), acceptor_(io_, {asio::ip::address_v4::loopback(), 0}) {
    context_.use_certificate(asio::buffer(identity.certificate_pem), ssl::context::pem);
    context_.use_private_key(asio::buffer(identity.key_pem), ssl::context::pem);
    thread_ = std::thread([this, answer = std::move(answer)] { run(answer); });
  }
  ~TlsServer() { thread_.join(); }
  std::string url(const std::string& host) const {
    return "https://" + host + ":" + std::to_string(acceptor_.local_endpoint().port()) + "/jwks";
  }

 private:
  void run(const std::string& answer) {
    boost::system::error_code error;
    ssl::stream<tcp::socket> stream(acceptor_.accept(), context_);
    stream.handshake(ssl::stream_base::server, error);
    if (error) return;
    std::string request;
    asio::read_until(stream, asio::dynamic_buffer(request), "\r\n\r\n", error);
    asio::write(stream, asio::buffer(answer), error);
    // Closes without TLS's own farewell, as a cut connection does.
  }

  asio::io_context io_;
  ssl::context context_;
  tcp::acceptor acceptor_;
  std::thread thread_;
};

// Both clients, by the same rules.
using Get = platform::Outcome<Response> (*)(const FetchRequest&);

platform::Outcome<Response> fetch_at_once(const FetchRequest& request) { return fetch(request); }

platform::Outcome<Response> fetch_streamed(const FetchRequest& request) {
  asio::io_context loop;
  StreamingClient client(loop.get_executor(), request.ca_file);
  platform::Outcome<Response> result;
  asio::co_spawn(loop, client.fetch(request), [&](std::exception_ptr failure, platform::Outcome<Response> outcome) {
    if (!failure) result = std::move(outcome);
  });
  loop.run();
  return result;
}

class Tls : public testing::TestWithParam<Get> {
 protected:
  Tls() {
    std::string name = (std::filesystem::temp_directory_path() / "jeton-tls-XXXXXX").string();
    if (::mkdtemp(name.data()) != nullptr) directory_ = name;
  }
  ~Tls() override { std::filesystem::remove_all(directory_); }
  std::string trust(const Identity& identity) const {
    const std::string file = (directory_ / "ca.pem").string();
    std::ofstream(file) << identity.certificate_pem;
    return file;
  }

  std::filesystem::path directory_;
};

constexpr const char* whole = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

TEST_P(Tls, GoodCertificateOfTheRightNameIsAccepted) {
  const Identity identity("DNS:localhost,IP:127.0.0.1", -60, 3600);
  for (const char* host : {"localhost", "127.0.0.1"}) {
    const TlsServer server(identity, whole);
    const auto response = GetParam()({.url = server.url(host), .ca_file = trust(identity)});
    ASSERT_TRUE(response.has_value()) << response.error().text();
    EXPECT_EQ(response->body, "{}");
  }
}

TEST_P(Tls, CertificateOfAnUnknownAuthorityIsRefused) {
  const Identity identity("DNS:localhost", -60, 3600);
  const TlsServer server(identity, whole);
  const auto response = GetParam()({.url = server.url("localhost")});
  ASSERT_FALSE(response.has_value());
  EXPECT_NE(response.error().what.find("its certificate is not good: self-signed certificate"), std::string::npos)
      << response.error().what;
}

TEST_P(Tls, CertificateOfAnotherNameIsRefused) {
  const Identity identity("DNS:other.example,IP:192.0.2.1", -60, 3600);
  for (const char* host : {"localhost", "127.0.0.1"}) {
    const TlsServer server(identity, whole);
    const auto response = GetParam()({.url = server.url(host), .ca_file = trust(identity)});
    ASSERT_FALSE(response.has_value()) << host;
    EXPECT_NE(response.error().what.find("its certificate is not good"), std::string::npos) << response.error().what;
  }
}

TEST_P(Tls, CertificateThatHasExpiredIsRefused) {
  const Identity identity("DNS:localhost", -3600, -60);
  const TlsServer server(identity, whole);
  const auto response = GetParam()({.url = server.url("localhost"), .ca_file = trust(identity)});
  ASSERT_FALSE(response.has_value());
  EXPECT_NE(response.error().what.find("certificate has expired"), std::string::npos) << response.error().what;
}

TEST_P(Tls, OldProtocolIsRefused) {
  const Identity identity("DNS:localhost", -60, 3600);
  const TlsServer server(identity, whole, ssl::context::tlsv11_server);
  EXPECT_FALSE(GetParam()({.url = server.url("localhost"), .ca_file = trust(identity)}).has_value());
}

TEST_P(Tls, AnswerThatACutConnectionEndsIsAFault) {
  const Identity identity("DNS:localhost", -60, 3600);
  const TlsServer server(
      identity, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"keys\":[]}");  // no length: ends with the connection
  EXPECT_FALSE(GetParam()({.url = server.url("localhost"), .ca_file = trust(identity)}).has_value());
}

TEST_P(Tls, FileOfAuthoritiesThatIsNoneIsNamed) {
  const Identity identity("DNS:localhost", -60, 3600);
  {
    const auto missing = client_tls_context("/nowhere/ca.pem");
    ASSERT_FALSE(missing.has_value());
    EXPECT_TRUE(missing.error().what.starts_with("/nowhere/ca.pem: cannot read certificate authorities"))
        << missing.error().what;
  }
  EXPECT_TRUE(client_tls_context(trust(identity)).has_value());
}

INSTANTIATE_TEST_SUITE_P(Clients, Tls, testing::Values(&fetch_at_once, &fetch_streamed),
                         [](const auto& one) { return one.param == &fetch_at_once ? "AtOnce" : "Streamed"; });

}  // namespace
}  // namespace jeton::http
