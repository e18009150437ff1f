// The issuer's public keys, for whoever verifies its tokens.
#pragma once

#include "http/message.h"
#include "issuer/context.h"

#include <boost/asio/awaitable.hpp>

#include <string_view>

namespace jeton::issuer {

// GET /.well-known/jwks.json → {"keys":[…]} with Cache-Control: public, max-age and an ETag; 304 where If-None-Match
// has it.
boost::asio::awaitable<http::Response> answer_jwks(const Context& context, const http::Request& request);

// True if the value of If-None-Match names `etag` (RFC 9110 section 13.1.2, weak comparison).
bool names_etag(std::string_view if_none_match, std::string_view etag) noexcept;

}  // namespace jeton::issuer
