// Cross-site request forgery: a browser sends the refresh cookie by itself, so every endpoint that reads or sets it
// asks first whose page the request comes from (design 4.8). Two questions, both of which a page of another site
// cannot answer, beside SameSite=Strict on the cookie itself:
//
//   Origin            among the configured ones, or Sec-Fetch-Site: same-origin. `null` is nobody's.
//   X-Jeton-Client    not empty. A form cannot send it, and a script elsewhere may only after a preflight.
#pragma once

#include "http/cors.h"
#include "http/message.h"
#include "issuer/rules.h"

#include <optional>
#include <string_view>

namespace jeton::issuer {

inline constexpr std::string_view client_header = "X-Jeton-Client";

// The refusal, 403, or nothing if the request may read or set the refresh cookie.
std::optional<http::Response> refuse_cross_site(const Rules& rules, const http::Request& request);

// What pages of the configured origins may send and read.
http::CorsPolicy cors_policy(const Rules& rules);

}  // namespace jeton::issuer
