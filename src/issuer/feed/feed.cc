#include "issuer/feed/feed.h"

#include "issuer/admin/admin.h"
#include "issuer/completion.h"
#include "issuer/feed/feed_hub.h"
#include "issuer/json_body.h"
#include "platform/log.h"

#include <jeton/guard.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <utility>

namespace jeton::issuer {
namespace {

using std::chrono::steady_clock;

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

FeedHolder holder_of(const VerifiedToken& token) {
  return {.client_id = std::string(token.client_id()),
          .token_id = std::string(token.token_id()),
          .key_id = std::string(token.key_id()),
          .version = token.get<std::int64_t>("ver").value_or(0)};
}

// Of the store itself, and of now: the directory of clients may be a second old.
boost::asio::awaitable<store::Result<bool>> still_stands(const Context& context, const FeedHolder& holder) {
  const auto client = co_await completed<std::optional<store::Client>>(
      [&](auto done) { context.store.clients().find_client(holder.client_id, std::move(done)); });
  if (!client.has_value()) co_return std::unexpected(client.error());
  if (!client->has_value() || (*client)->disabled || holder.version < (*client)->version) co_return false;
  const auto revoked = co_await completed<bool>(
      [&](auto done) { context.store.revocations().find_revoked_token(holder.token_id, std::move(done)); });
  if (!revoked.has_value()) co_return std::unexpected(revoked.error());
  co_return !*revoked;
}

http::Response as_response(const Answer& answer) {
  http::Response response;
  response.status = answer.status;
  for (const auto& [name, value] : answer.headers) response.headers.set(name, value);
  response.headers.set("Cache-Control", "no-store");
  response.body = answer.body;
  return response;
}

}  // namespace

boost::asio::awaitable<http::Response> answer_feed(const Context& context, const http::Request& request) {
  const auto service = co_await manager_of(context, request, feed_scope);
  if (!service.has_value()) co_return service.error();
  const VerifiedToken& token = service->token;
  const auto left = token.expires_at() - context.clock.now_seconds();
  auto subscriber = context.feed.subscribe(standing_of(request), holder_of(token), steady_clock::now() + left);
  if (!subscriber) co_return try_again_later(503, "Too many verifiers");
  // From here on the hub ends the stream with its token; what was revoked before is in the store.
  const auto stands = co_await still_stands(context, subscriber->holder());
  if (!stands.has_value()) co_return store_unavailable();
  if (!*stands)
    co_return as_response(answer_for(Error{.code = Errc::revoked}, ErrorStyle::reference, context.foundation.issuer));
  platform::log_info("a verifier follows the feed",
                     {{"client", token.client_id()}, {"address", request.peer_address}, {"request", request.id}});
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
