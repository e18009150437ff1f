#include "issuer/feed/feed_subscriber.h"

#include "issuer/completion.h"

#include <utility>

namespace jeton::issuer {

bool FeedHolder::is_ended_by(const Revocation& revocation) const noexcept {
  switch (revocation.kind) {
    case RevocationKind::key: return revocation.subject == key_id;
    case RevocationKind::subject:
      return revocation.subject == client_id && version < revocation.least.value_or(version + 1);
    case RevocationKind::token: return revocation.subject == token_id;
    case RevocationKind::session: return false;  // a service has none
  }
  return false;
}

FeedSubscriber::FeedSubscriber(std::size_t waiting_bytes_max, FeedHolder holder,
                               std::chrono::steady_clock::time_point ends_at, Gone gone)
    : waiting_bytes_max_(waiting_bytes_max), holder_(std::move(holder)), ends_at_(ends_at), gone_(std::move(gone)) {}

FeedSubscriber::~FeedSubscriber() { gone_(was_slow_); }

// Gives the oldest piece, or the end, to whoever waits for it.
void FeedSubscriber::hand_over(std::unique_lock<std::mutex> lock) {
  if (!bell_) return;
  Piece piece;
  if (!opening_.empty()) {
    piece = std::move(opening_.front());
    opening_.pop_front();
  } else if (!news_.empty()) {
    piece = std::move(news_.front());
    news_.pop_front();
    news_bytes_ -= piece->size();
  } else if (!ended_) {
    return;
  }
  Bell bell = std::exchange(bell_, nullptr);
  lock.unlock();
  bell(std::move(piece));
}

boost::asio::awaitable<FeedSubscriber::Piece> FeedSubscriber::next() {
  auto piece = co_await awaited<Piece>([this](auto bell) {
    std::unique_lock lock(mutex_);
    bell_ = std::move(bell);
    hand_over(std::move(lock));
  });
  co_return piece.has_value() ? *std::move(piece) : nullptr;
}

void FeedSubscriber::begin(const std::vector<Piece>& pieces) {
  std::unique_lock lock(mutex_);
  opening_.insert(opening_.end(), pieces.begin(), pieces.end());
  hand_over(std::move(lock));
}

void FeedSubscriber::push(const Piece& piece) {
  std::unique_lock lock(mutex_);
  if (ended_) return;
  news_.push_back(piece);
  news_bytes_ += piece->size();
  if (news_bytes_ > waiting_bytes_max_) {
    // Not half of it: what is missing would show as a broken chain.
    was_slow_ = ended_ = true;
    opening_.clear();
    news_.clear();
    news_bytes_ = 0;
  }
  hand_over(std::move(lock));
}

void FeedSubscriber::end() noexcept {
  std::unique_lock lock(mutex_);
  ended_ = true;
  hand_over(std::move(lock));
}

bool FeedSubscriber::has_ended() const {
  const std::lock_guard lock(mutex_);
  return ended_;
}

}  // namespace jeton::issuer
