#include "issuer/browser/cross_site.h"

#include "issuer/devices/devices.h"
#include "issuer/json_body.h"
#include "platform/log.h"

#include <algorithm>
#include <string>
#include <vector>

namespace jeton::issuer {
namespace {

bool comes_from_an_own_page(const Rules& rules, const http::Request& request) {
  const auto origins = request.headers.all("origin");
  if (origins.size() > 1) return false;
  if (origins.size() == 1) {
    if (std::ranges::find(rules.origins, origins.front()) != rules.origins.end()) return true;
    if (origins.front() == "null") return false;
  }
  const auto sites = request.headers.all("sec-fetch-site");
  return sites.size() == 1 && sites.front() == "same-origin";
}

http::Response refused(const http::Request& request, std::string_view error) {
  platform::log_warning("cross-site request refused", {{"reason", error},
                                                       {"origin", http::origin_of(request)},
                                                       {"path", request.path},
                                                       {"address", request.peer_address},
                                                       {"request", request.id}});
  return refusal(403, error);
}

}  // namespace

std::optional<http::Response> refuse_cross_site(const Rules& rules, const http::Request& request) {
  if (!comes_from_an_own_page(rules, request)) return refused(request, "Origin not allowed");
  const auto clients = request.headers.all(client_header);
  if (clients.size() != 1 || clients.front().empty()) return refused(request, "X-Jeton-Client header required");
  return std::nullopt;
}

http::CorsPolicy cors_policy(const Rules& rules) {
  return {.origins = rules.origins,
          .request_headers = {"Authorization", "Content-Type", "Idempotency-Key", std::string(client_header),
                              std::string(fingerprint_header)},
          .exposed_headers = {"Retry-After", "WWW-Authenticate", "X-Request-Id"}};
}

}  // namespace jeton::issuer
