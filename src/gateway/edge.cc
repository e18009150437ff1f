#include "gateway/edge.h"

#include "gateway/decision_recorder.h"
#include "gateway/forward_auth/forward_auth.h"
#include "gateway/introspection/introspector.h"
#include "gateway/proxy/proxy.h"
#include "gateway/proxy/proxy_decision.h"
#include "gateway/reload.h"
#include "gateway/rulebook.h"
#include "gateway/shared_limits/shared_limits.h"
#include "http/response_writer.h"
#include "http/server_tls.h"
#include "http/upstream.h"
#include "platform/log.h"
#include "platform/metrics.h"

#include <jeton/agent.h>
#include <jeton/failure_budget.h>
#include <jeton/rate_limit.h>

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace jeton::gateway {
namespace {

using boost::asio::awaitable;
using platform::Fault;
using platform::Outcome;

constexpr std::chrono::milliseconds watch_interval{20};   // for another set of keys
constexpr std::chrono::milliseconds ready_wait_max{500};  // at the start, for keys
constexpr unsigned threads_by_default_max = 8;
// Of a look-up: six places share a set, so nearly all tokens find one if there is room for three times as many.
constexpr std::size_t places_for_a_token = 3;

struct Place {
  std::string host;
  std::uint16_t port = 0;
};

// "HOST:PORT", which the policy file has checked.
Place place_of(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  std::string host = address.substr(0, colon);
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  return {std::move(host), static_cast<std::uint16_t>(std::stoul(address.substr(colon + 1)))};
}

http::TrustedProxies proxies_of(const std::vector<std::string>& texts,
                                http::ForwardedHost host = http::ForwardedHost::ignored) {
  std::vector<http::AddressRange> ranges;
  for (const std::string& text : texts) {
    if (const auto range = http::parse_address_range(text)) ranges.push_back(*range);
  }
  return http::TrustedProxies(std::move(ranges), host);
}

// Who is believed about the clients of the reverse proxy.
http::TrustedProxies before_the_proxy(const GatewaySettings& settings) {
  return proxies_of(settings.trusted_proxies,
                    settings.forwarded_host ? http::ForwardedHost::believed : http::ForwardedHost::ignored);
}

// Whom forward-auth answers: this machine if nobody is named.
http::TrustedProxies askers_of(const GatewaySettings& settings) {
  if (settings.trusted_proxies.empty()) return proxies_of({"127.0.0.0/8", "::1"});
  return proxies_of(settings.trusted_proxies);
}

Outcome<AgentIssuer> agent_issuer(const IssuerSettings& settings, const PolicyFile& file,
                                  const EdgeSecrets::OfIssuer& secrets) {
  AgentIssuer issuer{.trust = trusted_issuer(settings, file, KeySet())};
  // Routes may come to name other audiences while the agent goes on.
  issuer.trust.audience = AudienceRule::accept_any_because("each route looks at the audiences that it takes itself");
  if (!settings.jwks_file.empty())
    issuer.keys = KeysFrom::file(settings.jwks_file);
  else if (!settings.jwks.empty())
    issuer.keys = KeysFrom::url(settings.jwks);
  if (!settings.feed) return issuer;
  auto pinned = KeySet::parse(secrets.feed_key);
  if (!pinned.has_value())
    return std::unexpected(Fault{fmt::format("feed_key of {}: {}.", settings.url, describe(pinned.error())),
                                 "Take what `jeton feed key` prints."});
  issuer.feed = AgentFeed{
      .pinned = *std::move(pinned),
      .client_id = settings.client_id,
      .client_secret = secrets.client_secret.duplicate(),
      .numbers = settings.profile == Profile::jeton ? RevocationNumbers::versions : RevocationNumbers::issued_at};
  return issuer;
}

Outcome<AgentOptions> agent_options(const PolicyFile& file, EdgeSecrets& secrets) {
  AgentOptions options{.state_directory = file.gateway.state};
  secrets.issuers.resize(file.issuers.size());
  for (std::size_t i = 0; i < file.issuers.size(); ++i) {
    auto issuer = agent_issuer(file.issuers[i], file, secrets.issuers[i]);
    if (!issuer.has_value()) return std::unexpected(std::move(issuer.error()));
    options.issuers.push_back(*std::move(issuer));
  }
  return options;
}

Outcome<std::shared_ptr<Agent>> start_agent(const PolicyFile& file, EdgeSecrets& secrets) {
  auto options = agent_options(file, secrets);
  if (!options.has_value()) return std::unexpected(std::move(options.error()));
  auto started = Agent::start(*std::move(options));
  if (!started.has_value()) return std::unexpected(Fault{std::move(started.error()), ""});
  return std::shared_ptr<Agent>(*std::move(started));
}

constexpr std::chrono::nanoseconds behind_max = std::chrono::milliseconds(1'500);  // a heartbeat, and its way

// For the keys and the feeds, and until each issuer was asked for its keys once: those on disk may be older than the
// last that it has signed with, and its tokens would be refused until the answer is there.
void wait_at_start(const Agent& agent) {
  constexpr std::chrono::milliseconds look_interval{5};
  const auto until = std::chrono::steady_clock::now() + ready_wait_max;
  agent.wait_until_ready(ready_wait_max);
  const auto has_asked = [&] {
    return std::ranges::all_of(agent.status(), [](const AgentStatus& one) { return one.keys_looks > 0; });
  };
  while (!has_asked() && std::chrono::steady_clock::now() < until) std::this_thread::sleep_for(look_interval);
}

bool is_as_fresh(const AgentStatus& mine, const AgentStatus& before) {
  return !mine.has_feed || mine.feed_staleness - behind_max <= before.feed_staleness;
}

// Whether each entry that the former one knew is known. Of another history that can be told by its age alone.
bool knows_as_much(const AgentStatus& mine, const AgentStatus& before) {
  if (!mine.has_feed) return true;
  if (mine.feed_epoch == before.feed_epoch) return mine.feed_entry >= before.feed_entry;
  return !mine.feed_epoch.empty() && is_as_fresh(mine, before);
}

// Of one issuer, what would be lost. Tokens would be refused without its keys, and without what the feed has told
// revoked ones be accepted.
Outcome<void> loses_nothing(const AgentStatus& mine, const AgentStatus& before) {
  if (before.has_keys && !mine.has_keys)
    return std::unexpected(
        Fault{fmt::format("{}: its keys are not known to the new configuration: {}.", mine.issuer,
                          mine.keys_problem.empty() ? "there was no answer in time" : mine.keys_problem),
              "Look at its jwks and whether the issuer answers there, and send SIGHUP again."});
  if (!knows_as_much(mine, before))
    return std::unexpected(
        Fault{fmt::format("{}: what it has revoked is not known to the new configuration: {}.", mine.issuer,
                          mine.feed_problem.empty() ? "its feed was not heard in time" : mine.feed_problem),
              "Look at its feed_key and client, and at state; send SIGHUP again when its feed can be heard."});
  return {};
}

// Until it can say what the former one can: it has all keys, and has heard each feed as lately. Fault: for an issuer of
// both it cannot in the end. Issuers that have come only now are not waited for any longer.
Outcome<void> wait_for(const Agent& agent, const Agent& former) {
  constexpr std::chrono::milliseconds look_interval{10};
  const auto until = std::chrono::steady_clock::now() + Edge::issuer_wait_max;
  while (true) {
    const bool is_last = std::chrono::steady_clock::now() >= until;
    const std::vector<AgentStatus> known = former.status();
    std::this_thread::sleep_for(look_interval);  // for what the former one has heard a moment sooner
    bool is_ready = agent.wait_until_ready(std::chrono::milliseconds(0));
    Outcome<void> whole;
    for (const AgentStatus& mine : agent.status()) {
      const auto before = std::ranges::find(known, mine.issuer, &AgentStatus::issuer);
      if (before == known.end()) continue;
      if (whole.has_value()) whole = loses_nothing(mine, *before);
      is_ready = is_ready && is_as_fresh(mine, *before);
    }
    if (is_last || (is_ready && whole.has_value())) return whole;
  }
}

// In place of the former one, which goes on as it was if there is a Fault.
Outcome<std::shared_ptr<Agent>> start_successor(Agent& former, bool same_place, const PolicyFile& file,
                                                EdgeSecrets& secrets) {
  if (auto options = agent_options(file, secrets); !options.has_value())
    return std::unexpected(std::move(options.error()));
  if (same_place && !former.leave_state(Edge::issuer_wait_max))
    return std::unexpected(Fault{fmt::format("{}: the disk takes too long.", file.gateway.state),
                                 "Look at that disk, and send SIGHUP again."});
  auto started = start_agent(file, secrets);
  if (started.has_value()) {
    if (auto done = wait_for(**started, former); !done.has_value()) {
      (*started)->stop();
      started = std::unexpected(std::move(done.error()));
    }
  }
  if (!started.has_value() && same_place) former.take_state();
  return started;
}

bool are_same(const std::vector<EdgeSecrets::OfIssuer>& some, const std::vector<EdgeSecrets::OfIssuer>& others) {
  return std::ranges::equal(some, others, [](const EdgeSecrets::OfIssuer& one, const EdgeSecrets::OfIssuer& other) {
    return one.feed_key == other.feed_key &&
           std::ranges::equal(one.client_secret.reveal(InsecureSecretAccess::get()),
                              other.client_secret.reveal(InsecureSecretAccess::get()));
  });
}

std::vector<IntrospectionEndpoint> introspection_endpoints(const std::vector<IssuerSettings>& issuers,
                                                           const EdgeSecrets& secrets) {
  std::vector<IntrospectionEndpoint> endpoints;
  for (std::size_t i = 0; i < issuers.size(); ++i) {
    const IssuerSettings& issuer = issuers[i];
    if (issuer.introspection_endpoint.empty()) continue;
    endpoints.push_back({.issuer = issuer.url,
                         .url = issuer.introspection_endpoint,
                         .client_id = issuer.client_id,
                         .client_secret = secrets.issuers[i].client_secret.duplicate(),
                         .answer_time_max = issuer.introspection_timeout,
                         .answer_age_max = issuer.introspection_max_age,
                         .leeway = issuer.leeway});
  }
  return endpoints;
}

Outcome<std::shared_ptr<http::Upstream>> make_upstream(const UpstreamSettings& settings) {
  http::UpstreamOptions options{.name = settings.name,
                                .servers = settings.servers,
                                .ca_file = settings.ca_file,
                                .health_path = settings.health_path,
                                .health_interval = settings.health_every,
                                .connect_time_max = settings.connect_timeout,
                                .first_byte_time_max = settings.response_timeout};
  apply(settings.limits, options);
  return http::Upstream::create(std::move(options));
}

unsigned threads_of(const GatewaySettings& settings) {
  if (settings.threads != 0) return settings.threads;
  return std::clamp(std::thread::hardware_concurrency(), 1U, threads_by_default_max);
}

http::Response text_response(std::string text) {
  http::Response response{.body = std::move(text)};
  response.headers.add("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  return response;
}

}  // namespace

struct Edge::State {
  State(PolicyFile given, const platform::ClockSource& source)
      : file(std::move(given)),
        clock(source),
        cache({.entries_max = places_for_a_token * file.gateway.cached_tokens_max}),
        recorder(metrics,
                 {.allowed_one_in = file.gateway.log_allowed_one_in,
                  .lines_per_second_max = file.gateway.log_lines_per_second_max},
                 [this](std::string_view kid) { agent_of_now()->saw_unknown_key(kid); }) {}

  std::shared_ptr<Agent> agent_of_now() const {
    const std::scoped_lock lock(agent_mutex);
    return agent;
  }
  Outcome<void> start_limits(EdgeSecrets& secrets);
  Outcome<void> listen();
  Outcome<void> listen_forward_auth();
  Outcome<void> listen_proxy();
  Outcome<void> listen_operations();
  http::ServerOptions options_of(const std::string& address) const;
  using Destinations = std::map<std::string, Destination, std::less<>>;
  Outcome<Destinations> make_destinations(const std::vector<UpstreamSettings>& settings) const;
  void take_issuers(std::shared_ptr<Agent> fresh, const PolicyFile& from, EdgeSecrets& given);
  void sample_metrics();
  void look_at_certificate() const;
  void write_rulebook();
  void watch(const std::stop_token& stop);
  bool is_ready() const { return agent_of_now()->wait_until_ready(std::chrono::milliseconds(0)); }

  PolicyFile file;
  std::optional<PolicyFile> shadow;
  const platform::ClockSource& clock;
  // In this order: what is below uses what is above, and ends before it.
  platform::Metrics metrics;
  TokenCache cache;
  FailureBudget failures;
  std::optional<RateLimiter> limiter;
  std::unique_ptr<SharedLimits> shared_limits;
  Introspector introspector{clock, metrics};
  mutable std::mutex agent_mutex;
  std::shared_ptr<Agent> agent;
  std::vector<EdgeSecrets::OfIssuer> known_secrets;  // of the agent's issuers
  Destinations upstreams;
  std::mutex rulebook_mutex;  // of whoever writes one
  CurrentRulebook rulebook;
  DecisionRecorder recorder;
  std::optional<ForwardAuth> forward_auth;
  std::optional<ProxyDecider> decider;
  std::shared_ptr<http::ServerTls> tls;
  std::unique_ptr<http::Server> forward_auth_server, proxy_server, operations_server;
};

// Keeps the secrets, to know them again.
void Edge::State::take_issuers(std::shared_ptr<Agent> fresh, const PolicyFile& from, EdgeSecrets& given) {
  introspector.use(introspection_endpoints(from.issuers, given));
  known_secrets = std::move(given.issuers);
  const std::scoped_lock lock(agent_mutex);
  agent = std::move(fresh);
}

Outcome<void> Edge::State::start_limits(EdgeSecrets& secrets) {
  if (file.gateway.shared_limits.empty()) {
    limiter.emplace();
    return {};
  }
  const auto server = parse_server_address(file.gateway.shared_limits);
  if (!server.has_value()) return std::unexpected(Fault{server.error(), ""});
  const auto bytes = secrets.shared_limits.reveal(InsecureSecretAccess::get());
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  limiter.emplace(RateLimiterOptions{}, LimitSeed::derived_from(text));
  SharedLimitsOptions options{
      .connection = {.server = *server,
                     .user = file.gateway.shared_limits_user,
                     .password = std::move(secrets.shared_limits_password),
                     .prefix = file.gateway.shared_limits_prefix},
      .when_away = file.gateway.shared_limits_refuse ? WhenAway::refuse : WhenAway::local_limits};
  shared_limits =
      std::make_unique<SharedLimits>(*limiter, std::move(options), [] { return Agent::monotonic(); }, metrics);
  return {};
}

http::ServerOptions Edge::State::options_of(const std::string& address) const {
  Place place = place_of(address);
  http::ServerOptions options{.host = std::move(place.host),
                              .port = place.port,
                              .threads = threads_of(file.gateway),
                              .connections_max = file.gateway.connections_max,
                              .paths = http::PathReading::raw};
  apply(file.gateway.limits, options);
  return options;
}

Outcome<void> Edge::State::listen_forward_auth() {
  forward_auth.emplace(rulebook, recorder, clock);
  http::Router router;
  router.use_inline([this](const http::InlineRequest& question, http::InlineAnswer& answer) {
    forward_auth->answer(question, answer);
  });
  http::ServerOptions options = options_of(file.gateway.forward_auth);
  options.trusted_proxies = askers_of(file.gateway);
  auto server = http::Server::listen(std::move(options), std::move(router));
  if (!server.has_value()) return std::unexpected(std::move(server.error()));
  forward_auth_server = *std::move(server);
  return {};
}

Outcome<void> Edge::State::listen_proxy() {
  if (!file.gateway.certificate.empty()) {
    auto loaded = http::ServerTls::load(file.gateway.certificate, file.gateway.key);
    if (!loaded.has_value()) return std::unexpected(std::move(loaded.error()));
    tls = *std::move(loaded);
  }
  decider.emplace(rulebook, recorder, clock);
  http::ServerOptions options = options_of(file.gateway.listen);
  options.trusted_proxies = before_the_proxy(file.gateway);
  options.tls = tls;
  const auto decide = [this](const http::RequestHead& head, const Trace& trace) {
    return decider->decide(head, trace);
  };
  platform::Counter& failed =
      metrics.counter("jeton_gateway_upstream_failures_total", "Requests whose upstream did not answer as it should.");
  const auto observe = [this, &failed](const Relayed& relayed) {
    if (relayed.error.has_value() && *relayed.error != http::UpstreamError::cancelled) failed.add();
    if (relayed.permit_ended.has_value()) decider->record_end(relayed);
  };
  const auto objection = [this](const Permit& permit) { return decider->objection_later(permit); };
  auto server = http::Server::listen(std::move(options), {}, {},
                                     proxy_service({.decide = decide, .observer = observe, .objection = objection}));
  if (!server.has_value()) return std::unexpected(std::move(server.error()));
  proxy_server = *std::move(server);
  return {};
}

Outcome<void> Edge::State::listen_operations() {
  http::Router router;
  router.add(http::Method::get, "/metrics", [this](const http::Request&) -> awaitable<http::Response> {
    co_return text_response(metrics.text() + agent_of_now()->metrics());
  });
  router.add(http::Method::get, "/healthz", [](const http::Request&) -> awaitable<http::Response> {
    co_return http::json_response(200, R"({"status":"ok"})");
  });
  router.add(http::Method::get, "/readyz", [this](const http::Request&) -> awaitable<http::Response> {
    co_return is_ready() ? http::json_response(200, R"({"status":"ready"})")
                         : http::error_response(503, "The keys of an issuer are not known, or its revocations");
  });
  http::ServerOptions options = options_of(file.gateway.operations);
  options.threads = 1;
  options.connections_max = 256;
  options.paths = http::PathReading::strict;
  auto server = http::Server::listen(std::move(options), std::move(router));
  if (!server.has_value()) return std::unexpected(std::move(server.error()));
  operations_server = *std::move(server);
  return {};
}

Outcome<void> Edge::State::listen() {
  if (file.gateway.forward_auth.empty() && file.gateway.listen.empty()) {
    return std::unexpected(Fault{"The policy file names neither listen nor forward_auth, so there is nothing to do.",
                                 "Set one of them in [gateway]."});
  }
  Outcome<void> done;
  if (!file.gateway.forward_auth.empty()) done = listen_forward_auth();
  if (done.has_value() && !file.gateway.listen.empty()) done = listen_proxy();
  if (done.has_value() && !file.gateway.operations.empty()) done = listen_operations();
  return done;
}

// Upstreams that have not changed keep their health and their connections.
Outcome<Edge::State::Destinations> Edge::State::make_destinations(const std::vector<UpstreamSettings>& settings) const {
  Destinations fresh;
  for (const UpstreamSettings& one : settings) {
    const auto same = std::ranges::find(file.upstreams, one);
    const auto known = upstreams.find(one.name);
    if (same != file.upstreams.end() && known != upstreams.end()) {
      fresh.emplace(one.name, known->second);
      continue;
    }
    auto made = make_upstream(one);
    if (!made.has_value()) return std::unexpected(std::move(made.error()));
    Destination& there = fresh.emplace(one.name, *std::move(made)).first->second;
    there.passes_authorization = one.pass_authorization;
    there.passes_refresh_cookies = one.pass_refresh_cookies;
  }
  return fresh;
}

void Edge::State::write_rulebook() {
  const std::shared_ptr<Agent> source = agent_of_now();
  const auto verifier = source->verifier();
  if (verifier == nullptr) return rulebook.replace(nullptr);  // nothing can be decided yet
  const bool can_introspect = std::ranges::any_of(
      file.issuers, [](const IssuerSettings& issuer) { return !issuer.introspection_endpoint.empty(); });
  const GuardParts parts{.cache = &cache,
                         .revocations = &source->revocations(),
                         .limiter = &*limiter,
                         .failures = &failures,
                         .can_introspect = can_introspect};
  Guard guard(*verifier, file.routes, parts);
  DecisionCounters counters(metrics, file.routes);
  Rulebook book{std::move(guard), *verifier, std::move(counters), &cache, source, upstreams, file.cors};
  if (can_introspect) book.introspector = &introspector;
  if (shadow.has_value()) book.shadow = shadow->routes;
  rulebook.replace(std::make_shared<const Rulebook>(std::move(book)));
}

// A changed set of keys makes another rulebook, and so the tokens of a removed key end.
void Edge::State::watch(const std::stop_token& stop) {
  std::weak_ptr<Agent> source;
  std::uint64_t seen = 0;
  std::mutex mutex;
  std::condition_variable_any woken;
  std::unique_lock lock(mutex);
  while (!stop.stop_requested()) {
    const std::shared_ptr<Agent> now = agent_of_now();
    if (const std::uint64_t generation = now->generation(); generation != seen || source.lock() != now) {
      seen = generation;
      source = now;
      const std::scoped_lock writing(rulebook_mutex);
      write_rulebook();
    }
    woken.wait_for(lock, stop, watch_interval, [] { return false; });
  }
}

// The server looks at it every ten seconds by itself; whoever reloads has renewed it perhaps.
void Edge::State::look_at_certificate() const {
  if (tls == nullptr) return;
  const auto renewed = tls->reload_if_changed();
  if (!renewed.has_value())
    platform::log_error("certificate was not reloaded", {{"what", renewed.error().text()}});
  else if (*renewed)
    platform::log_info("certificate reloaded");
}

void Edge::State::sample_metrics() {
  metrics.sample_counter("jeton_gateway_token_cache_hits_total", "Tokens that were verified before.",
                         [this] { return cache.counts().hits; });
  metrics.sample_counter("jeton_gateway_token_cache_misses_total", "Tokens that were not.",
                         [this] { return cache.counts().misses; });
  metrics.sample_gauge("jeton_gateway_token_cache_entries", "Tokens in the cache.",
                       [this] { return cache.counts().entries; });
  metrics.sample_counter("jeton_gateway_limit_refusals_total", "Requests over a limit.",
                         [this] { return limiter->counts().refused; });
  metrics.sample_counter("jeton_gateway_failure_budget_refusals_total",
                         "Tokens that were not verified because too many with wrong signatures came.", [this] {
                           const auto counts = failures.counts();
                           return counts.refused_by_block + counts.refused_by_all;
                         });
}

Edge::Edge(std::unique_ptr<State> state) : state_(std::move(state)) {}
Edge::~Edge() = default;

Outcome<std::unique_ptr<Edge>> Edge::start(PolicyFile file, std::optional<PolicyFile> shadow, EdgeSecrets secrets,
                                           const platform::ClockSource& clock) {
  auto state = std::make_unique<State>(std::move(file), clock);
  state->shadow = std::move(shadow);
  // The sockets first: a taken port is noticed before anything is made on disk.
  Outcome<void> done = state->listen();
  if (done.has_value()) done = state->start_limits(secrets);
  if (!done.has_value()) return std::unexpected(std::move(done.error()));
  auto destinations = state->make_destinations(state->file.upstreams);
  if (!destinations.has_value()) return std::unexpected(std::move(destinations.error()));
  state->upstreams = *std::move(destinations);
  auto agent = start_agent(state->file, secrets);
  if (!agent.has_value()) return std::unexpected(std::move(agent.error()));
  state->take_issuers(*std::move(agent), state->file, secrets);
  state->sample_metrics();
  wait_at_start(*state->agent);  // who connects meanwhile waits in the sockets' queues
  state->write_rulebook();
  return std::unique_ptr<Edge>(new Edge(std::move(state)));
}

std::string Edge::addresses() const {
  std::vector<std::string> texts;
  const auto add = [&](const char* name, const char* scheme, const std::string& address, const auto& server) {
    if (server != nullptr)
      texts.push_back(
          fmt::format("{} {}://{}{}", name, scheme, address.substr(0, address.rfind(':') + 1), server->port()));
  };
  const GatewaySettings& settings = state_->file.gateway;
  add("forward-auth", "http", settings.forward_auth, state_->forward_auth_server);
  add("proxy", state_->tls == nullptr ? "http" : "https", settings.listen, state_->proxy_server);
  add("operations", "http", settings.operations, state_->operations_server);
  return fmt::format("{}", fmt::join(texts, ", "));
}

void Edge::run() {
  State& state = *state_;
  const std::jthread watcher([&state](const std::stop_token& stop) { state.watch(stop); });
  std::vector<std::jthread> servers;
  for (http::Server* const server :
       {state.forward_auth_server.get(), state.proxy_server.get(), state.operations_server.get()}) {
    if (server != nullptr) servers.emplace_back([server] { server->run(); });
  }
}

void Edge::stop() noexcept {
  for (http::Server* const server :
       {state_->forward_auth_server.get(), state_->proxy_server.get(), state_->operations_server.get()}) {
    if (server != nullptr) server->stop();
  }
}

// Before anything is taken over everything that can fail has been made.
Outcome<std::string> Edge::replace(PolicyFile fresh, std::optional<PolicyFile> shadow, EdgeSecrets secrets) {
  State& state = *state_;
  state.look_at_certificate();
  const std::vector<std::string> waiting = keep_until_restart(state.file.gateway, fresh.gateway);
  auto destinations = state.make_destinations(fresh.upstreams);
  if (!destinations.has_value()) return std::unexpected(std::move(destinations.error()));
  secrets.issuers.resize(fresh.issuers.size());
  const bool same_place = fresh.gateway.state == state.file.gateway.state;
  std::shared_ptr<Agent> agent, former;
  if (!same_place || fresh.issuers != state.file.issuers || !are_same(secrets.issuers, state.known_secrets)) {
    former = state.agent_of_now();
    auto started = start_successor(*former, same_place, fresh, secrets);
    if (!started.has_value()) return std::unexpected(std::move(started.error()));
    agent = *std::move(started);
  }
  {
    const std::scoped_lock writing(state.rulebook_mutex);
    state.upstreams = *std::move(destinations);
    state.file = std::move(fresh);
    state.shadow = std::move(shadow);
    if (agent != nullptr) state.take_issuers(std::move(agent), state.file, secrets);
    state.write_rulebook();
  }
  const GatewaySettings& settings = state.file.gateway;
  state.recorder.set_options(
      {.allowed_one_in = settings.log_allowed_one_in, .lines_per_second_max = settings.log_lines_per_second_max});
  if (state.forward_auth_server != nullptr) state.forward_auth_server->trust(askers_of(settings));
  if (state.proxy_server != nullptr) state.proxy_server->trust(before_the_proxy(settings));
  if (former != nullptr) former->stop();
  return fmt::format("{}", fmt::join(waiting, ", "));
}

}  // namespace jeton::gateway
