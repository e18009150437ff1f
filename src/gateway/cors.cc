#include "gateway/cors.h"

#include "gateway/passed_method.h"
#include "http/head_view.h"

namespace jeton::gateway {

void CorsQuestion::see(std::string_view name, std::string_view value) noexcept {
  if (http::same_field_name(name, "origin")) {
    origin_ = value;
    ++origins_;
  } else if (http::same_field_name(name, "access-control-request-method")) {
    method_ = value;
    ++methods_;
  }
}

const http::CorsPolicy* cors_of(const Routes& routes, const RouteCors& cors, const Route* route) noexcept {
  if (route == nullptr || cors.empty()) return nullptr;
  const auto place = static_cast<std::size_t>(route - routes.all().data());
  return place < cors.size() ? cors[place].get() : nullptr;
}

std::optional<Preflight> preflight_of(const Routes& routes, const RouteCors& cors, const RequestFacts& facts,
                                      const CorsQuestion& question) {
  const std::string_view method = question.requested_method();
  if (facts.method != "OPTIONS" || question.origin().empty() || method.empty() || !is_passed_on(method))
    return std::nullopt;
  RequestFacts announced = facts;
  announced.method = method;
  const auto met = routes.find(announced);
  if (!met) return std::nullopt;
  const http::CorsPolicy* const policy = cors_of(routes, cors, *met);
  if (policy == nullptr) return std::nullopt;
  Preflight preflight{.route = *met, .policy = policy, .is_allowed = policy->allows(question.origin()), .methods = {}};
  for (const std::string& one : (*met)->match.methods)
    preflight.methods.append(preflight.methods.empty() ? "" : ", ").append(one);
  // GET covers HEAD; and a route for every method has no list.
  if ((", " + preflight.methods + ",").find(", " + std::string(method) + ",") == std::string::npos)
    preflight.methods.append(preflight.methods.empty() ? "" : ", ").append(method);
  return preflight;
}

}  // namespace jeton::gateway
