#include "issuer/completion.h"
#include "issuer/json_body.h"
#include "issuer/sessions/sessions.h"
#include "platform/log.h"

#include <utility>

namespace jeton::issuer {

boost::asio::awaitable<http::Response> answer_logout(const Context& context, const http::Request& request) {
  auto body = read_json_object(request);
  if (!body.has_value()) co_return std::move(body.error());
  const auto presented = presented_refresh_token(context, *body, request);
  if (!presented.has_value()) co_return no_refresh_token(context, *body);
  const auto ended = co_await completed<bool>([&](auto done) {
    context.store.sessions().end_session(oauth::sid_of(presented->handle), store::EndReason::logout, std::move(done));
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
  co_return response;
}

}  // namespace jeton::issuer
