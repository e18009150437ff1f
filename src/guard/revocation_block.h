// RevocationBlock: some entries of a revocation table, sorted by fingerprint, with a filter before them that answers
// nearly all that are not there. Immutable and in one piece of memory: a change makes another block.
//
// Layout in words of 64 bits: how many entries and filter words, the filter, the entries. The filter is a Bloom filter
// of one word a fingerprint with four bits in it: 16 bits for each entry, so some 6 in 1,000 strangers pass it.
#pragma once

#include "crypto/short_hash.h"

#include <jeton/revocation.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>

namespace jeton {

struct RevocationSlot {
  crypto::ShortHash fingerprint;
  std::uint64_t least = 0;    // the number, or no_least; the lowest bit: whether it is `stale_claims`
  std::uint32_t expires = 0;  // Unix seconds; never: the largest
  std::uint32_t mark = 0;     // what the filter goes by

  static constexpr std::uint64_t no_least = std::numeric_limits<std::int64_t>::max();
  std::uint64_t least_number() const noexcept { return least >> 1; }
  RevocationReason reason() const noexcept {
    return (least & 1) != 0 ? RevocationReason::stale_claims : RevocationReason::revoked;
  }
  // The same thing for the same reason.
  friend bool are_one(const RevocationSlot& a, const RevocationSlot& b) noexcept {
    return a.fingerprint == b.fingerprint && ((a.least ^ b.least) & 1) == 0;
  }
  friend bool operator<(const RevocationSlot& a, const RevocationSlot& b) noexcept {
    return a.fingerprint != b.fingerprint ? a.fingerprint < b.fingerprint : (a.least & 1) < (b.least & 1);
  }
};
static_assert(sizeof(RevocationSlot) == 32);

// Whether no token that it concerns can be good any more at `now`, in Unix seconds.
inline bool has_ended(const RevocationSlot& slot, std::int64_t now) noexcept {
  return slot.expires != std::numeric_limits<std::uint32_t>::max() && slot.expires < now;
}

class RevocationBlock {
 public:
  using Words = std::unique_ptr<std::uint64_t[]>;

  // `slots` are sorted, and no two are one. Null for none.
  static Words make(std::span<const RevocationSlot> slots);
  // Those of `block` (may be null) that end after `now`, and `more`, which is sorted; of two that are one, the larger
  // least and the later end. `ended` is raised by those left out.
  static Words merged(const std::uint64_t* block, std::span<const RevocationSlot> more, std::int64_t now,
                      std::uint64_t& ended);
  static bool holds_ended(const std::uint64_t* block, std::int64_t now) noexcept;
  static std::size_t count(const std::uint64_t* block) noexcept {
    return block ? static_cast<std::uint32_t>(*block) : 0;
  }
  static std::size_t bytes(const std::uint64_t* block) noexcept;
  static std::span<const RevocationSlot> slots(const std::uint64_t* block) noexcept;
  // Those of that fingerprint: at most one for each reason.
  static std::span<const RevocationSlot> find(const std::uint64_t* block,
                                              const crypto::ShortHash& fingerprint) noexcept;

  // A block as its readers keep it: a look into the filter needs nothing else of it.
  struct Ref {
    const std::uint64_t* block = nullptr;
    std::uint64_t filter_words = 1;

    // False: no slot with that mark is there.
    bool may_hold(std::uint32_t mark) const noexcept {
      const std::uint64_t bits = bits_of(mark);
      return (block[1 + word_of(mark, filter_words)] & bits) == bits;
    }
  };
  // `block` may be null.
  static Ref ref(const std::uint64_t* block) noexcept;

 private:
  static std::size_t word_of(std::uint32_t mark, std::uint64_t filter_words) noexcept {
    return static_cast<std::size_t>(mark * filter_words >> 32);
  }
  static std::uint64_t bits_of(std::uint32_t mark) noexcept {
    const std::uint64_t spread = mark * std::uint64_t{0x9E37'79B9'7F4A'7C15};
    return std::uint64_t{1} << (spread >> 58) | std::uint64_t{1} << (spread >> 52 & 63) |
           std::uint64_t{1} << (spread >> 46 & 63) | std::uint64_t{1} << (spread >> 40 & 63);
  }
};

}  // namespace jeton
