#include "issuer/keys/life_cycle.h"

#include <algorithm>
#include <set>
#include <utility>

namespace jeton::issuer {
namespace {

using store::KeyNode;
using store::KeySetView;
using store::KeyState;
using store::KeyStep;
using store::StoredKey;
using store::StoreTime;

// Forgets what is no longer there, and begins to count what is there for the first time.
void follow(std::map<std::string, Ticks>& seen, const std::set<std::string>& there, Ticks now) {
  std::erase_if(seen, [&](const auto& entry) { return !there.contains(entry.first); });
  for (const std::string& one : there) seen.emplace(one, now);
}

// One algorithm's keys, the oldest first.
struct Line {
  const StoredKey* active = nullptr;
  std::vector<const StoredKey*> standby;
  std::int64_t pending = 0;
};

class Planner {
 public:
  Planner(const KeySetView& view, const KeyWatch& watch, const KeySettings& settings, StoreTime now, Ticks ticks)
      : view_(view),
        watch_(watch),
        settings_(settings),
        now_(now),
        ticks_(ticks),
        max_age_(std::max(settings.max_age, view.max_age)) {}

  KeyPlan plan() {
    look_at_nodes();
    if (view_.version == view_.began) {
      for (const Algorithm algorithm : settings_.algorithms) plan_.new_keys.push_back({algorithm, KeyState::active});
      return std::move(plan_);
    }
    for (const StoredKey& key : view_.keys) {
      if (!key.audience.empty()) continue;  // a shared secret stays until an operator replaces it
      if (is_unwanted(key)) {
        plan_.steps.emplace_back(store::DrainKey{key.kid});
      } else {
        move_on(key);
      }
    }
    for (const Algorithm algorithm : settings_.algorithms) provide(algorithm);
    return std::move(plan_);
  }

 private:
  void look_at_nodes() {
    for (const KeyNode& node : view_.nodes) {
      if (!watch_.is_live(node, ticks_)) plan_.steps.emplace_back(store::ForgetNode{node.id, node.reports});
    }
    if (watch_.shorter_for(ticks_) > view_.max_age) {
      plan_.steps.emplace_back(store::LowerMaxAge{settings_.max_age});  // the store keeps to what other nodes say
    }
  }

  // Every node that serves works with that version of the set, or a later one.
  bool all_have_loaded(std::int64_t version) const {
    return std::ranges::all_of(
        view_.nodes, [&](const KeyNode& node) { return node.version >= version || !watch_.is_live(node, ticks_); });
  }

  bool has_lasted(std::optional<Ticks> watched, StoreTime since, std::chrono::milliseconds needed) const {
    return (watched && *watched >= needed) || now_ - since >= needed + node_skew_max;
  }

  // Of an algorithm that has an active key and is not in the settings any more. One that never signed was imported, and
  // waits for the settings to name its algorithm.
  bool is_unwanted(const StoredKey& key) const {
    const bool may_sign =
        key.state == KeyState::pending || key.state == KeyState::standby || key.state == KeyState::active;
    const auto is_its = [&](Algorithm algorithm) { return name_of(algorithm) == key.algorithm; };
    if (!may_sign || std::ranges::any_of(settings_.algorithms, is_its)) return false;
    // Not before the default algorithm signs: until then this one does in its place.
    return has_signed_for_long(key.algorithm) && has_signed_for_long(name_of(settings_.algorithms.front()));
  }

  bool has_signed_for_long(std::string_view algorithm) const {
    return std::ranges::any_of(view_.keys, [&](const StoredKey& active) {
      return active.algorithm == algorithm && active.audience.empty() && active.state == KeyState::active &&
             has_lasted(watch_.active_for(active.kid, ticks_), active.state_since, 2 * max_age_);
    });
  }

  // Nobody can sign in until the next key has matured.
  bool nothing_signs() const {
    return std::ranges::none_of(view_.keys, [](const StoredKey& key) {
      return key.audience.empty() && (key.state == KeyState::active || key.state == KeyState::standby);
    });
  }

  // The last that happened to a key of the algorithm, those that wait left out, is that it was revoked.
  bool was_revoked(Algorithm algorithm) const {
    const StoredKey* last = nullptr;
    for (const StoredKey& key : view_.keys) {
      if (key.algorithm != name_of(algorithm) || !key.audience.empty() || key.state == KeyState::pending) continue;
      if (last == nullptr || key.state_version > last->state_version) last = &key;
    }
    return last != nullptr && last->state == KeyState::revoked;
  }

  // A key that is published already is known to more verifiers than a new one.
  void stand_in(Algorithm algorithm) {
    const StoredKey* next = nullptr;
    for (const StoredKey& key : view_.keys) {
      if (key.algorithm != name_of(algorithm) || !key.audience.empty() || key.state != KeyState::pending) continue;
      if (next == nullptr || (key.published_at && !next->published_at)) next = &key;
    }
    if (next == nullptr) {
      plan_.new_keys.push_back({algorithm, KeyState::active});
      return;
    }
    plan_.steps.emplace_back(store::MatureKey{next->kid});
    plan_.steps.emplace_back(store::ActivateKey{next->kid});
  }

