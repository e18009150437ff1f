#include "issuer/keys/key_tender.h"

#include "issuer/completion.h"
#include "issuer/keys/key_rows.h"
#include "platform/log.h"

#include <algorithm>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jeton::issuer {
namespace {

using store::KeyChange;
using store::KeySetView;

constexpr std::chrono::milliseconds interval_min{250};
constexpr std::chrono::milliseconds interval_max{1000};

struct Named {
  std::string_view what;
  std::string_view kid;
};

Named named(const store::KeyStep& step) {
  struct Namer {
    Named operator()(const store::AddKey& it) const { return {"added", it.key.kid}; }
    Named operator()(const store::MarkPublished& it) const { return {"published by every node", it.kid}; }
    Named operator()(const store::MatureKey& it) const { return {"ready to sign", it.kid}; }
    Named operator()(const store::ActivateKey& it) const { return {"signs from now on", it.kid}; }
    Named operator()(const store::DrainKey& it) const { return {"signs no more: its algorithm was removed", it.kid}; }
    Named operator()(const store::RetireKey& it) const { return {"retired, private part destroyed", it.kid}; }
    Named operator()(const store::RemoveKey& it) const { return {"removed", it.kid}; }
    Named operator()(const store::LowerMaxAge&) const { return {"", ""}; }
    Named operator()(const store::ForgetNode&) const { return {"", ""}; }
  };
  return std::visit(Namer{}, step);
}

}  // namespace

platform::Outcome<KeyTender::Step> KeyTender::step() {
  const auto asking = keyring_.ask();
  const auto view = waited<KeySetView>(
      [&](auto done) { keyring_.parts().store.signing_keys().report_node(asking.report, std::move(done)); });
  if (!view.has_value())
    return std::unexpected(platform::Fault{"the keys cannot be read: " + view.error().message, ""});
  if (const auto taken = keyring_.take(*view, asking); !taken.has_value()) return std::unexpected(taken.error());
  watch_.look(*view, asking.began);
  const auto rules = keyring_.parts().rules.get();
  KeyPlan plan = plan_keys(*view, watch_,
                           {.algorithms = keyring_.algorithms(),
                            .rotation_period = rules->key_rotation_period,
                            .max_age = rules->jwks_max_age},
                           keyring_.parts().clock.now(), asking.began);
  if (plan.is_held_up != was_held_up_) {
    was_held_up_ = plan.is_held_up;
    if (was_held_up_) {
      platform::log_warning("keys rotate more slowly than configured",
                            {{"reason", "as many are published as may be"}, {"limit", published_keys_max}});
    }
  }
  // What was loaded is reported at once: others wait for it.
  const bool has_loaded = view->version != asking.report.version;
  if (plan.is_empty()) return has_loaded ? Step::changed : Step::rested;
  return carry_out(*view, std::move(plan));
}

platform::Outcome<KeyTender::Step> KeyTender::carry_out(const KeySetView& view, KeyPlan plan) {
  // One new key a step, so that a slow one delays no report; all of them where nothing can sign yet.
  for (const NewKey& wanted : plan.new_keys) {
    const SigningKey key = SigningKey::generate(wanted.algorithm);
    plan.steps.emplace_back(store::AddKey{sealed_row(key, keyring_.parts().foundation.sealing_key, wanted.state)});
    if (wanted.state != store::KeyState::active) break;
  }
  const auto changed = waited<KeyChange>([&](auto done) {
    keyring_.parts().store.signing_keys().advance_keys(view.version, plan.steps, std::move(done));
  });
  if (!changed.has_value()) {
    return std::unexpected(platform::Fault{"the keys cannot be changed: " + changed.error().message, ""});
  }
  if (*changed == KeyChange::done) {
    for (const store::KeyStep& step : plan.steps) {
      if (const Named it = named(step); !it.kid.empty()) {
        platform::log_info("signing key", {{"kid", it.kid}, {"event_of_key", it.what}});
      }
    }
  }
  return Step::changed;
}

std::chrono::milliseconds KeyTender::interval() const {
  const std::chrono::milliseconds max_age = keyring_.parts().rules.get()->jwks_max_age;
  return std::clamp(max_age / 4, interval_min, interval_max);
}

void KeyTender::start(std::function<void()> between) {
  if (!thread_.joinable()) thread_ = std::thread([this, between = std::move(between)] { run(between); });
}

void KeyTender::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  woken_.notify_one();
  if (!thread_.joinable()) return;
  thread_.join();
  static_cast<void>(waited<bool>(
      [&](auto done) { keyring_.parts().store.signing_keys().forget_node(keyring_.node_id(), std::move(done)); }));
}

void KeyTender::wake() {
  {
    const std::lock_guard lock(mutex_);
    is_awake_ = true;
  }
  woken_.notify_one();
}

// One step, and a line in the log if it ends otherwise than the last one (`said`). Whether there is more to do at once.
bool KeyTender::tend(std::string& said) {
  const auto done = step();
  const std::string fault = done.has_value() ? std::string() : done.error().text();
  if (fault != said) {
    said = fault;
    if (fault.empty()) {
      platform::log_info("signing keys are tended again");
    } else {
      platform::log_error("signing keys not tended", {{"reason", fault}});
    }
  }
  return done.has_value() && *done == Step::changed;
}

void KeyTender::run(const std::function<void()>& between) {
  std::string said;
  for (;;) {
    bool is_due = false;
    try {
      is_due = tend(said);
      between();
    } catch (const std::bad_alloc&) {
      // Tended again at the next interval, from what the store then says.
    }
    // At once is a moment later: two nodes that overtake each other must not spin.
    constexpr std::chrono::milliseconds moment{20};
    std::unique_lock lock(mutex_);
    woken_.wait_for(lock, is_due ? moment : interval(), [this] { return stopping_ || is_awake_; });
    is_awake_ = false;
    if (stopping_) return;
  }
}

}  // namespace jeton::issuer
