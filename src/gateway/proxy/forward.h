// What the proxy is told of a request: where it goes and how it is changed, or how it is answered.
#pragma once

#include "http/cors.h"
#include "http/message.h"
#include "http/request_head.h"

#include <jeton/policy.h>
#include <jeton/verified_token.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace jeton::http {
class Upstream;
}

namespace jeton::gateway {

// By what an exchange that lasts goes on; it is asked about again and again (ProxyParts::objection).
struct Permit {
  VerifiedToken token;
  Routes routes;  // keeps the route
  const Route* route;
};

struct Forward {
  std::shared_ptr<http::Upstream> upstream;
  std::string path;  // canonical, the one that was decided on; the query follows as it was received
  // Removed from the request, with their twins, before `set` is added: every header that the policy could pass on,
  // whether or not it does so now, since the upstream believes them.
  std::vector<std::string> remove{};
  std::vector<std::pair<std::string, std::string>> set{};
  bool passes_authorization = true;
  bool passes_refresh_cookies = false;  // jeton_refresh and __Host-jeton_refresh: for the issuer alone
  std::vector<std::pair<std::string, std::string>> answer{};  // fields set in the answer, in place of the upstream's
  // Of a route with a rule for pages of other origins: added to every answer, in place of all Access-Control-* fields
  // of the upstream's.
  std::optional<http::CorsFields> cors{};
  std::optional<Permit> permit{};  // none: it ends by itself alone
  std::shared_ptr<void> held{};    // let go when the exchange has ended: what counts requests under way
};

using ProxyDecision = std::variant<http::Response, Forward>;

// What a request is known by on its way.
struct Trace {
  std::string request_id;   // the client's X-Request-Id if it is of [A-Za-z0-9._-], 1 to 128 characters; else made
  std::string traceparent;  // the client's if it is well-formed (W3C Trace Context); else made
  bool has_parent = false;  // it is the client's, so its tracestate counts too
};

}  // namespace jeton::gateway
