#include "issuer/feed/feed.h"

#include "issuer/feed/feed_hub.h"
#include "issuer/json_body.h"
#include "platform/log.h"

#include <jeton/guard.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <expected>
#include <string>
#include <utility>
#include <vector>

namespace jeton::issuer {
namespace {

using std::chrono::steady_clock;

http::Response as_response(const Answer& answer) {
  http::Response response;
  response.status = answer.status;
  for (const auto& [name, value] : answer.headers) response.headers.set(name, value);
  response.headers.set("Cache-Control", "no-store");
  response.body = answer.body;
  return response;
}

// A token that a service was given for itself: no session of a user's stands behind it.
std::expected<VerifiedToken, http::Response> service_of(const Context& context, const http::Request& request) {
  const std::vector<std::string_view> authorization = request.headers.all("authorization");
  const RequestFacts facts{.query = request.query, .authorization = authorization};
  const Decision decision = context.keyring.current()->guard.decide(facts, context.clock.now_seconds());
  if (const Refused* refused = decision.refused()) {
    platform::log_debug("access token refused", {{"reason", describe(refused->error)}, {"request", request.id}});
    return std::unexpected(as_response(refused->answer));
  }
  const VerifiedToken& token = *decision.token();
  const bool is_service = token.session_id().empty() && token.subject() == token.client_id();
  if (!is_service || !token.has_scope(feed_scope)) {
    return std::unexpected(as_response(answer_for(Error{.code = Errc::insufficient_scope}, ErrorStyle::reference,
                                                  context.foundation.audience, feed_scope)));
  }
  return token;
}

// The value of one parameter whose characters need no escape; empty if it is not there.
std::string_view parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const auto one = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(one.size() + 1, query.size()));
    const auto equals = one.find('=');
    if (equals != std::string_view::npos && one.substr(0, equals) == name) return one.substr(equals + 1);
  }
  return {};
}

FeedHub::Standing standing_of(const http::Request& request) {
  FeedHub::Standing standing;
  std::string_view place = parameter(request.query, "from");
  if (const std::string* last = request.headers.find("last-event-id")) place = *last;
  standing.place = feed::parse_place(place);  // one that cannot be read is as good as none: a snapshot
  if (const std::string* head = request.headers.find("jeton-feed-head")) standing.signed_head = *head;
  return standing;
}

}  // namespace

boost::asio::awaitable<http::Response> answer_feed(const Context& context, const http::Request& request) {
  const auto token = service_of(context, request);
  if (!token.has_value()) co_return token.error();
  const auto client = co_await context.clients.find(std::string(token->client_id()));
  if (!client.has_value()) {
    context.metrics.store_faults.add();
    co_return store_unavailable();
  }
  const auto version = token->get<std::int64_t>("ver");
  if (*client == nullptr || (*client)->row.disabled || !version.has_value() || *version < (*client)->row.version) {
    co_return as_response(answer_for(Error{.code = Errc::revoked}, ErrorStyle::reference, context.foundation.audience));
  }
  const auto left = token->expires_at() - context.clock.now_seconds();
  auto subscriber = context.feed.subscribe(standing_of(request), steady_clock::now() + left);
  if (!subscriber) co_return try_again_later(503, "Too many verifiers");
  platform::log_info("a verifier follows the feed",
                     {{"client", token->client_id()}, {"address", request.peer_address}, {"request", request.id}});
  http::Response response;
  response.headers.set("Content-Type", "text/event-stream");
  response.headers.set("Cache-Control", "no-store");
  response.headers.set("X-Accel-Buffering", "no");  // a proxy in front must not collect it
  response.headers.set("X-Content-Type-Options", "nosniff");
  response.stream = std::move(subscriber);
  co_return response;
}

boost::asio::awaitable<http::Response> answer_feed_keys(const Context& context, const http::Request&) {
  http::Response response = http::json_response(200, context.feed.pinned().to_jwks());
  response.headers.set("Cache-Control", "public, max-age=300");
  co_return response;
}

}  // namespace jeton::issuer
