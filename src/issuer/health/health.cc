#include "issuer/health/health.h"

#include "issuer/completion.h"
#include "issuer/json_body.h"
#include "platform/log.h"

namespace jeton::issuer {

boost::asio::awaitable<http::Response> answer_health(const Context& context, const http::Request&) {
  const auto checked = co_await completed<bool>([&](auto done) { context.store.check(std::move(done)); });
  if (checked.has_value() && *checked) co_return http::json_response(200, R"({"status":"ok"})");
  platform::log_warning("unhealthy", {{"reason", checked.has_value() ? std::string("the store failed its check")
                                                                     : checked.error().message}});
  co_return http::json_response(503, R"({"status":"unavailable"})");
}

boost::asio::awaitable<http::Response> answer_metrics(const Context& context, const http::Request&) {
  if (!context.rules.get()->metrics_open) co_return refusal(404, "Not found");
  http::Response response;
  response.headers.set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  response.headers.set("Cache-Control", "no-store");
  response.body = context.metrics.text();
  co_return response;
}

}  // namespace jeton::issuer
