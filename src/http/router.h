// Router: which handler answers which method and path. Unknown path: 404; known path, other method: 405 with Allow;
// both as `{"error":"…"}`. HEAD is answered by the GET handler without its body.
//
// A path may hold parameters, whole segments in braces: "/api/auth/sessions/{sid}". Each takes one segment, never an
// empty one, and the handler finds it by its name in the request. A path without parameters goes before one with them.
#pragma once

#include "http/cors.h"
#include "http/inline_answer.h"
#include "http/message.h"

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jeton::http {

// The request outlives the coroutine. An exception that leaves it is logged and answered 500 `{"error":"Internal
// error"}`.
using Handler = std::function<boost::asio::awaitable<Response>(const Request&)>;

class Router {
 public:
  void add(Method method, std::string path, Handler handler);

  // Asked at each request, so that the policy may change. Without it no page of another origin is told anything.
  using CorsSource = std::function<std::shared_ptr<const CorsPolicy>()>;
  void use_cors(CorsSource source) { cors_ = std::move(source); }

  // Asked before all routes.
  void use_inline(InlineHandler handler) { inline_handler_ = std::move(handler); }
  const InlineHandler& inline_handler() const noexcept { return inline_handler_; }

  // Sets the request's parameters.
  boost::asio::awaitable<Response> answer(Request& request) const;

  // Every route, those with parameters last.
  std::vector<std::pair<Method, std::string>> routes() const;

 private:
  struct Route {
    Method method;
    std::string path;
    Handler handler;
  };
  // What the router has for a path.
  struct Match {
    const Route* route = nullptr;  // none: not for this method
    std::string methods;           // of all its routes, "GET, HEAD, POST"; empty: the path is unknown
  };
  Match match(Method method, std::string_view path) const;
  boost::asio::awaitable<Response> answer_by(const Match& found, Request& request) const;

  std::vector<Route> routes_;
  CorsSource cors_;
  InlineHandler inline_handler_;
};

}  // namespace jeton::http
