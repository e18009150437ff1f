// The endpoints of the revocation feed.
//
//   GET /api/feed                           Server-Sent Events, for services whose token has the scope feed:read
//   GET /.well-known/jeton-feed-keys.json   the feed key, as a JWK Set: to compare with what was pinned, not to trust
//
// A verifier that has been here before says where it is by Last-Event-ID (or ?from=) and shows its last signed head in
// Jeton-Feed-Head. The stream ends when the token does: come again with a fresh one, and go on from there.
#pragma once

#include "http/message.h"
#include "issuer/context.h"

#include <boost/asio/awaitable.hpp>

#include <string_view>

namespace jeton::issuer {

inline constexpr std::string_view feed_scope = "feed:read";

boost::asio::awaitable<http::Response> answer_feed(const Context& context, const http::Request& request);
boost::asio::awaitable<http::Response> answer_feed_keys(const Context& context, const http::Request& request);

}  // namespace jeton::issuer
