// Transport: a TCP connection of one event loop, plain or under TLS: what this room reads from and writes to. It is an
// AsyncStream of Asio, so that async_write and its like take it; plain TCP costs one branch more than a bare socket.
//
// Threads: its loop's only. One read and one write may be under way together.
#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/system/error_code.hpp>

#include <cstddef>
#include <memory>
#include <utility>

namespace jeton::http {

using LoopSocket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;
using TlsContext = std::shared_ptr<boost::asio::ssl::context>;

class Transport {
 public:
  using executor_type = boost::asio::io_context::executor_type;
  using lowest_layer_type = LoopSocket::lowest_layer_type;
  using TlsStream = boost::asio::ssl::stream<LoopSocket&>;

  explicit Transport(LoopSocket socket) : socket_(std::move(socket)) {}
  Transport(const Transport&) = delete;  // the TLS stream knows the socket by its address
  Transport& operator=(const Transport&) = delete;

  executor_type get_executor() noexcept { return socket_.get_executor(); }
  lowest_layer_type& lowest_layer() noexcept { return socket_.lowest_layer(); }
  LoopSocket& socket() noexcept { return socket_; }
  bool is_tls() const noexcept { return tls_ != nullptr; }
  TlsStream& tls() noexcept { return *tls_; }  // only when is_tls()

  // From here on what is read and written goes through TLS; the handshake is the caller's, on tls().
  void use_tls(TlsContext context) {
    context_ = std::move(context);
    tls_ = std::make_unique<TlsStream>(socket_, *context_);
  }

  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return boost::asio::async_initiate<Token, void(boost::system::error_code, std::size_t)>(
        [this](auto handler, const Buffers& into) {
          if (tls_)
            tls_->async_read_some(into, std::move(handler));
          else
            socket_.async_read_some(into, std::move(handler));
        },
        token, buffers);
  }

  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return boost::asio::async_initiate<Token, void(boost::system::error_code, std::size_t)>(
        [this](auto handler, const Buffers& from) {
          if (tls_)
            tls_->async_write_some(from, std::move(handler));
          else
            socket_.async_write_some(from, std::move(handler));
        },
        token, buffers);
  }

  // What is under way ends with operation_aborted.
  void cancel() noexcept {
    boost::system::error_code ignored;
    socket_.cancel(ignored);
  }
  void shutdown_send() noexcept {
    boost::system::error_code ignored;
    socket_.shutdown(boost::asio::socket_base::shutdown_send, ignored);
  }
  void close() noexcept {
    boost::system::error_code ignored;
    socket_.close(ignored);
  }

 private:
  LoopSocket socket_;
  TlsContext context_;
  std::unique_ptr<TlsStream> tls_;
};

}  // namespace jeton::http
