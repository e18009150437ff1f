// Cors: which pages of other origins may call, and read what is answered (Fetch standard, "CORS protocol").
//
// An origin is allowed by its whole text, never by a part of it or a pattern, and `*` is no origin: answers are given
// to requests with cookies. A preflight is answered from this alone, before a handler or a token is looked at; it
// carries neither. What is a preflight: OPTIONS with one Origin and one Access-Control-Request-Method. Anything else
// with OPTIONS goes to the router like any other request.
#pragma once

#include "http/message.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace jeton::http {

struct CorsPolicy {
  std::vector<std::string> origins{};          // "https://app.example.com": scheme, host, port if not the scheme's own
  std::vector<std::string> request_headers{};  // that pages may send beside the always allowed ones
  std::vector<std::string> exposed_headers{};  // that pages may read beside the always readable ones
  std::chrono::seconds max_age{600};           // how long a browser may keep the answer to a preflight

  bool allows(std::string_view origin) const { return std::ranges::find(origins, origin) != origins.end(); }
};

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