  void move_on(const StoredKey& key) {
    switch (key.state) {
      case KeyState::pending:
        if (!key.published_at) {
          if (all_have_loaded(key.state_version)) plan_.steps.emplace_back(store::MarkPublished{key.kid, 2 * max_age_});
        } else if (has_lasted(watch_.published_for(key.kid, ticks_), *key.published_at, key.settling)) {
          plan_.steps.emplace_back(store::MatureKey{key.kid});
        }
        break;
      case KeyState::draining:
        if (all_have_loaded(key.state_version)) plan_.steps.emplace_back(store::RetireKey{key.kid});
        break;
      case KeyState::retired:
        if (now_ - verifier_leeway_max - node_skew_max >= key.expires_max) {
          plan_.steps.emplace_back(store::RemoveKey{key.kid});
        }
        break;
      case KeyState::standby:
      case KeyState::active:
      case KeyState::revoked: break;
    }
  }

  Line line_of(Algorithm algorithm) const {
    Line line;
    for (const StoredKey& key : view_.keys) {
      if (key.algorithm != name_of(algorithm) || !key.audience.empty()) continue;
      if (key.state == KeyState::active) line.active = &key;
      if (key.state == KeyState::standby) line.standby.push_back(&key);
      if (key.state == KeyState::pending) ++line.pending;
    }
    return line;
  }

  // Until the active key's period is over; zero or less if it is.
  std::chrono::milliseconds remaining(const StoredKey& active) const {
    const auto by_row = std::max(now_ - active.state_since - node_skew_max, std::chrono::milliseconds{0});
    const auto age = std::max(watch_.active_for(active.kid, ticks_).value_or(Ticks{0}), by_row);
    return settings_.rotation_period - age;
  }

  // How many keys should be on their way, so that whenever one begins to sign another is ready behind it.
  std::int64_t wanted(const Line& line) const {
    if (line.active == nullptr) return 2;
    const auto left = std::max(remaining(*line.active), std::chrono::milliseconds{0});
    // What a new key needs until it is ready: twice max_age, and as long again as nodes may take to notice.
    const std::chrono::milliseconds lead = 3 * max_age_ + std::chrono::seconds{2};
    if (left > lead) return 1;
    const std::int64_t rotations = 1 + (lead - left) / settings_.rotation_period;
    return std::min(1 + rotations, waiting_keys_max);
  }

  void provide(Algorithm algorithm) {
    const Line line = line_of(algorithm);
    const bool is_default = algorithm == settings_.algorithms.front();
    if (line.active == nullptr && line.standby.empty() && (was_revoked(algorithm) || (is_default && nothing_signs())))
      return stand_in(algorithm);
    auto waiting = static_cast<std::int64_t>(line.standby.size()) + line.pending;
    const bool is_first = line.active == nullptr && !line.standby.empty();
    // One more must be ready behind it: it is what stands in when this one has to be revoked.
    const bool is_due =
        line.active != nullptr && line.standby.size() >= 2 && remaining(*line.active) <= std::chrono::milliseconds{0};
    if (is_first || is_due) {
      plan_.steps.emplace_back(store::ActivateKey{line.standby.front()->kid});
      --waiting;
    }
    auto published =
        static_cast<std::size_t>(std::ranges::count_if(
            view_.keys, [](const StoredKey& key) { return key.audience.empty() && is_published(key.state); })) +
        plan_.new_keys.size();
    for (; waiting < wanted(line); ++waiting, ++published) {
      if (published >= published_keys_max) {
        plan_.is_held_up = true;
        return;
      }
      plan_.new_keys.push_back({algorithm, KeyState::pending});
    }
  }

  const KeySetView& view_;
  const KeyWatch& watch_;
  const KeySettings& settings_;
  StoreTime now_;
  Ticks ticks_;
  std::chrono::seconds max_age_;
  KeyPlan plan_;
};

}  // namespace

void KeyWatch::look(const KeySetView& view, Ticks now) {
  std::set<std::string> published, active;
  for (const StoredKey& key : view.keys) {
    if (key.published_at) published.insert(key.kid);
    if (key.state == KeyState::active) active.insert(key.kid);
  }
  follow(published_, published, now);
  follow(active_, active, now);
  std::erase_if(nodes_, [&](const auto& entry) {
    return std::ranges::find(view.nodes, entry.first, &KeyNode::id) == view.nodes.end();
  });
  std::chrono::seconds longest{0};
  for (const KeyNode& node : view.nodes) {
    auto [seen, is_new] = nodes_.try_emplace(node.id, Reports{node.reports, now});
    if (seen->second.count != node.reports) seen->second = {node.reports, now};
    if (is_live(node, now)) longest = std::max(longest, node.max_age);
  }
  if (longest >= view.max_age) {
    shorter_since_.reset();
  } else if (!shorter_since_) {
    shorter_since_ = now;
  }
}

std::optional<Ticks> KeyWatch::since(const Since& seen, const std::string& what, Ticks now) {
  const auto found = seen.find(what);
  return found == seen.end() ? std::nullopt : std::optional{now - found->second};
}

Ticks KeyWatch::silent_for(const KeyNode& node, Ticks now) const {
  const auto found = nodes_.find(node.id);
  if (found == nodes_.end() || found->second.count != node.reports) return Ticks{0};
  return now - found->second.seen_at;
}

KeyPlan plan_keys(const KeySetView& view, const KeyWatch& watch, const KeySettings& settings, StoreTime now,
                  Ticks ticks) {
  return Planner(view, watch, settings, now, ticks).plan();
}

}  // namespace jeton::issuer
