// Whether this process serves, and what it has done.
#pragma once

#include "http/message.h"
#include "issuer/context.h"

#include <boost/asio/awaitable.hpp>

namespace jeton::issuer {

// GET /healthz → 200 {"status":"ok"} if the store answers, else 503 {"status":"unavailable"}.
boost::asio::awaitable<http::Response> answer_health(const Context& context, const http::Request& request);

// GET /metrics → Prometheus' text format; 404 where it is switched off.
boost::asio::awaitable<http::Response> answer_metrics(const Context& context, const http::Request& request);

}  // namespace jeton::issuer
