#include "agent/key_source.h"

#include "agent/discovery.h"
#include "agent/freshness.h"
#include "agent/stored_keys.h"
#include "http/url.h"
#include "platform/files.h"
#include "platform/log.h"

#include <jeton/value.h>

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <utility>

namespace jeton::agent {
namespace {

using boost::asio::awaitable;
using platform::Fault;
using platform::Outcome;
using std::chrono::milliseconds;

constexpr milliseconds file_look_interval{2'000};
constexpr milliseconds discovery_fresh{3'600'000};
// The nodes of an issuer may differ for some seconds about what has just changed: what the feed told of is looked at
// twice.
constexpr milliseconds second_look{6'000};
constexpr unsigned failures_before_discovery = 3;

std::string_view name_of(FetchReason reason) {
  switch (reason) {
    case FetchReason::schedule: return "schedule";
    case FetchReason::unknown_key: return "unknown_key";
    case FetchReason::feed: return "feed";
  }
  return "";
}

// Up to one byte more than `bytes_max`.
std::optional<std::string> content_of(const std::string& path, std::size_t bytes_max) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::string text(bytes_max + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

// A set without any key, which is not one whose keys are unusable here.
bool is_empty_set(const std::string& jwks, const Limits& limits) {
  const auto document = Value::parse(jwks, limits);
  const Value* const keys = document.has_value() ? document->find("keys") : nullptr;
  return keys != nullptr && keys->to_json() == "[]";
}

// The address that an answer names.
Outcome<std::string> metadata_in(const Outcome<http::Response>& answer, const std::string& at,
                                 std::string_view issuer) {
  if (!answer.has_value()) return std::unexpected(answer.error());
  if (answer->status != 200) return std::unexpected(Fault{fmt::format("{}: status {}", at, answer->status), ""});
  auto metadata = read_metadata(answer->body, issuer);
  if (!metadata.has_value()) return std::unexpected(metadata.error());
  return std::move(metadata->jwks_uri);
}

}  // namespace

KeySource::KeySource(const Parts& parts, const AgentIssuer& issuer, Events events)
    : parts_(parts),
      issuer_(issuer),
      events_(std::move(events)),
      name_(issuer.trust.issuer.accepted().front()),
      path_(issuer.keys.kind() == KeysFrom::Kind::file ? "" : state_path(parts.options, "keys-", name_, ".json")),
      pause_(parts.executor) {}

std::string KeySource::source() const {
  return issuer_.keys.kind() == KeysFrom::Kind::discovery ? "discovery" : issuer_.keys.place();
}

std::vector<std::string> KeySource::kids() const {
  std::vector<std::string> all;
  if (keys_) {
    for (const KeySet::Entry& entry : keys_->entries()) {
      if (!entry.kid.empty()) all.push_back(entry.kid);
    }
  }
  return all;
}

milliseconds KeySource::age() const { return parts_.monotonic.ticks() - confirmed_at_; }

void KeySource::load() {
  if (path_.empty()) return;
  const std::size_t bytes_max = 2 * std::size_t{parts_.options.limits.jwks_bytes_max} + 4096;
  const auto text = content_of(path_, bytes_max);
  if (!text) return;
  const UnixTime now = parts_.clock.now_seconds();
  const auto stored = read_stored_keys(*text, name_, source(), now, parts_.limits().keys_stale_max);
  if (!stored || text->size() > bytes_max || !take(stored->jwks)) {
    platform::log_warning("stored keys are not used", {{"issuer", name_}, {"file", path_}});
    return;
  }
  epoch_ = stored->epoch;
  confirmed_at_ = parts_.monotonic.ticks() - std::max<milliseconds>(now - stored->confirmed_at, milliseconds(0));
  if (!stored->epoch.empty() && stored->epoch == events_.feed_epoch()) {
    events_.confirmed(kids(), events_.snapshots());
  }
}

void KeySource::take_state() {
  if (keys_) store(epoch_);
}

awaitable<void> KeySource::run() {
  FetchReason reason = FetchReason::schedule;
  while (true) {
    co_await look(reason);
    drop_if_too_old();
    ++looks_;
    events_.looked();
    reason = FetchReason::schedule;
    if (!asked_) {
      milliseconds wait = next_;
      if (keys_) wait = std::min<milliseconds>(wait, parts_.limits().keys_stale_max - age() + milliseconds(1));
      co_await pause_.wait(std::max(wait, milliseconds(0)));
    }
    if (asked_) reason = *std::exchange(asked_, std::nullopt);
  }
}

void KeySource::ask(FetchReason reason) {
  asked_ = reason;
  pause_.cut_short();
}

void KeySource::report(std::string_view result, FetchReason reason) {
  parts_.metrics
      .counter("jeton_agent_key_fetches_total", "Tries to get an issuer's keys",
               {{"issuer", name_}, {"reason", std::string(name_of(reason))}, {"result", std::string(result)}})
      .add();
}

awaitable<void> KeySource::look(FetchReason reason) {
  const milliseconds asked_at = parts_.monotonic.ticks();
  const std::uint64_t asked_after = events_.snapshots();
  const std::string epoch = events_.feed_epoch();
  auto answer = issuer_.keys.kind() == KeysFrom::Kind::file ? read_file() : co_await fetch(reason);
  Outcome<void> taken;
  if (answer.has_value() && !answer->confirmed) taken = take(answer->jwks);
  if (!answer.has_value() || !taken.has_value()) {
    const Fault& fault = answer.has_value() ? taken.error() : answer.error();
    if (problem_ != fault.what) {
      platform::log_warning("keys are not fetched", {{"issuer", name_}, {"reason", fault.what}});
    }
    problem_ = fault.what;
    ++failures_;
    next_ = retry_after(failures_, chance(), parts_.limits());
    report("failed", reason);
    co_return;
  }
  failures_ = 0;
  problem_.clear();
  if (!answer->confirmed) etag_ = answer->etag;
  next_ = issuer_.keys.kind() == KeysFrom::Kind::file ? file_look_interval : refresh_after(answer->fresh, chance());
  if (reason == FetchReason::feed) next_ = std::min(next_, second_look);
  report(answer->confirmed ? "not_modified" : "ok", reason);
  confirm(asked_at, asked_after, epoch);
}

void KeySource::confirm(milliseconds asked_at, std::uint64_t asked_after, const std::string& epoch) {
  confirmed_at_ = asked_at;
  epoch_ = epoch;
  events_.confirmed(kids(), asked_after);
  // A confirmation is not worth a write of its own each time.
  const milliseconds interval = milliseconds(parts_.limits().keys_stale_max) / 20;
  if (!stored_at_ || asked_at - *stored_at_ >= interval) store(epoch);
}

void KeySource::store(const std::string& epoch) {
  if (path_.empty()) return;
  stored_at_ = parts_.monotonic.ticks();
  const StoredKeys keys{.issuer = name_,
                        .source = source(),
                        .confirmed_at = parts_.clock.now_seconds() - std::chrono::floor<std::chrono::seconds>(age()),
                        .epoch = epoch,
                        .jwks = jwks_};
  parts_.on_disk([path = path_, text = text_of(keys), issuer = name_] {
    const auto written = platform::write_private_file(path, text, platform::Existing::replace);
    if (!written.has_value()) {
      platform::log_warning("keys are not stored", {{"issuer", issuer}, {"reason", written.error().what}});
    }
  });
}

Outcome<void> KeySource::take(const std::string& jwks) {
  if (keys_ && jwks == jwks_) return {};
  const bool is_local = issuer_.keys.kind() == KeysFrom::Kind::file;
  const auto& listed = issuer_.trust.algorithms.listed();
  auto parsed = KeySet::parse(jwks, {.origin = is_local ? KeyOrigin::local : KeyOrigin::published,
                                     .algorithms_without_alg = listed,
                                     .limits = parts_.options.limits});
  if (!parsed.has_value()) return std::unexpected(Fault{"no key set: " + describe(parsed.error()), ""});
  const auto is_usable = [](const KeySet::Entry& entry) { return !entry.keys.empty(); };
  if (std::ranges::none_of(parsed->entries(), is_usable)) {
    // That there is none any more is an answer: whoever withdraws all keys wants their tokens to end.
    if (!is_empty_set(jwks, parts_.options.limits)) return std::unexpected(Fault{"no key that can be used", ""});
    platform::log_warning("the issuer has no key any more", {{"issuer", name_}});
  }
  const bool is_same = keys_ && keys_->to_jwks() == parsed->to_jwks() && kids() == [&] {
    std::vector<std::string> fresh;
    for (const KeySet::Entry& entry : parsed->entries()) {
      if (!entry.kid.empty()) fresh.push_back(entry.kid);
    }
    return fresh;
  }();
  jwks_ = jwks;
  stored_at_.reset();
  if (is_same && !is_local) return {};
  keys_ = parts_.options.precompute ? parsed->precompute(keys_.value_or(KeySet()), parts_.options.limits) : *parsed;
  events_.changed();
  return {};
}

void KeySource::drop_if_too_old() {
  if (!keys_ || age() <= parts_.limits().keys_stale_max) return;
  platform::log_error("keys were not confirmed for too long and are dropped", {{"issuer", name_}});
  keys_.reset();
  jwks_.clear();
  etag_.clear();
  events_.changed();
}

Outcome<KeySource::Answer> KeySource::read_file() const {
  const std::size_t bytes_max = parts_.options.limits.jwks_bytes_max;
  auto text = content_of(issuer_.keys.place(), bytes_max);
  if (!text) return std::unexpected(Fault{issuer_.keys.place() + ": cannot be read", ""});
  if (text->size() > bytes_max) return std::unexpected(Fault{issuer_.keys.place() + ": too large", ""});
  return Answer{.confirmed = keys_ && *text == jwks_, .jwks = *std::move(text), .etag = {}, .fresh = {}};
}

awaitable<Outcome<std::string>> KeySource::address(FetchReason reason) {
  if (issuer_.keys.kind() == KeysFrom::Kind::url) co_return issuer_.keys.place();
  const milliseconds now = parts_.monotonic.ticks();
  const bool is_fresh = now - address_found_ < discovery_fresh;
  const bool serves = failures_ == 0 || failures_ % failures_before_discovery != 0;
  if (!address_.empty() && is_fresh && serves) co_return address_;
  Outcome<std::string> found = std::unexpected(Fault{});
  for (const std::string& at : metadata_addresses(name_)) {
    http::FetchRequest request{.url = at, .time_max = parts_.limits().fetch_time_max};
    request.headers.add("Accept", "application/json");
    request.body_bytes_max = parts_.limits().metadata_bytes_max;
    const auto answer = co_await parts_.http.fetch(std::move(request));
    report(answer.has_value() && answer->status == 200 ? "metadata" : "metadata_failed", reason);
    found = metadata_in(answer, at, name_);
    if (answer.has_value() && answer->status == 404) continue;
    if (found.has_value()) {
      address_ = *found;
      address_found_ = now;
    }
    break;
  }
  // The address of before is better than none.
  if (!found.has_value() && !address_.empty()) co_return address_;
  co_return found;
}

// What the operator has named may be anywhere; what metadata names on another host must be public.
http::Reach KeySource::reach_of(const std::string& at) const {
  if (issuer_.keys.kind() != KeysFrom::Kind::discovery) return http::Reach::anywhere;
  const auto own = http::parse_url(name_), named = http::parse_url(at);
  const bool is_same_host = own.has_value() && named.has_value() && own->host == named->host;
  return is_same_host ? http::Reach::anywhere : http::Reach::public_addresses;
}

awaitable<Outcome<KeySource::Answer>> KeySource::fetch(FetchReason reason) {
  const auto at = co_await address(reason);
  if (!at.has_value()) co_return std::unexpected(at.error());
  http::FetchRequest request{.url = *at, .time_max = parts_.limits().fetch_time_max};
  request.headers.add("Accept", "application/jwk-set+json, application/json");
  if (keys_ && !etag_.empty()) request.headers.add("If-None-Match", etag_);
  // Somebody knows of a change: what a cache on the way has kept is no answer.
  if (reason != FetchReason::schedule) request.headers.add("Cache-Control", "no-cache");
  request.body_bytes_max = parts_.options.limits.jwks_bytes_max;
  auto answer = co_await parts_.http.fetch(std::move(request), reach_of(*at));
  if (!answer.has_value()) co_return std::unexpected(std::move(answer.error()));
  const milliseconds fresh = fresh_for(answer->headers, parts_.limits());
  if (answer->status == 304 && keys_ && !etag_.empty()) {
    co_return Answer{.confirmed = true, .jwks = {}, .etag = {}, .fresh = fresh};
  }
  if (answer->status != 200) {
    const bool is_redirect = answer->status >= 300 && answer->status < 400;
    co_return std::unexpected(Fault{
        fmt::format("{}: status {}{}", *at, answer->status, is_redirect ? ", and no redirect is followed" : ""), ""});
  }
  const std::string* const etag = answer->headers.find("ETag");
  co_return Answer{.confirmed = false,
                   .jwks = std::move(answer->body),
                   .etag = etag != nullptr && etag->size() <= 256 ? *etag : "",
                   .fresh = fresh};
}

}  // namespace jeton::agent
