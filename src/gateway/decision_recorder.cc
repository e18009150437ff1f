#include "gateway/decision_recorder.h"

#include "gateway/token_shape.h"
#include "platform/log.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

namespace jeton::gateway {
namespace {

constexpr std::size_t said_bytes_max = 256;
constexpr std::chrono::seconds stale_period{10};

// The trace's id in a W3C traceparent: "00-<32 hex>-<16 hex>-<2 hex>".
std::string_view trace_of(std::string_view traceparent) noexcept {
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  if (traceparent.size() < 55 || traceparent[2] != '-' || traceparent[35] != '-') return {};
  const std::string_view id = traceparent.substr(3, 32);
  return std::ranges::all_of(id, is_hex) ? id : std::string_view{};
}

// What a token says in the claim that a refusal names, "limits.audio" for a nested one, as JSON.
std::string said_in(const VerifiedToken& token, std::string_view claim) {
  const Value payload = token.payload();
  const Value* at = payload.find(claim);
  if (at == nullptr) {
    at = &payload;
    for (std::string_view rest = claim; at != nullptr && !rest.empty();) {
      const std::string_view segment = rest.substr(0, rest.find('.'));
      at = at->find(segment);
      rest.remove_prefix(std::min(segment.size() + 1, rest.size()));
    }
  }
  if (at == nullptr) return "nothing";
  std::string text = at->to_json();
  if (text.size() > said_bytes_max) text = text.substr(0, said_bytes_max) + "…";
  return text;
}

// Also where it is not known yet whether the key exists.
bool is_of_unknown_key(const Error& error) noexcept {
  return error.code == Errc::unknown_key || (error.code == Errc::verifier_unavailable && error.claim == "keys");
}

platform::Counter& preflights_of(platform::Metrics& metrics, std::string decision) {
  return metrics.counter("jeton_gateway_preflights_total",
                         "Preflights answered for routes with a CORS rule, by decision.",
                         {{"decision", std::move(decision)}});
}

void tell_of_key(const RequestFacts& facts, const UnknownKeySeen& tell) {
  const auto compact = extract_bearer(facts);
  if (!compact) return;
  if (const auto header = untrusted_header_peek(*compact); header.has_value()) tell(header->kid);
}

// One line of the log; what is added by view must live until it is written.
class Line {
 public:
  void add(std::string_view name, std::string_view text) {
    if (!text.empty()) fields_.emplace_back(name, text);
  }
  void add_number(std::string_view name, int number) { fields_.emplace_back(name, number); }
  void add_request(const DecidedRequest& request) {
    proxy_id_ = without_tokens(request.proxy_id);
    add("request", request.id);
    add("proxy_request", proxy_id_);
    add("trace", trace_of(request.traceparent));
    add("shape", name_of(request.shape));
  }
  void add_facts(const RequestFacts& facts) {
    path_ = without_tokens(facts.path);
    add("method", facts.method);
    add("host", facts.host);
    add("path", path_);
    add("address", facts.address);
  }
  void add_token(const VerifiedToken& token) {
    add("issuer", token.issuer());
    add("subject", token.subject());
    add("client", token.client_id());
    add("kid", token.key_id());
  }
  void write(std::string_view event) const { platform::log(platform::LogLevel::info, event, fields_); }

