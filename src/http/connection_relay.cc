// The parts of Connection that a proxy's listener needs: a request handed over with its body unread, and TLS.
#include "http/connection.h"
#include "http/response_writer.h"
#include "platform/log.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>

namespace jeton::http {
namespace {

namespace asio = boost::asio;
constexpr auto awaited = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds tls_end_time_max{1'000};

void log_escape(const Request& request, std::string_view what) {
  platform::log_error("stream handler failed", {{"request", request.id}, {"path", request.path}, {"what", what}});
}

}  // namespace

asio::awaitable<void> Connection::serve_stream(StreamExchange& exchange) {
  try {
    co_await neighbours_.streams->serve(exchange);
    co_return;
  } catch (const std::exception& error) {
    log_escape(exchange.request(), error.what());
  } catch (...) {
    log_escape(exchange.request(), "not a std::exception");
  }
  if (!exchange.answer_begun()) co_await exchange.answer(error_response(500, "Internal error"));
}

asio::awaitable<bool> Connection::relay(const RequestHead& head) {
  const StreamLimits& limits = neighbours_.options.stream;
  phase_ = Phase::relaying;
  deadline_ = Deadline::max();
  StreamExchange exchange(transport_, input_, head, limits, neighbours_.stopping);
  exchange_ = &exchange;
  if (head.framing == BodyFraming::counted && head.body_bytes > limits.body_bytes_max)
    co_await exchange.answer(error_response(413, "The body is too large"));
  else if (const auto arrived = exchange.decode_arrived(); !arrived)
    co_await exchange.answer(error_response(arrived.error().status, arrived.error().error));
  else
    co_await serve_stream(exchange);
  exchange_ = nullptr;
  Response told;
  told.status = exchange.status();
  report(head.request, told);
  if (exchange.stays_open()) co_return true;
  if (!exchange.answered()) {
    if (exchange.answer_begun()) exchange.abort();  // a close could pass for the answer's end
  } else if (!exchange.is_tunnel() && (!exchange.body_ended() || !input_.empty())) {
    co_await linger();
  }
  co_return false;
}

asio::awaitable<bool> Connection::begin_tls(TlsContext context) {
  transport_.use_tls(std::move(context));
  begin(Phase::fresh, neighbours_.options.header_time_max);
  const auto [error] = co_await transport_.tls().async_handshake(asio::ssl::stream_base::server, awaited);
  if (!error) co_return true;
  close();
  co_return false;
}

// The peer is told that this is the end, so that it need not take it for a cut.
asio::awaitable<void> Connection::end_tls() {
  if (!transport_.socket().is_open()) co_return;
  begin(Phase::lingering, tls_end_time_max);
  co_await transport_.tls().async_shutdown(awaited);
}

}  // namespace jeton::http
