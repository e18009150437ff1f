// InlineHandler: answers a request whose answer is known at once, from its head alone: no coroutine, no copy of the
// request, and all answers to requests that arrived together leave in one write.
//
// It is asked before the router, for every request without a body, and may decline: then the router's handlers answer.
// Where the answer is not known at once after all, it hands in a coroutine that makes it (InlineAnswer::later).
// It is called on the event loops' threads, on several at once, and must not block. What it answers is not shown to the
// server's Observer.
#pragma once

#include "http/forwarded.h"
#include "http/head_view.h"

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace jeton::http {

struct InlineRequest {
  const HeadView& head;
  std::string_view peer_address;  // of the socket
  bool peer_is_trusted;           // it is one of the trusted proxies
  std::string_view id;            // of this request, for logs; the answer carries it as X-Request-Id
  const TrustedProxies& trusted_proxies;
};

// Writes one answer: status() first, then fields, then body(); or none of them, to decline. Framing (Content-Length,
// Connection, X-Request-Id) is its own affair.
class InlineAnswer {
 public:
  struct Framing {
    std::string_view request_id;
    bool keep_alive = true, http_1_0 = false, with_body = true;
  };
  InlineAnswer(std::string& out, const Framing& framing) noexcept : out_(out), begin_(out.size()), framing_(framing) {}

  void status(int status);
  // A value that cannot be sent as it is (a control character in it) turns the whole answer into a 500.
  void field(std::string_view name, std::string_view value);
  void body(std::string_view text);

  // In place of an answer: one that has to be waited for. It is given an InlineAnswer of its own when the answers
  // before it have been sent; the request is gone by then, so what it needs it holds itself. To be called last.
  using Later = std::function<boost::asio::awaitable<void>(InlineAnswer&)>;
  void later(Later handler) { later_ = std::move(handler); }

  bool begun() const noexcept { return status_ != 0; }
  Later take_later() noexcept { return std::exchange(later_, {}); }
  // By the connection: completes what was begun; or makes it a 500.
  void finish();
  void fail();

 private:
  void end_head(std::size_t body_bytes);
  std::string& out_;
  std::size_t begin_;
  Framing framing_;
  Later later_{};
  int status_ = 0;
  bool head_ended_ = false;
  bool broken_ = false;
};

using InlineHandler = std::function<void(const InlineRequest&, InlineAnswer&)>;

}  // namespace jeton::http
