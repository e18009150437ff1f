#include <jeton/guard.h>

#include <algorithm>
#include <optional>

namespace jeton {
namespace {

std::optional<Error> check_policy(const VerifiedToken& token, const Policy& policy) {
  for (const std::string& scope : policy.scopes) {
    if (!token.has_scope(scope)) return Error{Errc::insufficient_scope, "scope", scope};
  }
  const auto holds = [&](std::string_view claim) {
    return [&token, claim](const std::string& text) { return token.claim_holds(claim, text); };
  };
  if (!policy.roles.empty() && std::ranges::none_of(policy.roles, holds("roles"))) {
    return Error{Errc::insufficient_role, "roles", policy.roles.front()};
  }
  if (!policy.plans.empty() && std::ranges::none_of(policy.plans, holds("plan"))) {
    return Error{Errc::insufficient_plan, "plan", policy.plans.front()};
  }
  return {};
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

}  // namespace

Guard::Guard(Verifier verifier, Policy policy, TokenCache* cache)
    : verifier_(std::move(verifier)), policy_(std::move(policy)), cache_(cache) {}

Decision Guard::decide(const RequestFacts& facts, UnixTime now) const {
  const auto refuse = [&](const Error& error) {
    return Decision(Refused{error, answer_for(error, policy_.errors, policy_.realm, joined(policy_.scopes))});
  };
  const auto compact = extract_bearer(facts);
  if (!compact) return refuse(compact.error());
  auto token = cache_ ? cache_->verify(verifier_, *compact, now) : verifier_.verify(*compact, now);
  if (!token) return refuse(token.error());
  if (const auto lacking = check_policy(*token, policy_)) return refuse(*lacking);
  return Decision(Allowed{*std::move(token)});
}

}  // namespace jeton
