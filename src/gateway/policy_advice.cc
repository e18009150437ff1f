#include "gateway/policy_advice.h"

#include "gateway/passed_method.h"

#include <fmt/format.h>

#include <algorithm>

namespace jeton::gateway {
namespace {

bool takes_tokens(const Route& route) { return route.policy.authentication != Authentication::forbidden; }

void look_at_gateway(const GatewaySettings& gateway, std::vector<std::string>& advice) {
  for (const std::string& range : gateway.trusted_proxies) {
    if (range.ends_with("/0"))
      advice.push_back(
          fmt::format("[gateway] trusted_proxies holds {}: whoever calls may say who the client is", range));
  }
}

void look_at_issuers(const PolicyFile& file, std::vector<std::string>& advice) {
  for (const IssuerSettings& issuer : file.issuers) {
    const bool is_admitted = std::ranges::any_of(file.routes.all(), [&](const Route& route) {
      const auto& named = route.policy.issuers;
      return takes_tokens(route) && (named.empty() || std::ranges::find(named, issuer.url) != named.end());
    });
    if (!is_admitted) advice.push_back(fmt::format("[[issuer]] {}: no route admits its tokens", issuer.url));
    if (issuer.profile == Profile::jeton && !issuer.feed)
      advice.push_back(
          fmt::format("[[issuer]] {}: its feed is not heard, so what it revokes is good until its exp", issuer.url));
  }
}

void look_at_upstreams(const PolicyFile& file, std::vector<std::string>& advice) {
  for (const UpstreamSettings& upstream : file.upstreams) {
    if (std::ranges::none_of(file.routes.all(), [&](const Route& route) { return route.upstream == upstream.name; }))
      advice.push_back(fmt::format("[[upstream]] {}: no route leads to it", upstream.name));
  }
}

void look_at_route(const PolicyFile& file, const Route& route, std::vector<std::string>& advice) {
  const bool has_concurrent = std::ranges::any_of(
      route.policy.limits, [](const LimitRule& rule) { return rule.kind() == LimitKind::concurrent; });
  // A policy without [gateway] may be for either shape.
  const bool is_only_asked_about = !file.gateway.forward_auth.empty() && file.gateway.listen.empty();
  if (has_concurrent && is_only_asked_about) {
    advice.push_back(fmt::format(
        "[[route]] {}: its limit of concurrent requests is without effect, since forward-auth does not see where a "
        "request ends: it needs the reverse proxy ([gateway] listen, and an upstream)",
        route.name));
  }
  const auto& methods = route.match.methods;
  if (!methods.empty() && std::ranges::none_of(methods, [](const std::string& one) { return is_passed_on(one); }))
    advice.push_back(fmt::format("[[route]] {}: no request meets it, since {} is passed on by no gateway", route.name,
                                 fmt::join(methods, ", ")));
}

}  // namespace

std::vector<std::string> advice_on(const PolicyFile& file) {
  std::vector<std::string> advice;
  look_at_gateway(file.gateway, advice);
  look_at_issuers(file, advice);
  look_at_upstreams(file, advice);
  for (const Route& route : file.routes.all()) look_at_route(file, route, advice);
  return advice;
}

}  // namespace jeton::gateway
