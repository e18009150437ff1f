#include "issuer/acting.h"
#include "issuer/admin/admin.h"
#include "issuer/json_body.h"
#include "issuer/oauth/standing.h"
#include "platform/log.h"

#include <jeton/guard.h>

#include <string>
#include <utility>
#include <vector>

namespace jeton::issuer {
namespace {

http::Response answer_to(const Context& context, const http::Request& request, const Error& error,
                         std::string_view scope) {
  platform::log_info("management refused",
                     {{"reason", describe(error)}, {"path", request.path}, {"request", request.id}});
  const Answer answer = answer_for(error, ErrorStyle::reference, context.foundation.issuer, scope);
  http::Response response;
  response.status = answer.status;
  for (const auto& [name, value] : answer.headers) response.headers.set(name, value);
  response.body = answer.body;
  return response;
}

// The scope, or one that it is a part of.
bool is_granted(const VerifiedToken& token, std::string_view scope) {
  for (;;) {
    if (token.has_scope(scope)) return true;
    const std::size_t colon = scope.rfind(':');
    if (colon == std::string_view::npos || !scope.starts_with("admin")) return false;
    scope = scope.substr(0, colon);
  }
}

}  // namespace

boost::asio::awaitable<std::expected<Manager, http::Response>> manager_of(const Context& context,
                                                                          const http::Request& request,
                                                                          std::string_view scope) {
  const auto refuse = [&](const Error& error) { return std::unexpected(answer_to(context, request, error, scope)); };
  const std::vector<std::string_view> authorization = request.headers.all("authorization");
  const auto compact = extract_bearer({.query = request.query, .authorization = authorization});
  if (!compact.has_value()) co_return refuse(compact.error());
  const auto token =
      co_await context.own_tokens.verify(*compact, OwnTokens::Audience::issuer, context.clock.now_seconds());
  if (!token.has_value()) co_return refuse(token.error());
  // Users' tokens never have the issuer as audience; should one appear, it manages nothing.
  if (token->subject() != token->client_id() || !is_granted(*token, scope))
    co_return refuse(Error{Errc::insufficient_scope, "scope", std::string(scope)});
  const auto objection = co_await objection_to(context, *token);
  const auto client = co_await context.clients.find(std::string(token->client_id()));
  if (!objection.has_value() || !client.has_value()) co_return std::unexpected(store_unavailable());
  if (objection->has_value() || !*client) co_return refuse(Error{objection->value_or(Errc::revoked)});
  co_return Manager{.token = *token, .client = *client, .actor = acting_client(token->client_id(), request)};
}

}  // namespace jeton::issuer
