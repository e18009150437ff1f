#include "gateway/proxy/proxy_decision.h"

#include "gateway/proxy/rewrite.h"
#include "http/response_writer.h"

#include <jeton/agent.h>
#include <jeton/path.h>

#include <string>
#include <utility>
#include <vector>

namespace jeton::gateway {
namespace {

http::Response response_of(const Answer& answer) {
  http::Response response{.status = answer.status, .body = answer.body};
  for (const auto& [name, value] : answer.headers) response.headers.add(name, value);
  return response;
}

CorsQuestion cors_question(const Rulebook& book, const http::Request& request) {
  CorsQuestion question;
  if (book.cors.empty()) return question;
  for (const auto& [name, value] : request.headers.fields()) question.see(name, value);
  return question;
}

// What an answer in front of that route says to pages of other origins; nothing if it has no rule for them.
std::optional<http::CorsFields> cors_fields(const Rulebook& book, const Route* route, const CorsQuestion& question) {
  const http::CorsPolicy* const policy = cors_of(book.guard.routes(), book.cors, route);
  return policy != nullptr ? std::optional(http::cors_fields(*policy, question.origin())) : std::nullopt;
}

http::Response with_cors(http::Response response, const std::optional<http::CorsFields>& fields) {
  if (fields.has_value()) add_cors(*fields, response);
  return response;
}

http::Response answer_to(const Preflight& preflight, const CorsQuestion& question) {
  if (!preflight.is_allowed)
    return with_cors(http::error_response(403, "Origin not allowed"), http::cors_fields(*preflight.policy, ""));
  return with_cors({.status = 204}, http::preflight_fields(*preflight.policy, question.origin(), preflight.methods));
}

ProxyDecision pass_on(const Rulebook& book, Allowed& allowed, std::string_view path,
                      std::optional<http::CorsFields> cors) {
  const auto upstream = book.upstreams.find(allowed.route->upstream);
  // A route that is there for forward-auth alone: nothing is behind it here.
  if (upstream == book.upstreams.end()) return with_cors(http::error_response(404, "Not found"), cors);
  const Destination& there = upstream->second;
  Forward forward{.upstream = there.upstream,
                  .path = std::string(path),
                  .passes_authorization = there.passes_authorization,
                  .passes_refresh_cookies = there.passes_refresh_cookies,
                  .cors = std::move(cors)};
  forward.remove.reserve(book.guard.routes().passed_headers().size());
  forward.set.reserve(allowed.pass.size());
  for (const HeaderName& name : book.guard.routes().passed_headers()) forward.remove.push_back(name.text());
  for (PassedHeader& passed : allowed.pass) forward.set.emplace_back(passed.name->text(), passed.value.text());
  if (allowed.token.has_value() && allowed.route->streams_until != StreamsUntil::closed)
    forward.permit.emplace(*std::move(allowed.token), book.guard.routes(), allowed.route);
  if (allowed.limits.has_value()) {
    allowed.limits->append_rate_limit(forward.answer.emplace_back("RateLimit", "").second);
    allowed.limits->append_policy(forward.answer.emplace_back("RateLimit-Policy", "").second);
    if (auto running = allowed.limits->take_running(); running.places() > 0)
      forward.held = std::make_shared<Running>(std::move(running));
  }
  return forward;
}

}  // namespace

std::optional<Error> ProxyDecider::objection_later(const Permit& permit) const {
  const Rulebook* const book = rulebook_.get();
  if (book == nullptr) return std::nullopt;
  return book->guard.objection_later(permit.token, *permit.route, Moment(clock_.now_seconds(), Agent::monotonic()));
}

void ProxyDecider::record_end(const Relayed& relayed) const {
  const http::Request& request = relayed.request.request;
  const RequestFacts facts{.method = relayed.request.method_name(),
                           .scheme = request.scheme,
                           .host = request.host,
                           .path = request.path,
                           .address = request.peer_address};
  recorder_.record_end({.shape = Shape::proxy,
                        .id = request.id,
                        .proxy_id = relayed.trace.request_id,
                        .traceparent = relayed.trace.traceparent,
                        .facts = facts},
                       {.stage = name_of(relayed.stage),
                        .why = *relayed.permit_ended,
                        .token = relayed.permit->token,
                        .route = *relayed.permit->route},
                       Moment(clock_.now_seconds(), Agent::monotonic()));
}

boost::asio::awaitable<ProxyDecision> ProxyDecider::decide(const http::RequestHead& head, const Trace& trace) const {
  const http::Request& request = head.request;
  const auto book = rulebook_.share();
  if (book == nullptr) co_return http::error_response(503, "Verifier unavailable");
  const std::vector<std::string_view> authorization = request.headers.all("authorization");
  // Without a canonical form the path is empty, which meets no route.
  const std::string path =
      is_canonical_path(request.path) ? request.path : canonical_path(request.path).value_or(std::string());
  const RequestFacts facts{.method = head.method_name(),
                           .scheme = request.scheme,
                           .host = request.host,
                           .path = path,
                           .query = request.query,
                           .authorization = authorization,
                           .address = request.peer_address};
  Moment now(clock_.now_seconds(), Agent::monotonic());
  DecidedRequest decided{.shape = Shape::proxy,
                         .id = request.id,
                         .proxy_id = trace.request_id,
                         .traceparent = trace.traceparent,
                         .facts = facts};
  const CorsQuestion question = cors_question(*book, request);
  if (const auto preflight = preflight_of(book->guard.routes(), book->cors, facts, question)) {
    recorder_.record(decided, *preflight, question.origin(), now);
    co_return answer_to(*preflight, question);
  }
  Decision decision = book->guard.decide(facts, now);
  if (const Undecided* const undecided = decision.undecided(); undecided != nullptr && book->introspector != nullptr) {
    const Introspection said = co_await book->introspector->ask(
        undecided->token, std::string(extract_bearer(facts).value_or("")), undecided->route->policy.staleness_max);
    now = Moment(clock_.now_seconds(), Agent::monotonic());
    decided.introspection = name_of(said);
    Decision settled = book->guard.settle(*undecided, said, facts.address, now);
    decision = std::move(settled);
  }
  recorder_.record(*book, decided, decision, now);
  if (Allowed* const allowed = decision.allowed())
    co_return pass_on(*book, *allowed, path, cors_fields(*book, allowed->route, question));
  if (const Refused* const refused = decision.refused())
    co_return with_cors(response_of(refused->answer), cors_fields(*book, refused->route, question));
  co_return http::error_response(503, "Verifier unavailable");  // a guard that can ask nobody leaves nothing undecided
}

}  // namespace jeton::gateway
