// Completions of the store (and of the password pool) as things to await (http/awaited.h), and to wait for.
//
//   auto user = co_await completed<std::optional<store::User>>(
//       [&](auto done) { users.find_by_email(key, std::move(done)); });
//
// A completion that is dropped unasked counts as `unavailable`.
#pragma once

#include "http/awaited.h"
#include "store/error.h"

#include <boost/asio/awaitable.hpp>

#include <future>
#include <optional>
#include <utility>

namespace jeton::issuer {

using http::awaited;

inline store::Error dropped_completion() { return {store::Errc::unavailable, "the store dropped a request"}; }

// One store operation, awaited.
template <class T, class Start>
boost::asio::awaitable<store::Result<T>> completed(Start start) {
  auto result = co_await awaited<store::Result<T>>(std::move(start));
  if (!result.has_value()) co_return std::unexpected(dropped_completion());
  co_return std::move(*result);
}

// One store operation, waited for. Never on an event loop: for the start of the program, and for tests.
template <class T, class Start>
store::Result<T> waited(Start start) {
  std::promise<store::Result<T>> promise;
  std::future<store::Result<T>> future = promise.get_future();
  start(store::Completion<T>(
      [promise = std::move(promise)](store::Result<T> result) mutable { promise.set_value(std::move(result)); }));
  try {
    return future.get();
  } catch (const std::future_error&) {
    return std::unexpected(dropped_completion());
  }
}

}  // namespace jeton::issuer
