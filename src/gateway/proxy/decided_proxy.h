// For tests: both shapes of the gateway by a policy file's text: the reverse proxy with an origin that remembers the
// heads that reached it, and forward-auth.
#pragma once

#include "gateway/forward_auth/forward_auth.h"
#include "gateway/policy_file.h"
#include "gateway/proxy/proxy_decision.h"
#include "gateway/proxy/test_origin.h"

#include <jeton/signer.h>

#include <gtest/gtest.h>

#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace jeton::gateway {

class DecidedProxy : public testing::Test {
 protected:
  static constexpr UnixTime noon = from_unix_seconds(1'700'000'000);
  struct StoppedClock final : platform::ClockSource {
    std::chrono::sys_time<std::chrono::milliseconds> now() const override { return noon; }
  };

  // "PORT" in the text is the origin's.
  void use(std::string text, GuardParts parts = {}) {
    if (const std::size_t at = text.find("PORT"); at != text.npos) text.replace(at, 4, std::to_string(origin_.port()));
    auto file = parse_policy_file(text, "p.toml");
    ASSERT_TRUE(file.has_value()) << file.error().text();
    parts.cache = &cache_;
    Verifier verifier{trusted_issuer(file->issuers.at(0), *file, KeySet({key_.verification_key()}))};
    Guard guard(verifier, file->routes, parts);
    DecisionCounters counters(metrics_, guard.routes());
    Rulebook book{guard, verifier, std::move(counters), &cache_};
    book.cors = file->cors;
    for (const UpstreamSettings& upstream : file->upstreams)
      book.upstreams.emplace(upstream.name,
                             *http::Upstream::create({.name = upstream.name, .servers = upstream.servers}));
    change(book);
    rulebook_.replace(std::make_shared<const Rulebook>(std::move(book)));
  }
  virtual void change(Rulebook&) {}

  std::string token(const std::string& subject = "u1") {
    const Signer signer{key_, {.issuer = "https://id.example.com", .audiences = {"api"}}};
    return signer.sign(Claims{subject}.with("client_id", "app"), noon).value();
  }
  http::RawAnswer send(const std::string& head) {
    http::RawPeer peer(proxy_.port());
    peer.send(head + "\r\n");
    return peer.answer();
  }
  // The same request, as a proxy asks about it.
  http::RawAnswer ask(const std::string& method, const std::string& target, const std::string& more) {
    http::RawPeer peer(asked_.port());
    peer.send("GET /auth HTTP/1.1\r\nHost: g\r\nX-Forwarded-Method: " + method + "\r\nX-Forwarded-Uri: " + target +
              "\r\nX-Forwarded-Host: api.example.com\r\nX-Forwarded-For: 192.0.2.7\r\n" + more + "\r\n");
    return peer.answer();
  }
  std::vector<std::string> seen() {
    const std::lock_guard lock(mutex_);
    return seen_;
  }

  SigningKey key_ = SigningKey::generate(Algorithm::es256);
  platform::Metrics metrics_;
  TokenCache cache_;
  CurrentRulebook rulebook_;
  StoppedClock clock_;
  DecisionRecorder recorder_{metrics_, {}};
  ProxyDecider decider_{rulebook_, recorder_, clock_};
  std::mutex mutex_;
  std::vector<std::string> seen_;
  std::string answer_ = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";  // of the origin
  Origin origin_{[this](OriginPeer& peer, unsigned) {
    for (std::string head; !(head = peer.head()).empty();) {
      const std::lock_guard lock(mutex_);
      seen_.push_back(head);
      peer.send(answer_);
    }
  }};
  http::RunningServer proxy_{http::ServerOptions{.paths = http::PathReading::raw},
                             {},
                             {},
                             proxy_service({.decide = [this](const http::RequestHead& head, const Trace& trace) {
                               return decider_.decide(head, trace);
                             }})};
  http::TrustedProxies askers_{{*http::parse_address_range("127.0.0.0/8")}};
  ForwardAuth forward_auth_{rulebook_, recorder_, clock_};
  static http::Router asked_by(const ForwardAuth& forward_auth) {
    http::Router router;
    router.use_inline([&forward_auth](const http::InlineRequest& question, http::InlineAnswer& answer) {
      forward_auth.answer(question, answer);
    });
    return router;
  }
  http::RunningServer asked_{http::ServerOptions{.trusted_proxies = askers_, .paths = http::PathReading::raw},
                             asked_by(forward_auth_)};
};

}  // namespace jeton::gateway
