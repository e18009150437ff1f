#include <jeton/guard.h>

#include "guard/compiled_routes.h"
#include "guard/requirements.h"

#include <utility>

namespace jeton {

Guard::Guard(Verifier verifier, Policy policy, GuardParts parts)
    : Guard(std::move(verifier), Routes::everywhere(std::move(policy)), parts) {}

Guard::Guard(Verifier verifier, Routes routes, GuardParts parts)
    : verifier_(std::move(verifier)), routes_(std::move(routes)), parts_(parts) {}

Decision Guard::decide(const RequestFacts& facts, Moment now) const {
  const auto met = routes_.compiled_->meet(facts);
  if (!met) return Decision(Refused{met.error(), answer_for(met.error(), Policy{}), nullptr});
  const Policy& policy = met->route->policy;
  const auto refuse = [&](Error error) {
    Answer answer = answer_for(error, policy);
    return Decision(Refused{std::move(error), std::move(answer), met->route});
  };
  Allowed allowed(met->route);
  const auto compact = extract_bearer(facts);
  if (!compact) {
    const bool may_lack = policy.authentication != Authentication::required;
    if (may_lack && compact.error().code == Errc::missing_token) return Decision(std::move(allowed));
    return refuse(compact.error());
  }
  if (policy.authentication == Authentication::forbidden) return refuse(Error{Errc::unwanted_token});
  auto token = parts_.cache != nullptr ? parts_.cache->verify(verifier_, *compact, now.wall)
                                       : verifier_.verify(*compact, now.wall);
  if (!token) return refuse(std::move(token).error());
  if (auto objection = objection_to(*token, *met, now.wall)) return refuse(*std::move(objection));
  auto passed = passed_claims(*token, policy);
  if (!passed) return refuse(std::move(passed).error());
  allowed.pass = *std::move(passed);
  allowed.token = *std::move(token);
  return Decision(std::move(allowed));
}

}  // namespace jeton
