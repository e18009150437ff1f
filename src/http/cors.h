// Cors: which pages of other origins may call, and read what is answered (Fetch standard, "CORS protocol").
//
// An origin is allowed by its whole text, never by a part of it or a pattern, and where requests carry cookies `*` is
// none. A preflight is answered from this alone, before a handler or a token is looked at; it
// carries neither. What is a preflight: OPTIONS with one Origin and one Access-Control-Request-Method. Anything else
// with OPTIONS goes to the router like any other request.
#pragma once

#include "http/message.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jeton::http {

struct CorsPolicy {
  std::vector<std::string> origins{};          // "https://app.example.com": scheme, host, port if not the scheme's own
  std::vector<std::string> request_headers{};  // that pages may send beside the always allowed ones
  std::vector<std::string> exposed_headers{};  // that pages may read beside the always readable ones
  std::chrono::seconds max_age{600};           // how long a browser may keep the answer to a preflight
  bool credentials = true;                     // requests may carry cookies
  bool any_origin = false;                     // "*"; never together with credentials

  bool allows(std::string_view origin) const {
    if (any_origin && !credentials) return !origin.empty();
    return std::ranges::find(origins, origin) != origins.end();
  }
};

using CorsFields = std::vector<std::pair<std::string, std::string>>;

// The fields that an answer to a request from that origin gets: that the page's browser may let it be read, if it may;
// and in any case that the answer depends on Origin (Vary, to be added to what an answer says itself). An empty origin:
// the request names none.
CorsFields cors_fields(const CorsPolicy& policy, std::string_view origin);
// Those of the answer to a preflight from an allowed origin; `methods`: that it may use, "GET, HEAD, POST".
CorsFields preflight_fields(const CorsPolicy& policy, std::string_view origin, std::string_view methods);

// Why a text cannot be an origin as browsers send it, or an empty text: http or https, a host in lower case, nothing
// after the port, no port that the scheme has by itself.
std::string objection_to_origin(std::string_view text);

// The one Origin of a request; empty if there is none, or more than one.
std::string_view origin_of(const Request& request);

bool is_preflight(const Request& request);

// `methods`: those the path has, "GET, HEAD, POST". 204, or 403 for an origin that is not allowed.
Response answer_preflight(const CorsPolicy& policy, const Request& request, std::string_view methods);

// Tells the page's browser that it may read the answer, if it may; says that the answer depends on Origin in any case.
void add_cors_headers(const CorsPolicy& policy, const Request& request, Response& response);

}  // namespace jeton::http
