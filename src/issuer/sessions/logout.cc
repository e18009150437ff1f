#include "issuer/completion.h"
#include "issuer/json_body.h"
#include "issuer/sessions/sessions.h"
#include "platform/log.h"

#include <utility>

namespace jeton::issuer {

boost::asio::awaitable<http::Response> answer_logout(const Context& context, const http::Request& request) {
  const auto presented = presented_refresh_token(context, request);
  if (!presented.has_value()) co_return presented.error();
  const auto forget_cookie = [&](http::Response response) {
    if (presented->delivery == store::Delivery::cookie)
      response.headers.set("Set-Cookie", context.refresh_cookie.clear());
    return response;
  };
  if (!presented->token.has_value()) co_return forget_cookie(no_refresh_token(context, *presented));
  const auto ended = co_await completed<bool>([&](auto done) {
    context.store.sessions().end_session(oauth::sid_of(presented->token->handle), store::EndReason::logout,
                                         std::move(done));
  });
  if (!ended.has_value()) {
    context.metrics.store_faults.add();
    platform::log_error("logout failed", {{"reason", ended.error().message}});
    co_return store_unavailable();
  }
  if (*ended) context.metrics.logouts.add();
  http::Response response;
  response.status = 204;
  response.headers.set("Cache-Control", "no-store");
  co_return forget_cookie(std::move(response));
}

}  // namespace jeton::issuer
