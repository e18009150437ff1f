// store::Error: why a store operation could not be carried out. Outcomes that the rules expect (a reused token, a taken
// address) are values of the operation's own result, not Errors.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <string>

namespace jeton::store {

enum class Errc : std::uint8_t {
  unavailable,  // cannot be reached or written now (full disk, locked, read-only): answer 5xx, try again later
  unknown,      // the commit was sent and its outcome is not known: never to be taken for success
  corrupt,      // the database is damaged, or not ours
  newer,        // written by a newer Jeton; left untouched
  overloaded,   // the queue of groups is full
};

struct Error {
  Errc code;
  std::string message;  // for operators; names the file, never holds a secret
};

template <class T>
using Result = std::expected<T, Error>;

// Called exactly once, on a store thread, after the outcome is durable. It must not block and must not throw.
template <class T>
using Completion = std::move_only_function<void(Result<T>)>;

}  // namespace jeton::store
