#include <jeton/guard.h>

#include "guard/compiled_routes.h"
#include "guard/requirements.h"

#include <algorithm>
#include <utility>

namespace jeton {
namespace {

Refused refusal(Error error, const Route* route) {
  static const Policy of_no_route;
  Answer answer = answer_for(error, route != nullptr ? route->policy : of_no_route);
  return Refused{std::move(error), std::move(answer), route};
}

// 429 or 503, with all that the client needs to come back in time.
Refused over_limit(const LimitResult& result, const Route* route) {
  const bool is_over = result.verdict() == LimitVerdict::over_limit;
  Refused refused = refusal(is_over ? Error{Errc::over_limit} : Error{Errc::verifier_unavailable, "limits"}, route);
  auto& headers = refused.answer.headers;
  std::erase_if(headers, [](const auto& header) { return header.first == "Retry-After"; });
  headers.emplace_back("Retry-After", std::to_string(std::max<std::int64_t>(result.retry_after().count(), 1)));
  if (result.statuses().empty()) return refused;  // nobody knows
  result.append_rate_limit(headers.emplace_back("RateLimit", "").second);
  result.append_policy(headers.emplace_back("RateLimit-Policy", "").second);
  return refused;
}

Error too_many_failures(std::chrono::seconds wait) {
  return Error{Errc::too_many_failures, "", std::to_string(wait.count())};
}

bool have_limits(const Routes& routes) {
  return std::ranges::any_of(routes.all(), [](const Route& route) { return !route.policy.limits.empty(); });
}

}  // namespace

Guard::Guard(Verifier verifier, Policy policy, GuardParts parts)
    : Guard(std::move(verifier), Routes::everywhere(std::move(policy)), parts) {}

Guard::Guard(Verifier verifier, Routes routes, GuardParts parts)
    : verifier_(std::move(verifier)), routes_(std::move(routes)), parts_(parts) {
  if (parts_.limiter != nullptr || !have_limits(routes_)) return;
  own_limiter_ = std::make_shared<RateLimiter>();
  parts_.limiter = own_limiter_.get();
}

Result<VerifiedToken> Guard::verify(std::string_view compact, std::string_view address, Moment now) const {
  if (parts_.cache != nullptr) {
    if (auto known = parts_.cache->recall(verifier_, compact, now.wall)) return *std::move(known);
  }
  if (parts_.failures != nullptr) {
    if (const auto wait = parts_.failures->refuse(address, now.monotonic))
      return std::unexpected(too_many_failures(*wait));
  }
  auto token = parts_.cache != nullptr ? parts_.cache->verify(verifier_, compact, now.wall)
                                       : verifier_.verify(compact, now.wall);
  if (parts_.failures != nullptr) {
    if (token.has_value())
      parts_.failures->count_success(address, now.monotonic);
    else if (costs_a_failure(token.error().code))
      parts_.failures->count_failure(address, now.monotonic);
  }
  // The key may be one that nobody here has heard of yet.
  if (!token && token.error().code == Errc::unknown_key && verifier_.lacks_keys())
    return std::unexpected(Error{Errc::verifier_unavailable, "keys"});
  return token;
}

Decision Guard::decide(const RequestFacts& facts, Moment now) const {
  const auto met = routes_.compiled_->meet(facts);
  if (!met) return Decision(refusal(met.error(), nullptr));
  const Route* const route = met->route;
  const Policy& policy = route->policy;
  const auto refuse = [&](Error error) { return Decision(refusal(std::move(error), route)); };

  Allowed allowed(route);
  const auto compact = extract_bearer(facts);
  if (!compact) {
    const bool may_lack = policy.authentication != Authentication::required;
    if (may_lack && compact.error().code == Errc::missing_token) return admit(std::move(allowed), facts.address, now);
    return refuse(compact.error());
  }
  if (policy.authentication == Authentication::forbidden) return refuse(Error{Errc::unwanted_token});
  auto token = verify(*compact, facts.address, now);
  if (!token) return refuse(std::move(token).error());

  if (parts_.revocations != nullptr) {
    if (const auto reason = parts_.revocations->find(*token))
      return refuse(Error{*reason == RevocationReason::stale_claims ? Errc::stale_claims : Errc::revoked});
    const auto staleness = parts_.revocations->staleness(token->issuer(), now.monotonic);
    allowed.is_stale = staleness.has_value() && *staleness > policy.staleness_max;
  }
  const bool is_undecided = allowed.is_stale && policy.when_stale == WhenStale::introspect && parts_.can_introspect;
  if (allowed.is_stale && policy.when_stale != WhenStale::allow && !is_undecided)
    return refuse(Error{Errc::stale_revocations});
  if (auto objection = objection_to(*token, *met, now.wall)) return refuse(*std::move(objection));
  if (is_undecided) return Decision(Undecided(*std::move(token), route));
  allowed.token = *std::move(token);
  return admit(std::move(allowed), facts.address, now);
}

Decision Guard::settle(const Undecided& undecided, Introspection said, std::string_view address, Moment now) const {
  const VerifiedToken& token = undecided.token;
  const auto refuse = [&](Errc code) { return Decision(refusal(Error{code}, undecided.route)); };
  if (auto objection = verifier_.objection_later(token, now.wall))
    return Decision(refusal(*std::move(objection), undecided.route));
  bool is_stale = true;
  if (parts_.revocations != nullptr) {
    if (const auto reason = parts_.revocations->find(token))
      return refuse(*reason == RevocationReason::stale_claims ? Errc::stale_claims : Errc::revoked);
    const auto staleness = parts_.revocations->staleness(token.issuer(), now.monotonic);
    is_stale = staleness.has_value() && *staleness > undecided.route->policy.staleness_max;
  }
  if (said == Introspection::inactive) return refuse(Errc::revoked);
  if (said == Introspection::failed && is_stale) return refuse(Errc::stale_revocations);
  Allowed allowed(undecided.route);
  allowed.token = token;
  return admit(std::move(allowed), address, now);
}

std::optional<Error> Guard::objection_later(const VerifiedToken& token, const Route& route, Moment now) const {
  if (route.streams_until == StreamsUntil::closed) return std::nullopt;
  if (parts_.revocations != nullptr) {
    if (const auto reason = parts_.revocations->find(token))
      return Error{*reason == RevocationReason::stale_claims ? Errc::stale_claims : Errc::revoked};
    const auto staleness = parts_.revocations->staleness(token.issuer(), now.monotonic);
    const bool is_stale = staleness.has_value() && *staleness > route.policy.staleness_max;
    if (is_stale && route.policy.when_stale != WhenStale::allow) return Error{Errc::stale_revocations};
  }
  return verifier_.objection_later(token, now.wall);
}

std::optional<Error> Guard::objection_by(const Routes& other, const RequestFacts& facts, const Decision& decision,
                                         Moment now) const {
  const Allowed* const allowed = decision.allowed();
  if (allowed == nullptr) return std::nullopt;
  const auto met = other.compiled_->meet(facts);
  if (!met) return met.error();
  const Policy& policy = met->route->policy;
  if (!allowed->token.has_value()) {
    // It came without a token, or with one that its route did not look at: that is refused there.
    if (policy.authentication == Authentication::required) return Error{Errc::missing_token};
    return std::nullopt;
  }
  if (policy.authentication == Authentication::forbidden) return Error{Errc::unwanted_token};
  if (parts_.revocations != nullptr && policy.when_stale != WhenStale::allow) {
    const auto staleness = parts_.revocations->staleness(allowed->token->issuer(), now.monotonic);
    if (staleness.has_value() && *staleness > policy.staleness_max) return Error{Errc::stale_revocations};
  }
  if (auto objection = objection_to(*allowed->token, *met, now.wall)) return objection;
  if (const auto passed = passed_claims(*allowed->token, policy); !passed) return passed.error();
  return std::nullopt;
}

Decision Guard::admit(Allowed allowed, std::string_view address, Moment now) const {
  const Route* const route = allowed.route;
  if (allowed.token.has_value()) {
    auto passed = passed_claims(*allowed.token, route->policy);
    if (!passed) return Decision(refusal(std::move(passed).error(), route));
    allowed.pass = *std::move(passed);
  }
  if (route->policy.limits.empty()) return Decision(std::move(allowed));

  FewPerRequest<Charge> charges;
  for (const LimitRule& rule : route->policy.limits) {
    const VerifiedToken* const token = allowed.token.has_value() ? &*allowed.token : nullptr;
    const auto charge = charge_for(rule, token, address, parts_.limiter->seed());
    if (!charge) return Decision(refusal(charge.error(), route));
    charges.push(*charge);
  }
  LimitResult result = parts_.limiter->charge(charges.all(), now.monotonic, now.wall);
  if (!result.allowed()) return Decision(over_limit(result, route));
  allowed.limits.emplace(std::move(result));
  return Decision(std::move(allowed));
}

}  // namespace jeton
