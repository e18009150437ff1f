#include "agent/parts.h"

#include "crypto/digest.h"
#include "jose/base64url.h"
#include "platform/entropy.h"
#include "platform/log.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>
#include <span>
#include <utility>

namespace jeton::agent {

boost::asio::awaitable<void> kept_going(boost::asio::any_io_executor executor, std::string_view what,
                                        std::function<boost::asio::awaitable<void>()> begin) {
  constexpr std::chrono::seconds pause{1};
  boost::asio::steady_timer timer(executor);
  while (true) {
    try {
      co_await begin();
    } catch (const std::exception& error) {
      platform::log_error("the agent begins anew", {{"part", what}, {"reason", error.what()}});
    }
    timer.expires_after(pause);
    co_await timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
  }
}

std::uint64_t chance() noexcept {
  std::uint64_t number = 0;
  platform::random_bytes(std::as_writable_bytes(std::span(&number, 1)));
  return number;
}

boost::asio::awaitable<void> Pause::wait(std::chrono::milliseconds time) {
  timer_.expires_after(time);
  co_await timer_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
}

std::string state_path(const AgentOptions& options, std::string_view prefix, std::string_view issuer,
                       std::string_view suffix) {
  if (options.state_directory.empty()) return {};
  const auto digest = crypto::sha256(issuer);
  return options.state_directory + '/' + std::string(prefix) + jose::base64url::encode(std::span(digest).first<16>()) +
         std::string(suffix);
}

}  // namespace jeton::agent
