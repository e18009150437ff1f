#include "http/forwarded.h"

#include "http/test_peer.h"

#include <gtest/gtest.h>

namespace jeton::http {
namespace {

TrustedProxies proxies(const std::vector<std::string>& texts) {
  std::vector<AddressRange> ranges;
  for (const std::string& text : texts) ranges.push_back(parse_address_range(text).value());
  return TrustedProxies(std::move(ranges));
}

Request from(std::string socket, const std::vector<std::string>& forwarded_for) {
  Request request;
  request.peer_address = std::move(socket);
  request.headers.add("Host", "inner:8080");
  for (const std::string& value : forwarded_for) request.headers.add("X-Forwarded-For", value);
  return request;
}

std::string client(const TrustedProxies& trusted, Request request) {
  see_through(trusted, request);
  return request.peer_address;
}

TEST(Address, IsReadInTheFormsThatProxiesWriteAndNoOther) {
  for (const std::string_view v4 : {"192.0.2.7", "192.0.2.7:4711", "::ffff:192.0.2.7", "[::ffff:192.0.2.7]:1"})
    EXPECT_EQ(parse_address(v4).value().text(), "192.0.2.7") << v4;
  for (const std::string_view v6 : {"2001:db8::1", "[2001:db8::1]", "[2001:DB8:0::1]:443"})
    EXPECT_EQ(parse_address(v6).value().text(), "2001:db8::1") << v6;
  for (const std::string_view bad :
       {"", "unknown", "_hidden", "192.0.2", "192.0.2.07", "192.0.2.7:", "192.0.2.7:x", "[192.0.2.7]", "[2001:db8::1",
        "[2001:db8::1]x", "fe80::1%eth0", "192.0.2.7, 192.0.2.8", "localhost", "0x7f.1", " 192.0.2.7"}) {
    EXPECT_FALSE(parse_address(bad).has_value()) << bad;
  }
  EXPECT_FALSE(parse_address(std::string_view("192.0.2.7\0", 10)).has_value());
}

TEST(AddressRange, HoldsWhatItsPrefixCovers) {
  const auto in = [](std::string_view range, std::string_view address) {
    return parse_address_range(range).value().contains(parse_address(address).value());
  };
  EXPECT_TRUE(in("10.0.0.0/8", "10.255.0.1"));
  EXPECT_FALSE(in("10.0.0.0/8", "11.0.0.1"));
  EXPECT_TRUE(in("192.0.2.128/25", "192.0.2.129"));
  EXPECT_FALSE(in("192.0.2.128/25", "192.0.2.127"));
  EXPECT_TRUE(in("127.0.0.1", "::ffff:127.0.0.1"));
  EXPECT_FALSE(in("0.0.0.0/0", "2001:db8::1"));
  EXPECT_TRUE(in("2001:db8::/33", "2001:db8:7fff::1"));
  EXPECT_FALSE(in("2001:db8::/33", "2001:db8:8000::1"));
  EXPECT_TRUE(in("::/0", "192.0.2.7"));
  for (const std::string_view bad : {"", "/8", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/8x",
                                     "proxy", "127.0.0.1:80", "[::1]"}) {
    EXPECT_FALSE(parse_address_range(bad).has_value()) << bad;
  }
}

TEST(Forwarded, IsIgnoredFromWhoeverIsNotTrusted) {
  EXPECT_EQ(client(proxies({}), from("192.0.2.7", {"203.0.113.9"})), "192.0.2.7");
  EXPECT_EQ(client(proxies({"10.0.0.0/8"}), from("192.0.2.7", {"203.0.113.9"})), "192.0.2.7");
  EXPECT_EQ(client(proxies({"10.0.0.0/8"}), from("10.0.0.1", {"203.0.113.9"})), "203.0.113.9");
}

TEST(Forwarded, TheRightmostUntrustedAddressWins) {
  const TrustedProxies trusted = proxies({"10.0.0.0/8", "2001:db8:ff::/48"});
  EXPECT_EQ(client(trusted, from("10.0.0.1", {"198.51.100.1, 203.0.113.9"})), "203.0.113.9") << "the left is hearsay";
  EXPECT_EQ(client(trusted, from("10.0.0.1", {"10.9.9.9, 203.0.113.9, 10.0.0.2, 2001:db8:ff::2"})), "203.0.113.9");
  EXPECT_EQ(client(trusted, from("10.0.0.1", {"203.0.113.9", "10.0.0.2"})), "203.0.113.9") << "two headers, one list";
  EXPECT_EQ(client(trusted, from("10.0.0.1", {"10.0.0.3, 10.0.0.2"})), "10.0.0.3") << "all trusted: the first of them";
  EXPECT_EQ(client(trusted, from("10.0.0.1", {})), "10.0.0.1");
}

TEST(Forwarded, WhatIsNoAddressEndsTheWalkAtTheProxyThatWroteIt) {
  const TrustedProxies trusted = proxies({"10.0.0.0/8"});
  EXPECT_EQ(client(trusted, from("10.0.0.1", {"203.0.113.9, unknown"})), "10.0.0.1");
  EXPECT_EQ(client(trusted, from("10.0.0.1", {"203.0.113.9, bogus, 10.0.0.2"})), "10.0.0.2");
  EXPECT_EQ(client(trusted, from("10.0.0.1", {""})), "10.0.0.1");
  std::string long_list = "203.0.113.9";
  for (std::size_t i = 0; i < 1000; ++i) long_list += ", 10.0.0.2";
  EXPECT_EQ(client(trusted, from("10.0.0.1", {long_list})), "10.0.0.2") << "no more than forwarded_hops_max are read";
}

TEST(Forwarded, SchemeAndHostAreThoseOfATrustedProxyAlone) {
  const auto seen = [](const TrustedProxies& trusted, std::string socket, std::string_view proto,
                       std::string_view host) {
    Request request = from(std::move(socket), {});
    request.headers.add("X-Forwarded-Proto", std::string(proto));
    request.headers.add("X-Forwarded-Host", std::string(host));
    see_through(trusted, request);
    return request.scheme + "://" + request.host;
  };
  const TrustedProxies trusted = proxies({"10.0.0.1"});
  EXPECT_EQ(seen(trusted, "10.0.0.1", "https", "id.example.com"), "https://id.example.com");
  EXPECT_EQ(seen(trusted, "10.0.0.1", "http, https", "evil.example, id.example.com"), "https://id.example.com");
  EXPECT_EQ(seen(trusted, "10.0.0.2", "https", "evil.example"), "http://inner:8080");
  EXPECT_EQ(seen(trusted, "10.0.0.1", "gopher", "a b"), "http://inner:8080");
}

TEST(Forwarded, AHandlerSeesTheClientBehindTheProxy) {
  Router router;
  router.add(Method::get, "/who", [](const Request& request) -> boost::asio::awaitable<Response> {
    co_return json_response(200, request.peer_address + " " + request.scheme + " " + request.host);
  });
  ServerOptions behind{.trusted_proxies = proxies({"127.0.0.1"})};
  RunningServer trusting(behind, router);
  RunningServer alone({}, router);
  const std::string request =
      "GET /who HTTP/1.1\r\nHost: inner\r\nX-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\n\r\n";
  RawPeer through(trusting.port()), direct(alone.port());
  through.send(request);
  EXPECT_EQ(through.answer().body, "203.0.113.9 https inner");
  direct.send(request);
  EXPECT_EQ(direct.answer().body, "127.0.0.1 http inner");
}

// A proxy that does not set the field passes on its client's.
TEST(SeeThrough, ForwardedHostIsBelievedOnlyWhereTheProxiesSetIt) {
  const std::vector<AddressRange> ranges = {parse_address_range("10.0.0.0/8").value()};
  for (const ForwardedHost host : {ForwardedHost::ignored, ForwardedHost::believed}) {
    Request request = from("10.0.0.1", {"192.0.2.7"});
    request.headers.add("X-Forwarded-Host", "admin.example.com");
    see_through(TrustedProxies(ranges, host), request);
    EXPECT_EQ(request.host, host == ForwardedHost::believed ? "admin.example.com" : "inner:8080");
    EXPECT_EQ(request.peer_address, "192.0.2.7");
  }
}

}  // namespace
}  // namespace jeton::http
