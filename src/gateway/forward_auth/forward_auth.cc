#include "gateway/forward_auth/forward_auth.h"

#include "gateway/passed_method.h"

#include <jeton/agent.h>

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace jeton::gateway {
namespace {

constexpr std::string_view nginx_status_field = "Jeton-Status";
constexpr std::string_view nginx_body_field = "Jeton-Body";
constexpr std::string_view envoy_remove_field = "x-envoy-auth-headers-to-remove";

bool nginx_takes(int status) noexcept { return status == 401 || status == 403; }

// An answer that no route gives.
void say(QuestionStyle style, http::InlineAnswer& answer, int status, std::string_view error) {
  const std::string body = std::string(R"({"error":")").append(error).append(R"("})");
  const bool mapped = style == QuestionStyle::nginx && !nginx_takes(status);
  answer.status(mapped ? 403 : status);
  if (style == QuestionStyle::nginx) {
    answer.field(nginx_status_field, std::to_string(status));
    answer.field(nginx_body_field, body);
  }
  answer.field("Content-Type", "application/json");
  answer.field("Cache-Control", "no-store");
  answer.body(body);
}

bool is_passed(std::span<const PassedHeader> passed, const HeaderName& name) noexcept {
  return std::ranges::any_of(passed, [&](const PassedHeader& one) { return *one.name == name; });
}

// A header that could be passed on and is not this time must not come from the client either. So it is there all the
// same, empty: there are proxies that copy only what they are given. Envoy is told to remove it.
void say_absent(QuestionStyle style, const Guard& guard, std::span<const PassedHeader> passed,
                http::InlineAnswer& answer) {
  const auto names = guard.routes().passed_headers();
  if (names.size() == passed.size()) return;
  std::string absent;
  for (const HeaderName& name : names) {
    if (is_passed(passed, name)) continue;
    if (style == QuestionStyle::envoy)
      absent.append(absent.empty() ? "" : ",").append(name.text());
    else
      answer.field(name.text(), "");
  }
  if (!absent.empty()) answer.field(envoy_remove_field, absent);
}

void say_allowed(QuestionStyle style, const Guard& guard, const Allowed& allowed, http::InlineAnswer& answer) {
  answer.status(200);
  answer.field("Cache-Control", "no-store");  // what holds for one token must not be kept for another
  for (const PassedHeader& passed : allowed.pass) answer.field(passed.name->text(), passed.value.text());
  if (allowed.limits.has_value()) {
    std::string text;
    allowed.limits->append_rate_limit(text);
    answer.field("RateLimit", text);
    text.clear();
    allowed.limits->append_policy(text);
    answer.field("RateLimit-Policy", text);
  }
  say_absent(style, guard, allowed.pass, answer);
}

// A proxy lets a request go on for 2xx alone, and a browser takes nothing but 2xx for a preflight: so what answers it
// is behind the proxy, and all that is said here is that it may be asked.
void say_preflight(QuestionStyle style, const Guard& guard, const Preflight& preflight, http::InlineAnswer& answer) {
  if (!preflight.is_allowed) return say(style, answer, 403, "Origin not allowed");
  answer.status(200);
  answer.field("Cache-Control", "no-store");
  say_absent(style, guard, {}, answer);
}

void say_refused(QuestionStyle style, const Answer& refusal, http::InlineAnswer& answer, const http::CorsFields& cors) {
  const bool is_nginx = style == QuestionStyle::nginx;
  answer.status(is_nginx && !nginx_takes(refusal.status) ? 403 : refusal.status);
  if (is_nginx) {
    answer.field(nginx_status_field, std::to_string(refusal.status));
    answer.field(nginx_body_field, refusal.body);
  }
  for (const auto& [name, value] : refusal.headers) answer.field(name, value);
  for (const auto& [name, value] : cors) answer.field(name, value);
  answer.body(refusal.body);
}

// Without a token it goes on to the upstream, so it must be nothing but what a browser sends.
std::optional<Preflight> asked_preflight(const Rulebook& book, const OriginalRequest& original) {
  if (book.cors.empty() || original.overrides_method() || !original.facts().authorization.empty()) return std::nullopt;
  return preflight_of(book.guard.routes(), book.cors, original.facts(), original.cors());
}

http::CorsFields cors_fields(const Rulebook& book, const Route* route, std::string_view origin) {
  const http::CorsPolicy* const policy = cors_of(book.guard.routes(), book.cors, route);
  return policy != nullptr ? http::cors_fields(*policy, origin) : http::CorsFields();
}

void say_decision(QuestionStyle style, const Rulebook& book, const Decision& decision, std::string_view origin,
                  http::InlineAnswer& answer) {
  if (const Allowed* const allowed = decision.allowed())
    say_allowed(style, book.guard, *allowed, answer);
  else if (const Refused* const refused = decision.refused())
    say_refused(style, refused->answer, answer, cors_fields(book, refused->route, origin));
  else
    say(style, answer, 503, "Verifier unavailable");  // a guard that can ask nobody leaves nothing undecided
}

}  // namespace

// What is left of a question while the token's issuer is asked: all that the decision and its record still need.
struct ForwardAuth::Waiting {
  Waiting(std::shared_ptr<const Rulebook> rulebook, QuestionStyle asked_by, Undecided open,
          const DecidedRequest& request, std::string_view compact, std::string_view cors_origin)
      : book(std::move(rulebook)),
        style(asked_by),
        undecided(std::move(open)),
        id(request.id),
        proxy_id(request.proxy_id),
        traceparent(request.traceparent),
        method(request.facts.method),
        host(request.facts.host),
        path(request.facts.path),
        address(request.facts.address),
        authorization(std::string("Bearer ").append(compact)),
        origin(cors_origin) {}
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

  std::string compact() const { return authorization.substr(std::string_view("Bearer ").size()); }
  RequestFacts facts() const {
    return {
        .method = method, .host = host, .path = path, .authorization = {&authorization_view, 1}, .address = address};
  }

  const std::shared_ptr<const Rulebook> book;
  const QuestionStyle style;
  const Undecided undecided;
  const std::string id, proxy_id, traceparent, method, host, path, address, authorization, origin;
  const std::string_view authorization_view = authorization;
};

void ForwardAuth::answer(const http::InlineRequest& question, http::InlineAnswer& answer) const {
  const auto style = style_of(question.head.path);
  if (!style.has_value()) return;
  if (!question.peer_is_trusted) {
    recorder_.count_stranger();
    say(*style, answer, 403, "Only trusted proxies may ask");
    return;
  }
  const Rulebook* const book = rulebook_.get();
  if (book == nullptr) {
    say(*style, answer, 503, "Verifier unavailable");
    return;
  }
  OriginalRequest original;
  if (const auto read = original.read(*style, question, question.trusted_proxies, book->cache); !read.has_value()) {
    recorder_.count_malformed(question.id, read.error());
    say(*style, answer, 400, read.error());
    return;
  }
  if (!is_passed_on(original.facts().method)) {
    recorder_.count_malformed(question.id, "The original method is not passed on");
    say(*style, answer, 405, "Method not allowed");
    return;
  }
  decide(*book, *style, original, question, answer);
}

void ForwardAuth::decide(const Rulebook& book, QuestionStyle style, const OriginalRequest& original,
                         const http::InlineRequest& question, http::InlineAnswer& answer) const {
  const Moment now(clock_.now_seconds(), Agent::monotonic());
  const RequestFacts& facts = original.facts();
  DecidedRequest decided{.shape = Shape::forward_auth,
                         .id = question.id,
                         .proxy_id = original.request_id(),
                         .traceparent = original.traceparent(),
                         .facts = facts};
  if (const auto preflight = asked_preflight(book, original)) {
    recorder_.record(decided, *preflight, original.cors().origin(), now);
    return say_preflight(style, book.guard, *preflight, answer);
  }
  const Decision decision = book.guard.decide(facts, now);
  const Undecided* const undecided = decision.undecided();
  if (undecided == nullptr || book.introspector == nullptr) {
    say_decision(style, book, decision, original.cors().origin(), answer);
    return recorder_.record(book, decided, decision, now);
  }
  const std::string_view compact = extract_bearer(facts).value_or("");
  const auto known = book.introspector->recall(undecided->token, compact, undecided->route->policy.staleness_max);
  if (!known.has_value()) {
    return answer.later([this, waiting = std::make_shared<const Waiting>(rulebook_.keep(), style, *undecided, decided,
                                                                         compact, original.cors().origin())](
                            http::InlineAnswer& late) { return answer_late(waiting, late); });
  }
  decided.introspection = name_of(*known);
  const Decision settled = book.guard.settle(*undecided, *known, facts.address, now);
  say_decision(style, book, settled, original.cors().origin(), answer);
  recorder_.record(book, decided, settled, now);
}

boost::asio::awaitable<void> ForwardAuth::answer_late(std::shared_ptr<const Waiting> waiting,
                                                      http::InlineAnswer& answer) const {
  const Rulebook& book = *waiting->book;
  const Undecided& undecided = waiting->undecided;
  const Introspection said =
      co_await book.introspector->ask(undecided.token, waiting->compact(), undecided.route->policy.staleness_max);
  const Moment now(clock_.now_seconds(), Agent::monotonic());
  const RequestFacts facts = waiting->facts();
  const Decision settled = book.guard.settle(undecided, said, facts.address, now);
  say_decision(waiting->style, book, settled, waiting->origin, answer);
  recorder_.record(book,
                   {.shape = Shape::forward_auth,
                    .id = waiting->id,
                    .proxy_id = waiting->proxy_id,
                    .traceparent = waiting->traceparent,
                    .facts = facts,
                    .introspection = name_of(said)},
                   settled, now);
}

}  // namespace jeton::gateway
