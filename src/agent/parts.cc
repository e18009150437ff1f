#include "agent/parts.h"

#include "crypto/digest.h"
#include "jose/base64url.h"
#include "platform/entropy.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <span>
#include <utility>

namespace jeton::agent {

std::uint64_t chance() noexcept {
  std::uint64_t number = 0;
  platform::random_bytes(std::as_writable_bytes(std::span(&number, 1)));
  return number;
}

boost::asio::awaitable<void> Pause::wait(std::chrono::milliseconds time) {
  if (!std::exchange(is_cut_short_, false)) {
    timer_.expires_after(time);
    co_await timer_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
  }
  is_cut_short_ = false;
}

void Pause::cut_short() {
  is_cut_short_ = true;
  timer_.cancel();
}

std::string state_path(const AgentOptions& options, std::string_view prefix, std::string_view issuer,
                       std::string_view suffix) {
  if (options.state_directory.empty()) return {};
  const auto digest = crypto::sha256(issuer);
  return options.state_directory + '/' + std::string(prefix) + jose::base64url::encode(std::span(digest).first<16>()) +
         std::string(suffix);
}

}  // namespace jeton::agent
