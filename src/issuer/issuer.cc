#include "issuer/issuer.h"

#include "issuer/accounts/accounts.h"
#include "issuer/accounts/links.h"
#include "issuer/admin/admin.h"
#include "issuer/browser/cross_site.h"
#include "issuer/completion.h"
#include "issuer/context.h"
#include "issuer/devices/device_sweeper.h"
#include "issuer/devices/devices.h"
#include "issuer/feed/feed.h"
#include "issuer/feed/feed_hub.h"
#include "issuer/feed/feed_key.h"
#include "issuer/health/health.h"
#include "issuer/json_body.h"
#include "issuer/jwks/jwks.h"
#include "issuer/keys/key_tender.h"
#include "issuer/oauth/oauth.h"
#include "issuer/sessions/sessions.h"
#include "issuer/totp/totp.h"
#include "oauth/metadata.h"
#include "oauth/token_request.h"
#include "platform/log.h"

#include <jeton/key_set.h>
#include <jeton/signer.h>

#include <atomic>
#include <optional>
#include <string>
#include <utility>

namespace jeton::issuer {

namespace {

// Old audit entries go a few at a time: some 100,000 a day.
constexpr std::chrono::minutes audit_forget_interval{10};
constexpr std::size_t audit_forget_entries = 1'000;

}  // namespace

struct Issuer::State {
  State(const platform::ClockSource& source, IssuerOptions options)
      : clock(source),
        monotonic(options.monotonic != nullptr ? *options.monotonic : steady),
        algorithms(std::move(options.further_algorithms)),
        places(std::move(options.places)),
        rules(std::move(options.rules)),
        cors(cors_policy(*rules.get())),
        decoy_hash(make_decoy(rules.get()->argon2)),
        tokens(options.token_cache),
        metrics(passwords, tokens),
        limits(metrics.all()),
        mail_link_base(std::move(options.mail_link_base)),
        feed_limits(options.feed),
        passwords(options.password_pool) {
    std::erase(algorithms, options.algorithm);
    algorithms.insert(algorithms.begin(), options.algorithm);
  }

  platform::Outcome<void> open_keys(store::Store& store);
  void forget_old_audit();
  void sweep_devices(Ticks now);

  platform::Outcome<void> open_feed(store::Store& store);

  // Nobody's password: random, and forgotten at once.
  static std::string make_decoy(crypto::Argon2Cost cost) { return crypto::hash_password(random_id(), cost); }

