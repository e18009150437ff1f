// BodyStream: the body of an answer that comes piece by piece, for as long as both sides like: Server-Sent Events.
//
// The connection takes one piece after another and writes it as a chunk (RFC 9112 section 7.1; to HTTP/1.0 as it is),
// and closes at the end. A peer that does not take a piece within ServerOptions::stream_write_time_max is let go.
// Ownership: the connection shares it until the answer has ended. Threads: all members are called on the connection's
// event loop.
#pragma once

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <string>

namespace jeton::http {

class BodyStream {
 public:
  using Piece = std::shared_ptr<const std::string>;
  virtual ~BodyStream() = default;
  // The next piece; null at the end. One call at a time.
  virtual boost::asio::awaitable<Piece> next() = 0;
  // The server stops: what next() waits for is to come to its end now.
  virtual void stop() noexcept = 0;
};

}  // namespace jeton::http
