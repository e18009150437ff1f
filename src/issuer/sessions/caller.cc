#include "issuer/sessions/caller.h"

#include "issuer/completion.h"
#include "issuer/json_body.h"
#include "jose/base64url.h"
#include "platform/log.h"

#include <jeton/guard.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jeton::issuer {
namespace {

http::Response as_response(const Answer& answer) {
  http::Response response;
  response.status = answer.status;
  for (const auto& [name, value] : answer.headers) response.headers.set(name, value);
  response.headers.set("Cache-Control", "no-store");
  response.body = answer.body;
  return response;
}

Decision decide(const Context& context, const http::Request& request) {
  const std::vector<std::string_view> authorization = request.headers.all("authorization");
  const RequestFacts facts{.query = request.query, .authorization = authorization};
  return context.keyring.current()->guard.decide(facts, context.clock.now_seconds());
}

http::Response cannot_say(const Context& context, std::string_view reason) {
  context.metrics.store_faults.add();
  platform::log_error("access token not checked", {{"reason", reason}});
  return store_unavailable();
}

}  // namespace

std::optional<store::Sid> session_named_by(const VerifiedToken& token) {
  store::Sid sid{};
  const std::string_view text = token.session_id();
  if (text.size() != jose::base64url::encoded_size(sid.size()) || !jose::base64url::decode(text, sid.data()))
    return std::nullopt;
  return sid;
}

std::optional<Errc> objection_to_user_token(const VerifiedToken& token, const std::optional<store::Session>& session,
                                            const std::optional<store::User>& user, store::StoreTime now) {
  if (!session.has_value() || !user.has_value()) return Errc::revoked;
  if (session->ended_at.has_value() || now >= session->absolute_expires_at || now >= session->idle_expires_at)
    return Errc::revoked;
  if (session->sub != token.subject() || user->disabled || session->security_epoch != user->security_epoch)
    return Errc::revoked;
  const auto generation = token.get<std::int64_t>("gen");
  if (!generation.has_value() || *generation < session->least_generation) return Errc::stale_claims;
  const auto version = token.get<std::int64_t>("ver");
  if (!version.has_value() || *version < user->version) return Errc::stale_claims;
  return std::nullopt;
}

http::Response refused_token(const Context& context, Errc code) {
  return as_response(answer_for(Error{.code = code}, ErrorStyle::reference, context.foundation.audience));
}

boost::asio::awaitable<std::expected<Caller, http::Response>> caller_of(const Context& context,
                                                                        const http::Request& request) {
  Decision decision = decide(context, request);
  const auto is_key_unknown = [](Errc code) { return code == Errc::unknown_key || code == Errc::verifier_unavailable; };
  if (decision.refused() != nullptr && is_key_unknown(decision.refused()->error.code)) {
    co_await context.keyring.freshen();  // another process may have made a key
    decision = decide(context, request);
  }
  if (const Refused* refused = decision.refused()) {
    platform::log_debug("access token refused", {{"reason", describe(refused->error)}, {"request", request.id}});
    co_return std::unexpected(as_response(refused->answer));
  }
  const VerifiedToken token = *decision.token();
  const auto sid = session_named_by(token);
  if (!sid.has_value()) co_return std::unexpected(refused_token(context, Errc::revoked));
  const auto revoked = co_await completed<bool>([&](auto done) {
    context.store.revocations().find_revoked_token(std::string(token.token_id()), std::move(done));
  });
  if (!revoked.has_value()) co_return std::unexpected(cannot_say(context, revoked.error().message));
  if (*revoked) co_return std::unexpected(refused_token(context, Errc::revoked));

  auto session = co_await completed<std::optional<store::Session>>(
      [&](auto done) { context.store.sessions().find_session(*sid, std::move(done)); });
  if (!session.has_value()) co_return std::unexpected(cannot_say(context, session.error().message));
  auto user = co_await completed<std::optional<store::User>>(
      [&](auto done) { context.store.users().find_by_sub(std::string(token.subject()), std::move(done)); });
  if (!user.has_value()) co_return std::unexpected(cannot_say(context, user.error().message));
  if (const auto code = objection_to_user_token(token, *session, *user, context.clock.now()))
    co_return std::unexpected(refused_token(context, *code));
  co_return Caller{.token = token, .session = **std::move(session), .user = **std::move(user)};
}

}  // namespace jeton::issuer
