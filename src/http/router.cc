#include "http/router.h"

#include "platform/log.h"

#include <algorithm>
#include <exception>
#include <utility>

namespace jeton::http {
namespace {

void log_escape(const Request& request, std::string_view what) {
  platform::log_error(
      "handler failed",
      {{"request", request.id}, {"method", name_of(request.method)}, {"path", request.path}, {"what", what}});
}

bool has_parameters(std::string_view pattern) noexcept { return pattern.find('{') != std::string_view::npos; }

// Calls `take(name, value)` for each parameter; false if the path is not of this pattern.
template <class Take>
bool walk(std::string_view pattern, std::string_view path, Take take) {
  while (!pattern.empty() && !path.empty()) {
    const std::size_t pattern_end = std::min(pattern.find('/', 1), pattern.size());
    const std::size_t path_end = std::min(path.find('/', 1), path.size());
    const std::string_view wanted = pattern.substr(0, pattern_end);
    const std::string_view segment = path.substr(0, path_end);
    if (wanted.starts_with("/{") && wanted.ends_with('}')) {
      if (segment.size() < 2) return false;
      take(wanted.substr(2, wanted.size() - 3), segment.substr(1));
    } else if (wanted != segment) {
      return false;
    }
    pattern.remove_prefix(pattern_end);
    path.remove_prefix(path_end);
  }
  return pattern.empty() && path.empty();
}

bool fits(std::string_view pattern, std::string_view path) {
  if (!has_parameters(pattern)) return pattern == path;
  return walk(pattern, path, [](std::string_view, std::string_view) {});
}

void add_method(std::string& list, Method method) {
  const std::string_view name = name_of(method);
  if (!list.empty()) list += ", ";
  list += name;
}

}  // namespace

void Router::add(Method method, std::string path, Handler handler) {
  Route route{method, std::move(path), std::move(handler)};
  // Those with parameters stand behind the others.
  const auto place = has_parameters(route.path)
                         ? routes_.end()
                         : std::ranges::find_if(routes_, [](const Route& one) { return has_parameters(one.path); });
  routes_.insert(place, std::move(route));
}

Router::Match Router::match(Method method, std::string_view path) const {
  Match found;
  std::string_view pattern;  // the first that fits; others that would fit too are hidden by it
  for (const Route& route : routes_) {
    if (!pattern.empty() ? route.path != pattern : !fits(route.path, path)) continue;
    pattern = route.path;
    const bool is_it = route.method == method || (route.method == Method::get && method == Method::head);
    if (is_it && found.route == nullptr) found.route = &route;
    add_method(found.methods, route.method);
    if (route.method == Method::get) add_method(found.methods, Method::head);
  }
  return found;
}

boost::asio::awaitable<Response> Router::answer_by(const Match& found, Request& request) const {
  if (found.methods.empty()) co_return json_response(404, R"({"error":"Not found"})");
  if (found.route == nullptr) {
    Response refusal = json_response(405, R"({"error":"Method not allowed"})");
    refusal.headers.add("Allow", found.methods);
    co_return refusal;
  }
  walk(found.route->path, request.path,
       [&](std::string_view name, std::string_view value) { request.parameters.emplace_back(name, value); });
  try {
    co_return co_await found.route->handler(request);
  } catch (const std::exception& error) {
    log_escape(request, error.what());
  } catch (...) {
    log_escape(request, "not a std::exception");
  }
  co_return json_response(500, R"({"error":"Internal error"})");
}

boost::asio::awaitable<Response> Router::answer(Request& request) const {
  const Match found = match(request.method, request.path);
  const std::shared_ptr<const CorsPolicy> cors = cors_ ? cors_() : nullptr;
  if (cors != nullptr && is_preflight(request)) co_return answer_preflight(*cors, request, found.methods);
  Response response = co_await answer_by(found, request);
  if (cors != nullptr && !cors->origins.empty()) add_cors_headers(*cors, request, response);
  co_return response;
}

std::vector<std::pair<Method, std::string>> Router::routes() const {
  std::vector<std::pair<Method, std::string>> all;
  for (const Route& route : routes_) all.emplace_back(route.method, route.path);
  return all;
}

}  // namespace jeton::http
