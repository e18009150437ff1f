// verifier NAME=VALUE…: a service that is guarded as any would be, by jeton::Agent and Guard, for the tests that need
// several of them as processes.
//
//   issuer, client, secret (a file), feed_keys (a file; empty: no feed), state (a directory), jwks (an address or
//   file), feed_url, token_endpoint
//   staleness, silence, cooldown, refresh_min, reconnect_max (milliseconds)
//
// GET /open goes on when the feed is stale, GET /strict answers 503 then. GET /status, /metrics. Prints its port.
#include "http/server.h"
#include "platform/signals.h"

#include <jeton/agent.h>
#include <jeton/guard.h>
#include <jeton/value.h>

#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace jeton {
namespace {

using std::chrono::milliseconds;

std::map<std::string, std::string> arguments_of(int count, char** texts) {
  std::map<std::string, std::string> out;
  for (int i = 1; i < count; ++i) {
    const std::string text = texts[i];
    const auto equals = text.find('=');
    out[text.substr(0, equals)] = equals == std::string::npos ? "" : text.substr(equals + 1);
  }
  return out;
}

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

milliseconds time_in(const std::map<std::string, std::string>& given, const char* name, milliseconds otherwise) {
  const auto found = given.find(name);
  return found == given.end() ? otherwise : milliseconds(std::stoi(found->second));
}

AgentOptions options_of(std::map<std::string, std::string> given) {
  AgentOptions options{.issuers = {},
                       .state_directory = given["state"],
                       .agent_limits = {.keys_refresh_min = time_in(given, "refresh_min", milliseconds(1000)),
                                        .unknown_key_cooldown = time_in(given, "cooldown", milliseconds(30'000)),
                                        .feed_silence_max = time_in(given, "silence", milliseconds(5000)),
                                        .feed_reconnect_max = time_in(given, "reconnect_max", milliseconds(10'000))}};
  AgentIssuer issuer{.trust = {.issuer = given["issuer"],
                               .audience = AudienceRule::must_include("api"),
                               .profile = Profile::jeton,
                               .leeway = std::chrono::seconds(30)}};
  if (const std::string& jwks = given["jwks"]; !jwks.empty()) {
    issuer.keys = jwks.starts_with("http") ? KeysFrom::url(jwks) : KeysFrom::file(jwks);
  }
  if (const std::string& keys = given["feed_keys"]; !keys.empty()) {
    issuer.feed = AgentFeed{.pinned = KeySet::parse(content_of(keys)).value(),
                            .client_id = given["client"],
                            .client_secret = SecretBytes::from_text(content_of(given["secret"])),
                            .url = given["feed_url"],
                            .token_endpoint = given["token_endpoint"]};
  }
  options.issuers.push_back(std::move(issuer));
  return options;
}

class Service {
 public:
  Service(std::unique_ptr<Agent> agent, milliseconds staleness_max)
      : agent_(std::move(agent)), staleness_max_(staleness_max) {}

  http::Router router() {
    http::Router router;
    router.add(http::Method::get, "/open", [this](const auto& request) { return check(request); });
    router.add(http::Method::get, "/strict", [this](const auto& request) { return check(request); });
    router.add(http::Method::get, "/status", [this](const auto& request) { return status(request); });
    router.add(http::Method::get, "/metrics", [this](const auto& request) { return metrics(request); });
    return router;
  }

 private:
  // Made anew for each generation of the verifier.
  std::shared_ptr<const Guard> guard() {
    const std::lock_guard lock(mutex_);
    const std::uint64_t generation = agent_->generation();
    if (generation == generation_) return guard_;
    const auto verifier = agent_->verifier();
    const auto route = [this](std::string path, WhenStale when) {
      return Route{.name = path,
                   .match = {.path = path},
                   .policy = {.audiences = {"api"}, .staleness_max = staleness_max_, .when_stale = when}};
    };
    guard_ = verifier == nullptr
                 ? nullptr
                 : std::make_shared<const Guard>(
                       *verifier,
                       Routes::build({route("/open", WhenStale::allow), route("/strict", WhenStale::deny)}).value(),
                       GuardParts{.cache = &cache_, .revocations = &agent_->revocations()});
    generation_ = generation;
    return guard_;
  }

  boost::asio::awaitable<http::Response> check(const http::Request& request) {
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    const auto guard = this->guard();
    if (guard == nullptr) co_return http::json_response(503, R"({"error":"Verifier not ready"})");
    const auto authorization = request.headers.all("authorization");
    const Decision decision = guard->decide(
        {.path = request.path, .query = request.query, .authorization = authorization}, {now, Agent::monotonic()});
    if (const Refused* const refused = decision.refused()) {
      if (refused->error.code == Errc::unknown_key) {
        const auto peeked = authorization.empty() ? Result<UntrustedHeader>(std::unexpected(Error{Errc::missing_token}))
                                                  : untrusted_header_peek(authorization.front().substr(7));
        if (peeked.has_value()) agent_->saw_unknown_key(peeked->kid);
        if (!agent_->has_all_keys()) co_return http::json_response(503, R"({"error":"Verifier not ready"})");
      }
      co_return http::json_response(refused->answer.status, refused->answer.body);
    }
    co_return http::json_response(200, decision.allowed()->is_stale ? R"({"stale":true})" : "{}");
  }

  boost::asio::awaitable<http::Response> status(const http::Request&) {
    const AgentStatus one = agent_->status().empty() ? AgentStatus{} : agent_->status().front();
    const auto counts = agent_->revocations().counts();
    const bool is_known = one.feed_staleness != std::chrono::nanoseconds::max();
    co_return http::json_response(
        200,
        Value::object()
            .set("keys", static_cast<std::int64_t>(one.keys))
            .set("keys_problem", one.keys_problem)
            .set("generation", static_cast<std::int64_t>(agent_->generation()))
            .set("connected", one.feed_connected)
            .set("feed_problem", one.feed_problem)
            .set("staleness_ms",
                 is_known ? Value(static_cast<std::int64_t>(one.feed_staleness.count() / 1'000'000)) : Value(nullptr))
            .set("entries", static_cast<std::int64_t>(counts.entries))
            .to_json());
  }

  boost::asio::awaitable<http::Response> metrics(const http::Request&) {
    http::Response response;
    response.headers.set("Content-Type", "text/plain; version=0.0.4");
    response.body = agent_->metrics();
    co_return response;
  }

  std::unique_ptr<Agent> agent_;
  milliseconds staleness_max_;
  TokenCache cache_{{.entries_max = 10'000}};
  std::mutex mutex_{};
  std::shared_ptr<const Guard> guard_{};
  std::uint64_t generation_ = 0;
};

int run(int count, char** texts) {
  const auto given = arguments_of(count, texts);
  platform::block_signals();
  auto agent = Agent::start(options_of(given));
  if (!agent.has_value()) {
    std::cerr << agent.error() << '\n';
    return 1;
  }
  Service service(*std::move(agent), time_in(given, "staleness", milliseconds(10'000)));
  auto server = http::Server::listen({}, service.router());
  if (!server.has_value()) return 1;
  const platform::SignalThread signals({.stop = [&] { (*server)->stop(); }, .reload = [] {}});
  std::cout << "verifier on " << (*server)->port() << std::endl;
  (*server)->run();
  return 0;
}

}  // namespace
}  // namespace jeton

int main(int count, char** texts) { return jeton::run(count, texts); }
