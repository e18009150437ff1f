#include "guard/revocation_block.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

namespace jeton {
namespace {

constexpr std::size_t slots_a_filter_word = 4;
constexpr std::size_t slot_words = sizeof(RevocationSlot) / sizeof(std::uint64_t);

const RevocationSlot* begin_of(const std::uint64_t* block) noexcept {
  return reinterpret_cast<const RevocationSlot*>(block + 1 + (*block >> 32));
}

}  // namespace

RevocationBlock::Ref RevocationBlock::ref(const std::uint64_t* block) noexcept {
  static constexpr std::array<std::uint64_t, 2> none{std::uint64_t{1} << 32, 0};
  const std::uint64_t* const shown = block != nullptr ? block : none.data();
  return {shown, *shown >> 32};
}

std::span<const RevocationSlot> RevocationBlock::slots(const std::uint64_t* block) noexcept {
  if (block == nullptr) return {};
  return {begin_of(block), count(block)};
}

std::size_t RevocationBlock::bytes(const std::uint64_t* block) noexcept {
  return block == nullptr ? 0 : (1 + (*block >> 32) + count(block) * slot_words) * sizeof(std::uint64_t);
}

RevocationBlock::Words RevocationBlock::make(std::span<const RevocationSlot> slots) {
  if (slots.empty()) return nullptr;
  const std::size_t filter_words = (slots.size() + slots_a_filter_word - 1) / slots_a_filter_word;
  Words words = std::make_unique_for_overwrite<std::uint64_t[]>(1 + filter_words + slots.size() * slot_words);
  words[0] = std::uint64_t{filter_words} << 32 | slots.size();
  std::fill_n(words.get() + 1, filter_words, 0);
  for (const RevocationSlot& slot : slots) words[1 + word_of(slot.mark, filter_words)] |= bits_of(slot.mark);
  // A copy of a trivial type begins its lifetime there.
  std::memcpy(words.get() + 1 + filter_words, slots.data(), slots.size_bytes());
  return words;
}

RevocationBlock::Words RevocationBlock::merged(const std::uint64_t* block, std::span<const RevocationSlot> more,
                                               std::int64_t now, std::uint64_t& ended) {
  const auto old = slots(block);
  std::vector<RevocationSlot> all(old.size() + more.size());
  std::merge(old.begin(), old.end(), more.begin(), more.end(), all.begin());
  ended += std::erase_if(all, [now](const RevocationSlot& slot) { return has_ended(slot, now); });
  std::size_t kept = 0;
  for (const RevocationSlot& slot : all) {
    if (kept > 0 && are_one(all[kept - 1], slot)) {
      all[kept - 1].least = std::max(all[kept - 1].least, slot.least);
      all[kept - 1].expires = std::max(all[kept - 1].expires, slot.expires);
    } else {
      all[kept++] = slot;
    }
  }
  all.resize(kept);
  return make(all);
}

bool RevocationBlock::holds_ended(const std::uint64_t* block, std::int64_t now) noexcept {
  return std::ranges::any_of(slots(block), [now](const RevocationSlot& slot) { return has_ended(slot, now); });
}

std::span<const RevocationSlot> RevocationBlock::find(const std::uint64_t* block,
                                                      const crypto::ShortHash& fingerprint) noexcept {
  const auto found = std::ranges::equal_range(slots(block), fingerprint, {}, &RevocationSlot::fingerprint);
  return {found.begin(), found.end()};
}

}  // namespace jeton
