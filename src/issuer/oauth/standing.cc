#include "issuer/oauth/standing.h"

#include "issuer/completion.h"
#include "issuer/sessions/caller.h"

#include <cstdint>
#include <string>

namespace jeton::issuer {
namespace {

using Objection = std::optional<Errc>;

boost::asio::awaitable<store::Result<Objection>> objection_to_client(const Context& context,
                                                                     const VerifiedToken& token) {
  const auto client = co_await context.clients.find(std::string(token.client_id()));
  if (!client.has_value()) co_return std::unexpected(client.error());
  if (!*client || (*client)->row.disabled) co_return Errc::revoked;
  const auto version = token.get<std::int64_t>("ver");
  if (!version.has_value() || *version < (*client)->row.version) co_return Errc::revoked;
  co_return std::nullopt;
}

boost::asio::awaitable<store::Result<Objection>> objection_to_session(const Context& context,
                                                                      const VerifiedToken& token) {
  const auto sid = session_named_by(token);
  if (!sid.has_value()) co_return Errc::revoked;
  const auto session = co_await completed<std::optional<store::Session>>(
      [&](auto done) { context.store.sessions().find_session(*sid, std::move(done)); });
  if (!session.has_value()) co_return std::unexpected(session.error());
  const auto user = co_await completed<std::optional<store::User>>(
      [&](auto done) { context.store.users().find_by_sub(std::string(token.subject()), std::move(done)); });
  if (!user.has_value()) co_return std::unexpected(user.error());
  co_return objection_to_user_token(token, *session, *user, context.clock.now());
}

}  // namespace

boost::asio::awaitable<store::Result<Objection>> objection_to(const Context& context, const VerifiedToken& token) {
  const auto revoked = co_await completed<bool>([&](auto done) {
    context.store.revocations().find_revoked_token(std::string(token.token_id()), std::move(done));
  });
  if (!revoked.has_value()) co_return std::unexpected(revoked.error());
  if (*revoked) co_return Errc::revoked;
  if (token.subject() == token.client_id()) co_return co_await objection_to_client(context, token);
  co_return co_await objection_to_session(context, token);
}

}  // namespace jeton::issuer
