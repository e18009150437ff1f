// KeyTender: carries the life cycle of keys out. Every node has one; whichever gets to the store first does what is
// due, and the others find it done.
//
// One step: report to the store, load the set if it has changed, work out what is due, make the key that is needed, and
// ask the store to carry it out if the set is still the one that was looked at. Waits for the store and makes RSA keys:
// never on an event loop's thread.
#pragma once

#include "issuer/keyring.h"
#include "platform/fault.h"

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace jeton::issuer {

class KeyTender {
 public:
  explicit KeyTender(Keyring& keyring) : keyring_(keyring) {}
  ~KeyTender() { stop(); }
  KeyTender(const KeyTender&) = delete;
  KeyTender& operator=(const KeyTender&) = delete;

  enum class Step : std::uint8_t {
    rested,   // nothing was due
    changed,  // something was, or the set was loaded anew: the next step should follow at once
  };
  // One thread at a time: before start(), or instead of it.
  platform::Outcome<Step> step();

  // Steps, on a thread of its own, until stop(); then this node is forgotten. The store must still be there for stop().
  // Between two steps `between` is called, for other small things that are due now and then.
  void start(std::function<void()> between);
  void stop();
  // The next step follows at once.
  void wake();

 private:
  bool tend(std::string& said);
  void run(const std::function<void()>& between);
  platform::Outcome<Step> carry_out(const store::KeySetView& view, KeyPlan plan);
  std::chrono::milliseconds interval() const;

  Keyring& keyring_;
  KeyWatch watch_;
  bool was_held_up_ = false;
  std::mutex mutex_;
  std::condition_variable woken_;
  bool is_awake_ = false, stopping_ = false;
  std::thread thread_;
};

}  // namespace jeton::issuer
