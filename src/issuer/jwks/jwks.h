// The issuer's public keys, for whoever verifies its tokens.
#pragma once

#include "http/message.h"
#include "issuer/context.h"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <string>
#include <string_view>

namespace jeton::issuer {

// GET /.well-known/jwks.json → {"keys":[…]} with Cache-Control: public, max-age and an ETag; 304 where If-None-Match
// has it. `no-cache` instead while the store cannot be asked: what others may keep must not be older than what the life
// cycle of keys counts with.
boost::asio::awaitable<http::Response> answer_jwks(const Context& context, const http::Request& request);

// True if the value of If-None-Match names `etag` (RFC 9110 section 13.1.2, weak comparison).
bool names_etag(std::string_view if_none_match, std::string_view etag) noexcept;

// "public, max-age=300, stale-while-revalidate=150". A new key signs only after twice max-age (design 4.4), so half of
// it may be spent on fetching anew (RFC 5861 section 3).
std::string cache_control(std::chrono::seconds max_age);

}  // namespace jeton::issuer
