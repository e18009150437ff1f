// TLS on both sides of the proxy, with keys and certificates made here.
#include "gateway/proxy/test_origin.h"
#include "http/client.h"
#include "http/server_tls.h"
#include "http/tls_test_identity.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace jeton::gateway {
namespace {

using http::Identity;
using http::RawPeer;
using http::ServerTls;
using namespace std::chrono_literals;

constexpr std::string_view get_a = "GET /a HTTP/1.1\r\nHost: g\r\n\r\n";

class TlsProxy : public testing::Test {
 protected:
  TlsProxy() {
    std::string name = (std::filesystem::temp_directory_path() / "jeton-tls-XXXXXX").string();
    if (::mkdtemp(name.data()) != nullptr) directory_ = name;
  }
  ~TlsProxy() override { std::filesystem::remove_all(directory_); }

  std::string file(const char* name, const std::string& text) const {
    const std::string path = (directory_ / name).string();
    std::ofstream(path) << text;
    return path;
  }
  std::shared_ptr<ServerTls> tls_of(const Identity& identity) const {
    auto tls = ServerTls::load(file("cert.pem", identity.certificate_pem), file("key.pem", identity.key_pem));
    if (!tls) throw std::runtime_error(tls.error().text());
    return *tls;
  }
  std::string ca_of(const Identity& identity) const { return file("ca.pem", identity.certificate_pem); }
  platform::Outcome<http::Response> get(const RunningProxy& proxy, const Identity& trusted,
                                        std::string body = "") const {
    return http::fetch({.method = body.empty() ? http::Method::get : http::Method::post,
                        .url = "https://localhost:" + std::to_string(proxy.port()) + "/a",
                        .body = std::move(body),
                        .ca_file = ca_of(trusted)});
  }

  std::filesystem::path directory_;
};

// Says what it was asked, in the body.
void echo(OriginPeer& peer, unsigned) {
  for (std::string head; !(head = peer.head()).empty();) {
    const std::size_t at = head.find("Content-Length: ");
    if (at != std::string::npos) head += peer.bytes(std::stoul(head.substr(at + 16)));
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(head.size()) + "\r\n\r\n" + head);
  }
}

TEST_F(TlsProxy, ClientSpeaksTlsAndTheOriginIsToldSo) {
  const Identity identity("DNS:localhost", -60, 3600);
  Origin origin(echo);
  RunningProxy proxy({.servers = {origin.url()}}, {.tls = tls_of(identity)});
  const auto answer = get(proxy, identity);
  ASSERT_TRUE(answer.has_value()) << answer.error().text();
  EXPECT_EQ(answer->status, 200);
  EXPECT_NE(answer->body.find("X-Forwarded-Proto: https\r\n"), std::string::npos);
  const std::string large(1'000'000, 'x');
  const auto echoed = http::fetch({.method = http::Method::post,
                                   .url = "https://localhost:" + std::to_string(proxy.port()) + "/a",
                                   .body = large,
                                   .ca_file = ca_of(identity),
                                   .body_bytes_max = 2'000'000});
  ASSERT_TRUE(echoed.has_value()) << echoed.error().text();
  EXPECT_TRUE(echoed->body.ends_with(large));
}

TEST_F(TlsProxy, PlainHttpOnATlsListenerIsClosedUnanswered) {
  Origin origin(echo);
  RunningProxy proxy({.servers = {origin.url()}}, {.tls = tls_of(Identity("DNS:localhost", -60, 3600))});
  RawPeer peer(proxy.port());
  peer.send(get_a);
  EXPECT_EQ(peer.received_until("HTTP").find("HTTP"), std::string::npos);
  EXPECT_EQ(origin.connections(), 0U);
}

TEST_F(TlsProxy, HandshakeThatNeverEndsIsGivenUp) {
  Origin origin(echo);
  RunningProxy proxy({.servers = {origin.url()}},
                     {.header_time_max = 1s, .tls = tls_of(Identity("DNS:localhost", -60, 3600))});
  RawPeer peer(proxy.port());
  peer.send("\x16\x03\x01");
  EXPECT_TRUE(peer.sees_close());
}

