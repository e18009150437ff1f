#include "jose/key_parts.h"

#include <jeton/key_set.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

namespace jeton {
namespace {

// A key with a table, by the coordinates of its point. The name under which it was published does not matter.
struct Table {
  const crypto::EcPublic* point;
  std::shared_ptr<const crypto::PublicKey> key;
};

std::shared_ptr<const crypto::PublicKey> find(const std::vector<Table>& tables, const crypto::EcPublic& point) {
  const auto found = std::ranges::find_if(
      tables, [&](const Table& table) { return table.point->x == point.x && table.point->y == point.y; });
  return found == tables.end() ? nullptr : found->key;
}

}  // namespace

KeySet KeySet::precompute(const KeySet& previous, const Limits& limits) const {
  if (!state_) return {};
  std::vector<Table> tables;
  for (const KeySet* const set : {this, &previous}) {
    for (const Entry& entry : set->entries()) {
      for (const VerificationKey& key : entry.keys) {
        if (key.state_->key->is_precomputed())
          tables.push_back({&std::get<crypto::EcPublic>(*key.state_->material), key.state_->key});
      }
    }
  }
  State made = *state_;
  std::uint32_t left = limits.precomputed_keys_max;
  for (Entry& entry : made.entries) {
    for (VerificationKey& key : entry.keys) {
      if (key.algorithm() != Algorithm::es256 || left == 0) continue;
      --left;
      if (key.state_->key->is_precomputed()) continue;
      const auto& point = std::get<crypto::EcPublic>(*key.state_->material);
      auto with_table = find(tables, point);
      if (!with_table) with_table = crypto::PublicKey::precompute(key.state_->key, *key.state_->material);
      if (!with_table) continue;
      VerificationKey::State state = *key.state_;
      state.key = std::move(with_table);
      key = VerificationKey(std::make_shared<const VerificationKey::State>(std::move(state)));
    }
  }
  KeySet set;
  set.state_ = std::make_shared<const State>(std::move(made));
  return set;
}

std::size_t KeySet::precomputed() const noexcept {
  std::size_t count = 0;
  for (const Entry& entry : entries()) {
    count += static_cast<std::size_t>(std::ranges::count_if(
        entry.keys, [](const VerificationKey& key) { return key.state_->key->is_precomputed(); }));
  }
  return count;
}

}  // namespace jeton