 private:
  std::string proxy_id_, path_;
  std::vector<platform::LogField> fields_;
};

}  // namespace

DecisionRecorder::DecisionRecorder(platform::Metrics& metrics, DecisionLogOptions options,
                                   UnknownKeySeen unknown_key_seen)
    : allowed_one_in_(options.allowed_one_in),
      unknown_key_seen_(std::move(unknown_key_seen)),
      metrics_(metrics),
      strangers_(metrics.counter("jeton_gateway_questions_refused_total",
                                 "Questions to forward-auth that were not decided, by reason.",
                                 {{"reason", "untrusted_proxy"}})),
      malformed_(metrics.counter("jeton_gateway_questions_refused_total",
                                 "Questions to forward-auth that were not decided, by reason.",
                                 {{"reason", "malformed"}})),
      unlogged_(metrics.counter("jeton_gateway_decisions_unlogged_total",
                                "Decisions that were to be logged, beyond the lines a second that the log may have.")),
      shadow_refusals_(metrics.counter("jeton_gateway_shadow_refusals_total",
                                       "Allowed requests that the shadow policy would have refused.")),
      preflights_allowed_(preflights_of(metrics, "allowed")),
      preflights_refused_(preflights_of(metrics, "refused")),
      budget_(all_error_codes().size() + kinds, options.lines_per_second_max) {}

void DecisionRecorder::set_options(const DecisionLogOptions& options) noexcept {
  allowed_one_in_.store(options.allowed_one_in, std::memory_order_relaxed);
  budget_.set_lines_per_second_max(options.lines_per_second_max);
}

void DecisionRecorder::record(const DecidedRequest& request, const Preflight& preflight, std::string_view origin,
                              Moment now) const {
  if (preflight.is_allowed) return preflights_allowed_.add();
  preflights_refused_.add();
  if (!may_log(Kind::preflight, now)) return unlogged_.add();
  const std::string path = without_tokens(request.facts.path);
  const std::string said = without_tokens(origin.substr(0, said_bytes_max));
  platform::log_info("preflight refused", {{"request", request.id},
                                           {"shape", name_of(request.shape)},
                                           {"route", preflight.route->name},
                                           {"origin", said},
                                           {"host", request.facts.host},
                                           {"path", path},
                                           {"address", request.facts.address}});
}

void DecisionRecorder::record(const Rulebook& book, const DecidedRequest& request, const Decision& decision,
                              Moment now) const {
  if (const Allowed* const allowed = decision.allowed()) {
    book.counters.allowed(request.shape, allowed->route, allowed->is_stale);
    if (allowed->is_stale) tell_of_stale(*allowed, now);
    if (book.shadow.has_value()) compare_with_shadow(book, request, decision, now);
    const std::uint32_t one_in = allowed_one_in_.load(std::memory_order_relaxed);
    if (one_in == 0 || allowed_seen_.fetch_add(1, std::memory_order_relaxed) % one_in != 0) return;
  } else if (const Refused* const refused = decision.refused()) {
    book.counters.refused(request.shape, refused->route, refused->error.code);
    if (unknown_key_seen_ && is_of_unknown_key(refused->error)) tell_of_key(request.facts, unknown_key_seen_);
  } else {
    return;  // decided, and recorded, later
  }
  const Refused* const refusal = decision.refused();
  if (refusal != nullptr ? may_log(refusal->error.code, now) : may_log(Kind::allowed, now))
    log(book, request, decision, now);
  else
    unlogged_.add();
}

// It lasts, and all requests have it in common: one line in a while says so, also where allowed ones are not logged.
void DecisionRecorder::tell_of_stale(const Allowed& allowed, Moment now) const {
  const auto period = static_cast<std::uint64_t>(now.monotonic / stale_period) + 1;
  std::uint64_t told = stale_told_.load(std::memory_order_relaxed);
  if (told == period || !stale_told_.compare_exchange_strong(told, period, std::memory_order_relaxed)) return;
  platform::log_warning("allowed while revocations are stale",
                        {{"route", allowed.route->name},
                         {"issuer", allowed.token.has_value() ? std::string_view(allowed.token->issuer()) : ""}});
}

void DecisionRecorder::compare_with_shadow(const Rulebook& book, const DecidedRequest& request,
                                           const Decision& decision, Moment now) const {
  const auto objection = book.guard.objection_by(*book.shadow, request.facts, decision, now);
  if (!objection.has_value()) return;
  shadow_refusals_.add();
  if (!may_log(Kind::shadow, now)) return unlogged_.add();
  const std::string path = without_tokens(request.facts.path);
  platform::log_info("shadow policy would refuse", {{"request", request.id},
                                                    {"reason", name_of(objection->code)},
                                                    {"claim", objection->claim},
                                                    {"demanded", objection->expected},
                                                    {"method", request.facts.method},
                                                    {"host", request.facts.host},
                                                    {"path", path}});
}

void DecisionRecorder::count_stranger() const noexcept { strangers_.add(); }

void DecisionRecorder::count_malformed(std::string_view id, std::string_view why) const {
  malformed_.add();
  if (may_log(Kind::malformed, {UnixTime{}, std::chrono::steady_clock::now().time_since_epoch()}))
    platform::log_warning("question not understood", {{"request", id}, {"reason", why}});
  else
    unlogged_.add();
}

bool DecisionRecorder::may_log(Errc reason, Moment now) const noexcept {
  return budget_.take(kinds + static_cast<std::size_t>(reason), now.monotonic);
}
bool DecisionRecorder::may_log(Kind kind, Moment now) const noexcept {
  return budget_.take(static_cast<std::size_t>(kind), now.monotonic);
}

void DecisionRecorder::record_end(const DecidedRequest& request, const EndedExchange& ended, Moment now) const {
  const std::string_view reason = jeton::name_of(ended.why.code);
  metrics_
      .counter("jeton_gateway_exchanges_ended_total",
               "Exchanges that were ended because their token had, by how far they had come.",
               {{"stage", std::string(ended.stage)}, {"reason", std::string(reason)}})
      .add();
  if (!may_log(Kind::ended, now)) return unlogged_.add();
  Line line;
  line.add_request(request);
  line.add("decision", "ended");
  line.add("stage", ended.stage);
  line.add("reason", reason);
  line.add("route", ended.route.name);
  line.add_facts(request.facts);
  line.add_token(ended.token);
  line.write("exchange ended");
}

void DecisionRecorder::log(const Rulebook& book, const DecidedRequest& request, const Decision& decision,
                           Moment now) const {
  const Refused* const refused = decision.refused();
  const Route* const route = refused != nullptr ? refused->route : decision.allowed()->route;
  std::optional<VerifiedToken> token;
  if (refused != nullptr && !costs_a_failure(refused->error.code))
    token = book.token_of(request.facts, now);
  else if (refused == nullptr)
    token = decision.allowed()->token;
  Line line;
  line.add_request(request);
  line.add("decision", refused != nullptr ? "refused" : "allowed");
  if (refused != nullptr) {
    line.add_number("status", refused->answer.status);
    line.add("reason", name_of(refused->error.code));
  }
  if (refused == nullptr && decision.allowed()->is_stale) line.add("stale", "yes");
  line.add("introspection", request.introspection);
  if (route != nullptr) line.add("route", route->name);
  line.add_facts(request.facts);
  std::string said;
  if (refused != nullptr) {
    line.add("claim", refused->error.claim);
    line.add("demanded", refused->error.expected);
    if (token.has_value() && !refused->error.claim.empty()) said = said_in(*token, refused->error.claim);
    line.add("said", said);
  }
  if (token.has_value()) line.add_token(*token);
  line.write("decision");
}

}  // namespace jeton::gateway