// mission row 8: what is renewed is used at once, and nobody is interrupted.
TEST_F(TlsProxy, RenewedCertificateIsUsedByNewConnections) {
  const Identity first("DNS:localhost", -60, 3600), second("DNS:localhost", -60, 7200);
  Origin origin(echo);
  const auto tls = tls_of(first);
  RunningProxy proxy({.servers = {origin.url()}}, {.tls = tls});
  EXPECT_TRUE(get(proxy, first).has_value());
  EXPECT_FALSE(get(proxy, second).has_value());
  EXPECT_FALSE(tls->reload_if_changed().value());
  file("cert.pem", second.certificate_pem);
  file("key.pem", second.key_pem);
  std::filesystem::last_write_time(directory_ / "key.pem", std::filesystem::file_time_type::clock::now() + 1h);
  EXPECT_TRUE(tls->reload_if_changed().value());
  EXPECT_TRUE(get(proxy, second).has_value());
  EXPECT_FALSE(get(proxy, first).has_value());
}

TEST_F(TlsProxy, RenewedCertificateIsFoundByTheServerItself) {
  const Identity first("DNS:localhost", -60, 3600), second("DNS:localhost", -60, 7200);
  Origin origin(echo);
  RunningProxy proxy({.servers = {origin.url()}}, {.tls = tls_of(first), .tls_check_interval = 5ms});
  file("cert.pem", second.certificate_pem);
  file("key.pem", second.key_pem);
  while (!get(proxy, second).has_value()) std::this_thread::yield();
}

TEST_F(TlsProxy, CertificateThatIsNotGoodIsToldAndTheOldOneStays) {
  const Identity first("DNS:localhost", -60, 3600), other("DNS:localhost", -60, 3600);
  Origin origin(echo);
  const auto tls = tls_of(first);
  RunningProxy proxy({.servers = {origin.url()}}, {.tls = tls});
  for (const std::string& bad : {std::string("no key"), other.key_pem}) {
    file("key.pem", bad);
    const auto reloaded = tls->reload();
    ASSERT_FALSE(reloaded.has_value());
    EXPECT_NE(reloaded.error().what.find("key.pem"), std::string::npos) << reloaded.error().what;
    EXPECT_TRUE(get(proxy, first).has_value());
  }
  EXPECT_FALSE(ServerTls::load("/nowhere/cert.pem", "/nowhere/key.pem").has_value());
}

// The origin is a proxy of ours that speaks TLS.
TEST_F(TlsProxy, OriginSpeaksTlsAndMustShowTheRightCertificate) {
  const Identity good("DNS:localhost,IP:127.0.0.1", -60, 3600), other("DNS:other.example,IP:192.0.2.1", -60, 3600);
  Origin origin(echo);
  struct Row {
    const char* what;
    const Identity& shown;
    const Identity& trusted;
    const char* host;
    int status;
  };
  for (const Row& row :
       {Row{"good name", good, good, "localhost", 200}, Row{"good address", good, good, "127.0.0.1", 200},
        Row{"unknown authority", good, other, "localhost", 502}, Row{"another name", other, other, "localhost", 502},
        Row{"another address", other, other, "127.0.0.1", 502}}) {
    RunningProxy behind({.servers = {origin.url()}}, {.tls = tls_of(row.shown)});
    RunningProxy proxy({.servers = {"https://" + std::string(row.host) + ":" + std::to_string(behind.port())},
                        .ca_file = ca_of(row.trusted)});
    RawPeer peer(proxy.port());
    for (int i = 0; i < 3; ++i) {
      peer.send(get_a);
      EXPECT_EQ(peer.answer().status, row.status) << row.what;
    }
    if (row.status == 502) EXPECT_EQ(behind.told().size(), 0U) << row.what;
  }
}

}  // namespace
}  // namespace jeton::gateway
