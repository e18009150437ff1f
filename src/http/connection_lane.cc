// The lane of inline answers: from one arrival of bytes to the next without a coroutine, which would cost as much again
// as reading the request.
#include "http/connection.h"

#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <utility>

namespace jeton::http {

namespace asio = boost::asio;

// Reads again and again, until what has come is more than inline answers and one write; then the coroutine goes on.
// It names no executor, so that the socket calls it as it is.
template <class Handler>
struct Connection::Lane {
  Connection& connection;
  Handler resume;

  void read() {
    LoopSocket& socket = connection.transport_.socket();
    const auto into = asio::buffer(connection.chunk_);
    socket.async_read_some(into, std::move(*this));
  }
  void operator()(const boost::system::error_code& error, std::size_t size) {
    if (connection.goes_on(error, size))
      read();
    else
      std::move(resume)();
  }
};

asio::awaitable<void> Connection::ride() {
  const auto begin = [this](auto handler) { Lane<decltype(handler)>{*this, std::move(handler)}.read(); };
  rest_after();
  co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(begin, asio::use_awaitable);
}

bool Connection::goes_on(const boost::system::error_code& error, std::size_t size) {
  if (error) {
    // Woken to stop: a request that has already arrived is still answered.
    boost::system::error_code unknown;
    const bool has_arrived =
        std::exchange(wake_to_stop_, false) && !timed_out_ && transport_.socket().available(unknown) > 0 && !unknown;
    lost_ = !has_arrived;
    return has_arrived;
  }
  input_.append(chunk_.data(), size);
  step_ = take_at_once();
  unsent_ = send_at_once();
  if (step_ != AtOnce::all || !unsent_.empty() || neighbours_.stopping) return false;
  rest_after();
  return true;
}

// The connection is at rest, and waits for its next request.
void Connection::rest_after() noexcept {
  if (input_.capacity() > idle_input_bytes_max) std::string().swap(input_);
  phase_ = Phase::idle;
  timed_out_ = false;
  deadline_ = neighbours_.swept_at + neighbours_.options.idle_time_max + sweep_interval;
}

}  // namespace jeton::http