  const platform::ClockSource& clock;
  const platform::SteadyClock steady;
  const platform::MonotonicSource& monotonic;
  std::vector<Algorithm> algorithms;  // the default first
  std::shared_ptr<const platform::PlaceFile> places;
  Replaceable<Rules> rules;
  Replaceable<http::CorsPolicy> cors;
  Replaceable<std::string> decoy_hash;
  TokenCache tokens;
  Metrics metrics;
  AttemptLimits limits;
  std::optional<std::string> mail_link_base;
  FeedLimits feed_limits;
  std::atomic<bool> gone_back = false;
  std::optional<Foundation> foundation;
  std::optional<RefreshCookie> refresh_cookie;
  std::unique_ptr<Keyring> keyring;
  std::unique_ptr<ClientDirectory> clients;
  std::unique_ptr<OwnTokens> own_tokens;
  std::unique_ptr<FeedHub> feed;
  std::optional<Context> context;
  std::atomic<bool> started = false;  // set last: then `context` may be read
  std::optional<Outgoing> outgoing;
  PasswordPool passwords;                // its threads end before what is above
  std::optional<DeviceSweeper> sweeper;  // the tender's thread alone
  Ticks sweep_due{0};
  std::unique_ptr<KeyTender> tender;  // and its thread before
};

Issuer::Issuer(const platform::ClockSource& clock, IssuerOptions options)
    : state_(std::make_unique<State>(clock, std::move(options))) {}
Issuer::~Issuer() = default;

namespace {

void say_what_cookies_do(const RefreshCookie& cookie, std::string_view issuer) {
  if (cookie.unusable()) {
    platform::log_warning("browsers will keep no refresh cookie",
                          {{"issuer", issuer}, {"reason", "plain HTTP on another host than localhost"}});
  } else if (!cookie.secure()) {
    platform::log_info("development: the refresh cookie has neither Secure nor the prefix __Host-",
                       {{"issuer", issuer}, {"cookie", cookie.name()}});
  }
}

// The client that our own login is for: an application on people's devices, which keeps no secret.
platform::Outcome<void> add_first_client(store::Store& store, const Foundation& foundation) {
  const auto added = waited<store::ClientAddition>([&](auto done) {
    store.clients().add_client({.id = foundation.client_id,
                                .name = "Our own applications",
                                .is_public = true,
                                .grants = std::string(oauth::grant_refresh_token),
                                .audiences = foundation.audience},
                               std::move(done));
  });
  if (!added.has_value())
    return std::unexpected(platform::Fault{"the first client cannot be added: " + added.error().message, ""});
  return {};
}

boost::asio::awaitable<http::Response> not_started() { co_return store_unavailable(); }

}  // namespace

void Issuer::add_routes(http::Router& router) {
  router.use_cors([state = state_.get()] { return state->cors.get(); });
  const auto add = [&](http::Method method, const char* path, Endpoint endpoint) {
    router.add(
        method, path,
        [state = state_.get(), endpoint](const http::Request& request) -> boost::asio::awaitable<http::Response> {
          if (!state->started.load(std::memory_order_acquire)) co_return store_unavailable();
          if (state->gone_back.load(std::memory_order_relaxed) && endpoint != &answer_metrics)
            co_return store_unavailable();
          co_return with_challenge(co_await endpoint(*state->context, request), state->context->foundation.audience);
        });
  };
  add(http::Method::post, "/api/auth/register", answer_register);
  add(http::Method::post, "/api/auth/login", answer_login);
  add(http::Method::post, "/api/auth/refresh", answer_refresh);
  add(http::Method::post, "/api/auth/logout", answer_logout);
  add(http::Method::get, "/api/auth/me", answer_me);
  add(http::Method::post, "/api/auth/password", answer_change_password);
  add(http::Method::get, "/api/auth/sessions", answer_sessions);
  add(http::Method::del, "/api/auth/sessions/{sid}", answer_end_session);
  add(http::Method::post, "/api/auth/sessions/revoke-others", answer_revoke_others);
  add(http::Method::post, "/api/auth/verify-email", answer_verify_email);
  add(http::Method::post, "/api/auth/verify-email/resend", answer_resend_verification);
  add(http::Method::post, "/api/auth/forgot-password", answer_forgot_password);
  add(http::Method::post, "/api/auth/reset-password", answer_reset_password);
  add(http::Method::post, "/api/auth/totp/enrol", answer_totp_enrol);
  add(http::Method::post, "/api/auth/totp/confirm", answer_totp_confirm);
  add(http::Method::post, "/api/auth/totp/login", answer_totp_login);
  add(http::Method::post, "/api/auth/totp/disable", answer_totp_disable);
  add_admin_routes(add);
  add(http::Method::get, "/.well-known/jwks.json", answer_jwks);
  // Without our challenge: these answers are those of their RFCs.
  const auto add_oauth = [&](http::Method method, std::string_view path, Endpoint endpoint) {
    router.add(method, std::string(path), [state = state_.get(), endpoint](const http::Request& request) {
      const bool serves = state->started.load(std::memory_order_acquire) && !state->gone_back;
      return serves ? endpoint(*state->context, request) : not_started();
    });
  };
  add_oauth(http::Method::post, oauth::token_path, answer_token);
  add_oauth(http::Method::post, oauth::revocation_path, answer_revocation);
  add_oauth(http::Method::post, oauth::introspection_path, answer_introspection);
  add_oauth(http::Method::get, "/.well-known/oauth-authorization-server", answer_oauth_metadata);
  add(http::Method::get, "/api/feed", answer_feed);
  add(http::Method::get, "/.well-known/jeton-feed-keys.json", answer_feed_keys);
  add(http::Method::get, "/healthz", answer_health);
  add(http::Method::get, "/metrics", answer_metrics);
}

platform::Outcome<void> Issuer::start(store::Store& store, const SecretBytes& master_key,
                                      const FoundationOptions& options) {
  State& state = *state_;
  for (const Algorithm algorithm : state.algorithms) {
    if (Keyring::may_sign(algorithm)) continue;
    return std::unexpected(platform::Fault{"access tokens cannot be signed with " + std::string(name_of(algorithm)) +
                                               ": every service that verifies one could make them.",
                                           "Choose ES256, RS256, PS256 or EdDSA."});
  }
  if (state.decoy_hash.get()->empty()) {
    return std::unexpected(
        platform::Fault{"there is not enough memory for one password hash.", "Lower [accounts] argon2_memory."});
  }
  auto foundation = lay_foundation(store, master_key, options);
  if (!foundation.has_value()) return std::unexpected(foundation.error());
  state.foundation.emplace(*std::move(foundation));
  state.refresh_cookie.emplace(state.foundation->issuer);
  say_what_cookies_do(*state.refresh_cookie, state.foundation->issuer);
  if (state.mail_link_base.has_value() && state.mail_link_base->empty())
    state.mail_link_base = state.foundation->issuer;
  if (auto opened = state.open_keys(store); !opened.has_value()) return opened;
  state.clients = std::make_unique<ClientDirectory>(store, state.clock);
  state.own_tokens = std::make_unique<OwnTokens>(*state.keyring, *state.foundation);
  if (auto added = add_first_client(store, *state.foundation); !added.has_value())
    return std::unexpected(added.error());
  if (auto opened = state.open_feed(store); !opened.has_value()) return opened;
  state.context.emplace(Context{.store = store,
                                .clock = state.clock,
                                .rules = state.rules,
                                .foundation = *state.foundation,
                                .keyring = *state.keyring,
                                .tokens = state.tokens,
                                .passwords = state.passwords,
                                .decoy_hash = state.decoy_hash,
                                .metrics = state.metrics,
                                .refresh_cookie = *state.refresh_cookie,
                                .clients = *state.clients,
                                .own_tokens = *state.own_tokens,
                                .places = state.places.get(),
                                .limits = state.limits,
                                .mail_link_base = state.mail_link_base,
                                .feed = *state.feed});
  state.started.store(true, std::memory_order_release);
  return {};
}

platform::Outcome<void> Issuer::prepare_outgoing(OutgoingOptions options) {
  state_->outgoing.emplace(state_->context->store, state_->clock, *state_->foundation, std::move(options),
                           state_->metrics.all());
  return state_->outgoing->announce();
}

void Issuer::start_outgoing() {
  if (state_->outgoing) state_->outgoing->start();
}

void Issuer::stop_outgoing() {
  if (state_->outgoing) state_->outgoing->stop();
}

std::size_t Issuer::run_outgoing_once() { return state_->outgoing ? state_->outgoing->run_once() : 0; }

platform::Outcome<void> Issuer::State::open_feed(store::Store& store) {
  auto key = open_feed_key(store, *foundation);
  if (!key.has_value()) return std::unexpected(key.error());
  const auto live_kids = [this] {
    std::vector<std::string> kids;
    const auto published = KeySet::parse(keyring->current()->jwks);
    if (published.has_value()) {
      for (const KeySet::Entry& entry : published->entries()) kids.push_back(entry.kid);
    }
    return kids;
  };
  const auto went_back = [this, &store](const std::string& why) {
    gone_back = true;
    store.history().note_gone_back(why, [](const auto&) {});  // for the other processes, and for the next start
  };
  feed = std::make_unique<FeedHub>(FeedHub::Parts{.store = store,
                                                  .issuer = foundation->issuer,
                                                  .epoch = foundation->store_epoch,
                                                  .key = *std::move(key),
                                                  .live_kids = live_kids,
                                                  .went_back = went_back,
                                                  .counts = metrics.feed()},
                                   feed_limits);
  return {};
}

void Issuer::start_feed(std::function<void()> now_and_then) { state_->feed->start(std::move(now_and_then)); }
void Issuer::stop_feed() {
  if (state_->feed) state_->feed->stop();
}
bool Issuer::has_gone_back() const noexcept { return state_->gone_back; }

void Issuer::State::forget_old_audit() {
  context->store.audit().forget_audit_before(
      clock.now() - rules.get()->audit_retention, audit_forget_entries, [](store::Result<std::int64_t> done) {
        if (!done.has_value())
          platform::log_warning("old audit entries not forgotten", {{"reason", done.error().message}});
      });
}

void Issuer::State::sweep_devices(Ticks now) {
  if (now < sweep_due) return;
  if (!sweeper) sweeper.emplace(context->store, metrics.all());
  sweep_due = now + sweeper->sweep(clock.now() - rules.get()->device_retention);
}

// The first start makes the first keys here; of several at once one does, and the others find them.
platform::Outcome<void> Issuer::State::open_keys(store::Store& store) {
  keyring = std::make_unique<Keyring>(Keyring::Parts{.store = store,
                                                     .clock = clock,
                                                     .monotonic = monotonic,
                                                     .rules = rules,
                                                     .foundation = *foundation,
                                                     .cache = tokens},
                                      algorithms);
  tender = std::make_unique<KeyTender>(*keyring);
  constexpr int steps_max = 20;  // reported, made, loaded, and overtaken some times
  for (int i = 0; i < steps_max; ++i) {
    const auto step = tender->step();
    if (!step.has_value()) return std::unexpected(step.error());
    if (keyring->current()->default_signer() != nullptr) return {};
    if (*step == KeyTender::Step::rested) break;
  }
  platform::log_error("no key can sign yet", {{"reason", "all were revoked, and the next has not matured"}});
  return {};
}

void Issuer::tend_keys() {
  state_->tender->start([state = state_.get(), last = Ticks{0}]() mutable {
    const Ticks now = state->monotonic.ticks();
    state->sweep_devices(now);
    if (last != Ticks{0} && now - last < audit_forget_interval) return;
    last = now;
    state->forget_old_audit();
  });
}
void Issuer::stop_tending_keys() {
  if (state_->tender) state_->tender->stop();
}

platform::Outcome<bool> Issuer::tend_keys_once() {
  const auto step = state_->tender->step();
  if (!step.has_value()) return std::unexpected(step.error());
  return *step == KeyTender::Step::changed;
}

const Foundation& Issuer::foundation() const noexcept { return *state_->foundation; }

void Issuer::replace_rules(Rules rules) {
  const crypto::Argon2Cost before = state_->rules.get()->argon2;
  if (rules.argon2.memory_bytes != before.memory_bytes || rules.argon2.passes != before.passes) {
    std::string decoy = State::make_decoy(rules.argon2);
    if (decoy.empty()) {
      platform::log_error("argon2 cost not changed", {{"reason", "not enough memory for one password hash"}});
      rules.argon2 = before;
    } else {
      state_->decoy_hash.replace(std::move(decoy));
    }
  }
  state_->cors.replace(cors_policy(rules));
  state_->rules.replace(std::move(rules));
  if (state_->tender) state_->tender->wake();
}

std::shared_ptr<const Rules> Issuer::rules() const { return state_->rules.get(); }

void Issuer::observe(const http::Exchange& exchange) noexcept {
  state_->metrics.count_answer(exchange.response.status, exchange.duration);
  platform::log_debug("answered", {{"method", http::name_of(exchange.request.method)},
                                   {"path", exchange.request.path},
                                   {"status", exchange.response.status},
                                   {"microseconds", exchange.duration.count()},
                                   {"address", exchange.request.peer_address},
                                   {"request", exchange.request.id}});
}

}  // namespace jeton::issuer
