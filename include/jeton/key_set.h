// KeySet: the keys of one issuer, as a JWK Set (RFC 7517 section 5) or put together from single keys.
//
// A set is immutable. A key of an unknown type is skipped; a key that must be refused stays as a refusal, so that only
// tokens that pick it fail, and with its own error. Two keys of one `kid` refuse the whole set.
#pragma once

#include <jeton/key.h>
#include <jeton/limits.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace jeton {

// Where the text of a set came from, and so what it may hold.
enum class KeyOrigin : std::uint8_t {
  published,  // another party's JWKS: public keys only; `oct` and private keys are refused
  local,      // the operator's own file: secret and private keys count by their verifying part
};

struct KeySetOptions {
  KeyOrigin origin = KeyOrigin::published;
  // What an RSA or oct key without `alg` may be used for. Empty: such a key is refused (key_without_alg). EC and OKP
  // keys are bound by their curve. In a set of local origin, `any_fitting` lets each key do what its size admits.
  std::vector<Algorithm> algorithms_without_alg{};
  bool any_fitting = false;
  Limits limits{};
};

class KeySet {
 public:
  KeySet() = default;  // no keys: verifies nothing
  // Keys that share a kid with another are refused (duplicate_kid), each of them.
  explicit KeySet(std::vector<VerificationKey> keys);

  // A JWK Set, or a single JWK. Errors: key_set_too_large, too_many_keys, malformed_key, duplicate_kid.
  static Result<KeySet> parse(std::string_view json, const KeySetOptions& options = {});

  struct Entry {
    std::string kid;                    // may be empty
    std::string kty;                    // "EC", "RSA", "OKP", "oct"
    std::vector<Algorithm> algorithms;  // what it may verify; more than one only for keys without `alg`
    std::string declared_alg;           // the `alg` member as written; empty if absent
    std::vector<VerificationKey> keys;  // one per algorithm; empty if refused
    std::vector<Error> refusal;         // the reason, if it was refused; else empty
  };
  const std::vector<Entry>& entries() const noexcept;
  bool was_single_jwk() const noexcept;  // then its key fits any `kid` if it has none itself
  std::size_t size() const noexcept { return entries().size(); }

  // The same set, with a table for each ES256 key, the first `limits.precomputed_keys_max` of them: signatures then
  // verify in about half the time, with the same verdicts. A table costs some 25 ms and 156 KB, so this is for the keys
  // that the operator configured, off the hot path. A key that `previous` has a table for takes it over; so when a set
  // is reloaded only its new keys cost anything: `keys = KeySet::parse(text).value().precompute(keys)`. A key for which
  // no table can be built, or whose table disagrees with plain arithmetic, stays as it is.
  [[nodiscard]] KeySet precompute(const KeySet& previous = KeySet(), const Limits& limits = default_limits) const;
  // How many keys have a table.
  std::size_t precomputed() const noexcept;

  // The public JWK Set: {"keys":[…]}. HMAC keys and refused ones are left out.
  std::string to_jwks() const;

 private:
  friend struct KeySetParts;
  struct State;
  std::shared_ptr<const State> state_;
};

}  // namespace jeton
