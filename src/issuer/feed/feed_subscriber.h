// FeedSubscriber: one verifier's end of the feed, as the body of its answer. The hub hands pieces in from its thread,
// the connection takes them out on its event loop. A verifier that does not keep up is let go: it comes back, and goes
// on from where it was.
#pragma once

#include "http/body_stream.h"

#include <jeton/revocation.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace jeton::issuer {

// Whose stream it is, as its token says: what ends the token ends the stream.
struct FeedHolder {
  std::string client_id{}, token_id{}, key_id{};
  std::int64_t version = 0;

  bool is_ended_by(const Revocation& revocation) const noexcept;
};

class FeedSubscriber final : public http::BodyStream {
 public:
  using Piece = http::BodyStream::Piece;

  // Called once when it has gone: `was_slow` if that is why.
  using Gone = std::function<void(bool was_slow)>;
  // `waiting_bytes_max`: news that waits, beside what it begins with.
  FeedSubscriber(std::size_t waiting_bytes_max, FeedHolder holder, std::chrono::steady_clock::time_point ends_at,
                 Gone gone);
  ~FeedSubscriber() override;

  boost::asio::awaitable<Piece> next() override;
  void stop() noexcept override { end(); }

  // The hub's. What it begins with is shared with others and not counted.
  void begin(const std::vector<Piece>& pieces);
  void push(const Piece& piece);
  void end() noexcept;
  bool has_ended() const;
  std::chrono::steady_clock::time_point ends_at() const noexcept { return ends_at_; }
  const FeedHolder& holder() const noexcept { return holder_; }

 private:
  using Bell = std::move_only_function<void(Piece)>;
  void hand_over(std::unique_lock<std::mutex> lock);

  const std::size_t waiting_bytes_max_;
  const FeedHolder holder_;
  const std::chrono::steady_clock::time_point ends_at_;
  const Gone gone_;
  mutable std::mutex mutex_;
  std::deque<Piece> opening_;
  std::deque<Piece> news_;
  std::size_t news_bytes_ = 0;
  bool ended_ = false, was_slow_ = false;
  Bell bell_;
};

}  // namespace jeton::issuer
