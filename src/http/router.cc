#include "http/router.h"

#include "platform/log.h"

#include <exception>
#include <utility>

namespace jeton::http {
namespace {

void log_escape(const Request& request, std::string_view what) {
  platform::log_error(
      "handler failed",
      {{"request", request.id}, {"method", name_of(request.method)}, {"path", request.path}, {"what", what}});
}

}  // namespace

void Router::add(Method method, std::string path, Handler handler) {
  routes_.push_back({method, std::move(path), std::move(handler)});
}

boost::asio::awaitable<Response> Router::answer(const Request& request) const {
  const Handler* handler = nullptr;
  std::string allowed;
  const auto allow = [&](Method method) {
    if (!allowed.empty()) allowed += ", ";
    allowed += name_of(method);
  };
  for (const Route& route : routes_) {
    if (route.path != request.path) continue;
    const bool fits = route.method == request.method || (route.method == Method::get && request.method == Method::head);
    if (fits) {
      handler = &route.handler;
      break;
    }
    allow(route.method);
    if (route.method == Method::get) allow(Method::head);
  }
  if (handler == nullptr) {
    if (allowed.empty()) co_return json_response(404, R"({"error":"Not found"})");
    Response refusal = json_response(405, R"({"error":"Method not allowed"})");
    refusal.headers.add("Allow", std::move(allowed));
    co_return refusal;
  }
  try {
    co_return co_await (*handler)(request);
  } catch (const std::exception& error) {
    log_escape(request, error.what());
  } catch (...) {
    log_escape(request, "not a std::exception");
  }
  co_return json_response(500, R"({"error":"Internal error"})");
}

}  // namespace jeton::http
