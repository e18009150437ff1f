// VerifiedToken: a token whose signature and claims have been verified. Only Verifier makes one (and TokenCache hands
// the same one out again), so a function that takes a VerifiedToken needs no check of its own.
//
// It is an immutable value that shares its state: copying it costs one atomic increment, it outlives the text it was
// read from, and it may be read from any number of threads. Views it returns live as long as one of its copies.
#pragma once

#include <jeton/algorithm.h>
#include <jeton/error.h>
#include <jeton/time.h>
#include <jeton/value.h>

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace jeton {
namespace jose {
struct ClaimAccess;
}

// What a claim can be read as. Integers: an integral JSON number within 64 bits, `1.0` is none.
template <class T>
concept ClaimType =
    std::same_as<T, std::string> || std::same_as<T, std::string_view> || std::same_as<T, std::int64_t> ||
    std::same_as<T, double> || std::same_as<T, bool> || std::same_as<T, std::vector<std::string>> ||
    std::same_as<T, std::vector<std::string_view>> || std::same_as<T, Value>;

class VerifiedToken {
 public:
  // A claim has three outcomes: absent (missing_claim), another type (wrong_claim_type), or its value.
  template <ClaimType T>
  Result<T> get(std::string_view name) const {
    return read<T>(name);
  }
  // A nested claim by its path, one segment a level: get<std::int64_t>({"limits", "audio"}).
  template <ClaimType T>
  Result<T> get(std::initializer_list<std::string_view> path) const {
    return read<T>(path);
  }
  bool has(std::string_view name) const noexcept;
  // True if the claim is that text, or an array that holds it.
  bool claim_holds(std::string_view name, std::string_view text) const noexcept;

  // The registered claims; empty, or no value, where the token has none.
  std::string_view issuer() const noexcept;
  std::string_view subject() const noexcept;
  std::string_view token_id() const noexcept;  // jti
  std::string_view client_id() const noexcept;
  std::string_view session_id() const noexcept;           // sid
  bool has_scope(std::string_view scope) const noexcept;  // one word of `scope` (RFC 8693 section 4.2)
  // The last second at which it is good, plus one. UnixTime::max() without `exp`.
  UnixTime expires_at() const noexcept;

  Algorithm algorithm() const noexcept;
  std::string_view key_id() const noexcept;        // of the key that verified it; may be empty
  std::string_view payload_json() const noexcept;  // the payload's own bytes
  Value payload() const;                           // a free copy

  struct State;  // inside the library

 private:
  friend class Verifier;
  friend class TokenCache;
  friend struct jose::ClaimAccess;
  explicit VerifiedToken(std::shared_ptr<const State> state) noexcept : state_(std::move(state)) {}
  // Without the constraint: compilers spell a constrained template's symbol differently, and a library built by one
  // must link with a program built by another.
  template <class T>
  Result<T> read(std::string_view name) const;
  template <class T>
  Result<T> read(std::initializer_list<std::string_view> path) const;
  std::shared_ptr<const State> state_;
};

}  // namespace jeton
