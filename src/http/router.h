// Router: which handler answers which method and path. Unknown path: 404; known path, other method: 405 with Allow;
// both as `{"error":"…"}`. HEAD is answered by the GET handler without its body.
#pragma once

#include "http/message.h"

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace jeton::http {

// The request outlives the coroutine. An exception that leaves it is logged and answered 500 `{"error":"Internal
// error"}`.
using Handler = std::function<boost::asio::awaitable<Response>(const Request&)>;

class Router {
 public:
  void add(Method method, std::string path, Handler handler);
  boost::asio::awaitable<Response> answer(const Request& request) const;

 private:
  struct Route {
    Method method;
    std::string path;
    Handler handler;
  };
  std::vector<Route> routes_;
};

}  // namespace jeton::http
