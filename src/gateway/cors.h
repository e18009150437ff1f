// Cors: which pages of other origins a browser lets read what stands behind a route (Fetch standard, "CORS protocol").
//
// A route that names origins has its preflights answered here, without a token, and nothing of them goes to its
// upstream; its refusals can be read by pages of these origins, challenge and all; and of its upstream's answers the
// fields of CORS are replaced. For a route that names none OPTIONS is a method like any other, and goes by the rules.
// What is a preflight: OPTIONS with one Origin and one Access-Control-Request-Method, for which there is a route with
// such a rule.
//
// It protects the readers of pages, not the endpoint: whoever is no browser says what Origin he likes.
#pragma once

#include "http/cors.h"

#include <jeton/guard.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jeton::gateway {

// In the order of Routes::all(); null: the route has no such rule.
using RouteCors = std::vector<std::shared_ptr<const http::CorsPolicy>>;

// What pages may read beside the always readable fields, and send beside the always allowed ones, without being named.
inline constexpr std::string_view cors_exposed[] = {"WWW-Authenticate", "Retry-After", "RateLimit", "RateLimit-Policy",
                                                    "X-Request-Id"};
inline constexpr std::string_view cors_sent[] = {"Authorization", "Content-Type"};

// What a request says to it. A field that comes more than once says nothing.
class CorsQuestion {
 public:
  // Of every field of the request.
  void see(std::string_view name, std::string_view value) noexcept;
  std::string_view origin() const noexcept { return origins_ == 1 ? origin_ : std::string_view(); }
  std::string_view requested_method() const noexcept { return methods_ == 1 ? method_ : std::string_view(); }

 private:
  std::string_view origin_{}, method_{};
  int origins_ = 0, methods_ = 0;
};

// Null: none. `route` is one of the Routes' own, or null.
const http::CorsPolicy* cors_of(const Routes& routes, const RouteCors& cors, const Route* route) noexcept;

struct Preflight {
  const Route* route;
  const http::CorsPolicy* policy;
  bool is_allowed;      // else the origin is none of the route's
  std::string methods;  // of the route
};
// Nothing: it is none, or for no route with such a rule.
std::optional<Preflight> preflight_of(const Routes& routes, const RouteCors& cors, const RequestFacts& facts,
                                      const CorsQuestion& question);

}  // namespace jeton::gateway
