// KeyIndex: the keys of the configured issuers, found by `kid`. The token's header chooses among them and nothing else;
// the key then says which issuer the token must be from, and which algorithm it must have.
#pragma once

#include "jose/compact.h"
#include "jose/key_parts.h"

#include <jeton/key_set.h>
#include <jeton/verifier.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace jeton::jose {

// What the index needs to know of an issuer.
struct KeySource {
  KeySet keys;
  AlgorithmRule algorithms;
  TypRule typ;
};

struct Candidate {
  std::uint32_t source;
  const VerificationKey* key;
};

class KeyIndex {
 public:
  KeyIndex(std::vector<KeySource> sources, std::uint32_t candidates_max);
  KeyIndex(const KeyIndex&) = delete;
  KeyIndex& operator=(const KeyIndex&) = delete;

  class Found {
   public:
    std::span<const Candidate> candidates() const noexcept { return {candidates_.data(), size_}; }

   private:
    friend class KeyIndex;
    std::array<Candidate, 8> candidates_{};
    std::size_t size_ = 0;
  };
  // The keys that may have signed a token with this header: at least one. Errors: unknown_key, ambiguous_key,
  // algorithm_not_allowed, wrong_typ, or the reason for which the chosen key was refused.
  Result<Found> find(const Header& header) const;

  // The same from the header's own segment. Most tokens of an issuer share their header to the byte, and what it says
  // and which keys fit depends on its bytes, the limits and this index alone; so each thread remembers a few answers.
  // `generation` names this index and its limits, and is never given to another. Valid until this thread's next call.
  // Errors: those of read_header too.
  Result<const Found*> find(std::string_view header_segment, const Limits& limits, std::uint64_t generation) const;

  // Verifies the signature by each candidate; the source of the one that fits. Errors: bad_signature, bad_base64url.
  Result<Candidate> verify(const Compact& compact, const Found& found) const;

 private:
  struct Place {
    std::uint32_t source;
    const KeySet::Entry* entry;
  };
  Result<const VerificationKey*> usable_key(const Place& place, const Header& header) const;
  Result<Found> find_without_kid(const Header& header) const;

  std::vector<KeySource> sources_;
  std::unordered_map<std::string_view, std::vector<Place>> by_kid_;
  std::vector<Place> every_, any_kid_;  // any_kid_: single JWKs without a kid fit every token
  std::uint32_t candidates_max_;
};

}  // namespace jeton::jose
