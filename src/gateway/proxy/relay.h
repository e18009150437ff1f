// Relay: one exchange between a client and an upstream, from the decision to the end of the answer.
#pragma once

#include "gateway/proxy/forward.h"
#include "gateway/proxy/permit_watch.h"
#include "gateway/proxy/proxy.h"
#include "http/stream_exchange.h"
#include "http/upstream_pool.h"

#include <boost/asio/awaitable.hpp>

#include <exception>
#include <memory>
#include <optional>

namespace jeton::gateway {

class Relay final : private Permitted {
 public:
  Relay(http::StreamExchange& client, http::UpstreamPool& pool, const Forward& forward, const Trace& trace)
      : Permitted(forward.permit ? &*forward.permit : nullptr),
        client_(client),
        pool_(pool),
        forward_(forward),
        trace_(trace) {}

  // Until the answer has ended, or the client's connection is to be cut. From the next look of `watch` on it ends with
  // its permit: before an answer has begun with the refusal that a new request would get, an answer that has begun by a
  // reset, so that it cannot pass for a whole one, a WebSocket with a Close frame (1008) if one can follow, else by a
  // reset.
  boost::asio::awaitable<void> run(PermitWatch& watch);

  // What became of it.
  std::optional<http::UpstreamError> error() const noexcept { return error_; }
  std::optional<std::size_t> server() const noexcept { return server_; }
  unsigned attempts() const noexcept { return attempts_; }
  RelayStage stage() const noexcept { return stage_; }
  // Why it was ended, if its permit was.
  const std::optional<Error>& permit_ended() const noexcept { return permit_ended_; }

 private:
  enum class Turn : std::uint8_t { ended, again };

  // The request's body on its way, in a coroutine beside the one that reads the answer.
  struct Upload;
  boost::asio::awaitable<Turn> attempt();
  boost::asio::awaitable<Turn> exchange(http::UpstreamPool::Lease& lease);
  boost::asio::awaitable<bool> send_request(http::UpstreamConnection& server);
  boost::asio::awaitable<Turn> read_answer(http::UpstreamPool::Lease& lease, Upload& upload);
  boost::asio::awaitable<void> pass_answer(http::UpstreamConnection& server, const http::ResponseHead& head);
  static boost::asio::awaitable<void> upload_body(Relay& relay, http::UpstreamConnection& server, Upload& upload);
  boost::asio::awaitable<void> tunnel(http::UpstreamConnection& server, const http::ResponseHead& head);
  void end(const Error& why) noexcept override;
  boost::asio::awaitable<void> pour_down(http::UpstreamConnection& server, std::exception_ptr& failed);
  boost::asio::awaitable<void> pour_up(http::UpstreamConnection& server, std::exception_ptr& failed);
  boost::asio::awaitable<void> say_close(bool may_follow);
  boost::asio::awaitable<void> give_up(http::UpstreamError error);
  boost::asio::awaitable<void> refuse();
  boost::asio::awaitable<void> answer_client_fault(const http::Refusal& refusal);
  void log_malformed(const http::UpstreamConnection& server) const;
  bool may_go_again(const http::UpstreamPool::Lease& lease, http::UpstreamError error) const noexcept;
  boost::asio::awaitable<void> answer(int status, std::string_view error);

  http::StreamExchange& client_;
  http::UpstreamPool& pool_;
  const Forward& forward_;
  const Trace& trace_;
  http::UpstreamConnection* server_connection_ = nullptr;  // while there is one
  RelayStage stage_ = RelayStage::request;
  std::optional<Error> permit_ended_;
  std::optional<http::UpstreamError> error_;
  std::optional<std::size_t> server_;
  unsigned attempts_ = 0;
  unsigned retries_ = 0;
  bool fresh_ = false;
};

}  // namespace jeton::gateway
