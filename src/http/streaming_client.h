// StreamingClient: HTTP requests on the caller's event loop whose answers come piece by piece, or whole; for background
// work: keys, tokens, a feed that never ends.
//
// The rules are those of fetch (http/client.h): https with the certificate verified, plain http with this machine
// alone, no redirect followed, one connection for each request.
// Threads: one event loop. A suspended call ends with its coroutine; nothing outlives the io_context.
#pragma once

#include "http/client.h"
#include "http/message.h"
#include "platform/fault.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace jeton::http {

class StreamedAnswer {
 public:
  virtual ~StreamedAnswer() = default;
  int status = 0;
  Headers headers;
  // The next piece of the body; empty at its end. A Fault: nothing came for `silence_max`, or the connection broke.
  virtual boost::asio::awaitable<platform::Outcome<std::string>> next(std::chrono::milliseconds silence_max) = 0;
};

// Where a request may go once its name is resolved. An address that somebody else has named is not to lead into this
// network: loopback, private, link-local and reserved addresses are none that it may have.
enum class Reach : std::uint8_t { anywhere, public_addresses };

class StreamingClient {
 public:
  // `ca_file`: PEM with further authorities; empty: the system's only. Read at the first https request.
  StreamingClient(boost::asio::any_io_executor executor, std::string ca_file);
  ~StreamingClient();
  StreamingClient(const StreamingClient&) = delete;
  StreamingClient& operator=(const StreamingClient&) = delete;

  // Sends the request and reads the head of its answer; both within request.time_max. body_bytes_max and ca_file of
  // the request are not looked at.
  boost::asio::awaitable<platform::Outcome<std::unique_ptr<StreamedAnswer>>> open(FetchRequest request,
                                                                                  Reach reach = Reach::anywhere);
  // The whole answer, within request.time_max and request.body_bytes_max.
  boost::asio::awaitable<platform::Outcome<Response>> fetch(FetchRequest request, Reach reach = Reach::anywhere);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace jeton::http
