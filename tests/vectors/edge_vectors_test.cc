// The decisions of tests/vectors/decisions once more, over HTTP: through forward-auth, in each of its ways of asking,
// and through the reverse proxy to an origin. decision_vectors_test.cc gives the same files to a Guard.
//
// Cases with a form are left out: neither shape reads bodies. The route that was met is not to be seen from outside.
#include "decision_files.h"
#include "gateway/decision_recorder.h"
#include "gateway/forward_auth/forward_auth.h"
#include "gateway/proxy/proxy.h"
#include "gateway/proxy/proxy_decision.h"
#include "http/server.h"
#include "http/test_peer.h"
#include "http/upstream.h"

#include <jeton/path.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace jeton::gateway {
namespace {

constexpr UnixTime noon = from_unix_seconds(1'700'000'000);

struct StoppedClock final : platform::ClockSource {
  std::chrono::sys_time<std::chrono::milliseconds> now() const override { return noon; }
};

// Answers with what it was asked, a line for the target and one for each field.
void echo(const http::InlineRequest& request, http::InlineAnswer& answer) {
  std::string seen(request.head.target);
  for (const auto& [name, value] : request.head.fields()) seen.append("\n").append(name).append(": ").append(value);
  answer.status(200);
  answer.body(seen);
}

// One policy in one shape, with caches, limits and keys of its own, and an origin behind it.
class Shown {
 public:
  Shown(const PolicyFile& file, Shape shape) : signer_(file), forward_auth_(book_, recorder_, clock_) {
    http::Router origin;
    origin.use_inline(echo);
    origin_ =
        std::make_unique<http::RunningServer>(http::ServerOptions{.paths = http::PathReading::raw}, std::move(origin));
    auto upstream =
        http::Upstream::create({.name = "origin", .servers = {"http://127.0.0.1:" + std::to_string(origin_->port())}});
    Guard guard(signer_.verifier(), file.routes, {.cache = &cache_, .limiter = &limiter_});
    DecisionCounters counters(metrics_, file.routes);
    Rulebook book{guard, signer_.verifier(), std::move(counters), &cache_};
    for (const Route& route : file.routes.all()) book.upstreams.emplace(route.upstream, *upstream);
    book_.replace(std::make_shared<const Rulebook>(std::move(book)));
    begin(shape);
  }
  ~Shown() {
    server_->stop();
    if (thread_.joinable()) thread_.join();
  }
  Shown(const Shown&) = delete;

  std::string token(const PolicyCase& one) const { return signer_.token(one, noon); }
  http::RawAnswer send(const std::string& bytes) const {
    http::RawPeer peer(server_->port());
    peer.send(bytes);
    return peer.answer();
  }

 private:
  void begin(Shape shape) {
    http::ServerOptions options{.trusted_proxies = proxies_, .paths = http::PathReading::raw};
    http::Router router;
    http::StreamServiceFactory streams;
    if (shape == Shape::forward_auth) {
      router.use_inline([this](const http::InlineRequest& question, http::InlineAnswer& answer) {
        forward_auth_.answer(question, answer);
      });
    } else {
      streams = proxy_service({.decide = [this](const http::RequestHead& head, const Trace& trace) {
        return decider_.decide(head, trace);
      }});
    }
    auto server = http::Server::listen(std::move(options), std::move(router), {}, std::move(streams));
    server_ = std::move(*server);
    thread_ = std::thread([this] { server_->run(); });
  }

  platform::Metrics metrics_;
  TokenCache cache_;
  RateLimiter limiter_;
  CaseSigner signer_;
  CurrentRulebook book_;
  StoppedClock clock_;
  DecisionRecorder recorder_{metrics_, {.lines_per_second_max = 0}};
  http::TrustedProxies proxies_{{*http::parse_address_range("127.0.0.0/8")}};
  ForwardAuth forward_auth_;
  ProxyDecider decider_{book_, recorder_, clock_};
  std::unique_ptr<http::RunningServer> origin_;
  std::unique_ptr<http::Server> server_;
  std::thread thread_;
};

std::string target_of(const PolicyCase& one) { return one.path + (one.query.empty() ? "" : "?" + one.query); }
std::string host_of(const PolicyCase& one) { return one.host.empty() ? "api.example.com" : one.host; }

// How the case is put to a shape: the bytes that are sent.
using Put = std::string (*)(const PolicyCase& one, const std::string& token);

std::string fields_of(const PolicyCase& one, const std::string& token) {
  std::string text;
  for (const auto& [name, value] : headers_of(one, token)) text += name + ": " + value + "\r\n";
  if (!one.address.empty()) text += "X-Forwarded-For: " + one.address + "\r\n";
  return text + "\r\n";
}
std::string as_forwarded(const PolicyCase& one, const std::string& token) {
  return "GET /auth HTTP/1.1\r\nHost: jeton\r\nX-Forwarded-Method: " + one.method +
         "\r\nX-Forwarded-Uri: " + target_of(one) + "\r\nX-Forwarded-Host: " + host_of(one) +
         "\r\nX-Forwarded-Proto: " + one.scheme + "\r\n" + fields_of(one, token);
}
std::string as_nginx(const PolicyCase& one, const std::string& token) {
  return "GET /auth/nginx HTTP/1.1\r\nHost: jeton\r\nX-Original-Method: " + one.method +
         "\r\nX-Original-URI: " + target_of(one) + "\r\nX-Original-Host: " + host_of(one) +
         "\r\nX-Original-Proto: " + one.scheme + "\r\n" + fields_of(one, token);
}
std::string as_envoy(const PolicyCase& one, const std::string& token) {
  return one.method + " /auth/envoy" + target_of(one) + " HTTP/1.1\r\nHost: " + host_of(one) +
         "\r\nX-Forwarded-Proto: " + one.scheme + "\r\n" + fields_of(one, token);
}
std::string as_client(const PolicyCase& one, const std::string& token) {
  // An answer to HEAD has a length and no body: its end is the connection's.
  const std::string close = one.method == "HEAD" ? "Connection: close\r\n" : "";
  return one.method + " " + target_of(one) + " HTTP/1.1\r\nHost: " + host_of(one) + "\r\n" + close +
         fields_of(one, token);
}

std::string field_in(const std::string& head, const std::string& name) {
  const std::string mark = "\r\n" + name + ": ";
  const std::size_t at = head.find(mark);
  if (at == std::string::npos) return {};
  const std::size_t begin = at + mark.size();
  return head.substr(begin, head.find("\r\n", begin) - begin);
}

std::string objection_to(const PolicyCase& one, const http::RawAnswer& answer, Put put) {
  const bool is_nginx = put == as_nginx;
  const std::string truth = field_in(answer.head, "Jeton-Status");
  const int status = is_nginx && answer.status != 200 ? std::atoi(truth.c_str()) : answer.status;
  if (is_nginx && answer.status != 200 && answer.status != 401 && answer.status != 403) return "nginx takes no such";
  if (status != one.status) return "is answered " + std::to_string(status) + " " + answer.body;
  if (!one.code.empty()) {
    if (one.challenge.has_value() && *one.challenge != field_in(answer.head, "WWW-Authenticate"))
      return "has the challenge " + field_in(answer.head, "WWW-Authenticate");
    const std::string body = is_nginx ? field_in(answer.head, "Jeton-Body") : answer.body;
    if (one.method != "HEAD" && one.body.has_value() && *one.body != body) return "says " + body;
    return {};
  }
  // What the origin sees, or is to see: in the answer's head, or behind the proxy in its body.
  std::string seen = put == as_client ? "\r\n" + answer.body + "\r\n" : answer.head;
  for (std::size_t at = 0; put == as_client && (at = seen.find('\n', at)) != std::string::npos; at += 2) {
    if (at == 0 || seen[at - 1] != '\r') seen.insert(at, "\r");
  }
  if (put == as_client && one.method == "HEAD") return {};
  for (const auto& [name, value] : one.pass.value_or(std::vector<CaseHeader>{})) {
    if (field_in(seen, name) != value) return "passes " + name + ": " + field_in(seen, name);
  }
  if (put == as_client && one.forwards.has_value()) {
    const std::string target = *one.forwards + (one.query.empty() ? "" : "?" + one.query);
    if (!answer.body.starts_with(target + "\n")) return "forwards " + answer.body.substr(0, answer.body.find('\n'));
  }
  return {};
}

void run_all(Shape shape, Put put, std::size_t at_least) {
  std::size_t count = 0;
  for (const auto& path : policies()) {
    const PolicyFile file = policy_of(path);
    const Shown shown(file, shape);
    for (const PolicyCase& one : cases_of(path)) {
      if (!one.form.empty()) continue;
      ++count;
      http::RawAnswer answer;
      for (int i = 0; i < one.repeated; ++i) answer = shown.send(put(one, shown.token(one)));
      EXPECT_EQ(objection_to(one, answer, put), "") << path.stem() << ".cases:" << one.line << " " << one.title();
    }
  }
  EXPECT_GE(count, at_least);
}

// The comparison can fail: each case of one file, expected to end otherwise, is objected to.
TEST(EdgeVectors, AnotherExpectationIsObjectedTo) {
  const PolicyFile file = policy_of(JETON_VECTORS_DIR "/decisions/audio.toml");
  const Shown asked(file, Shape::forward_auth), passed(file, Shape::proxy);
  for (PolicyCase one : cases_of(JETON_VECTORS_DIR "/decisions/audio.toml")) {
    if (!one.form.empty() || one.repeated > 1) continue;
    one.status = one.status == 200 ? 403 : 200;
    EXPECT_NE(objection_to(one, asked.send(as_forwarded(one, asked.token(one))), as_forwarded), "") << one.title();
    EXPECT_NE(objection_to(one, passed.send(as_client(one, passed.token(one))), as_client), "") << one.title();
  }
}

// mission rows 4, 9, 23 and 24, as decision_vectors_test.cc has them.
TEST(EdgeVectors, ForwardAuthDecidesAsTheGuardDoes) { run_all(Shape::forward_auth, as_forwarded, 300); }
TEST(EdgeVectors, ForwardAuthForNginxDecidesAsTheGuardDoes) { run_all(Shape::forward_auth, as_nginx, 300); }
TEST(EdgeVectors, ForwardAuthForEnvoyDecidesAsTheGuardDoes) { run_all(Shape::forward_auth, as_envoy, 300); }
TEST(EdgeVectors, ReverseProxyDecidesAsTheGuardDoes) { run_all(Shape::proxy, as_client, 300); }

}  // namespace
}  // namespace jeton::gateway
