// KeySource: the keys of one issuer, kept fresh.
//
// One coroutine on the agent's loop asks for them, so there is never more than one request at a time. A good answer
// replaces the set; anything else (late, too large, no 200, a redirect, no key that could be used) changes nothing,
// until the set has not been confirmed for keys_stale_max: then it is dropped.
#pragma once

#include "agent/parts.h"

#include <jeton/key_set.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace jeton::agent {

// Why keys are fetched; as in the metric.
enum class FetchReason : std::uint8_t { schedule, unknown_key, feed };

class KeySource {
 public:
  struct Events {
    std::function<void()> changed;  // another set, or none
    // The set was confirmed by an answer asked for after `asked_after` of the feed's snapshots.
    std::function<void(const std::vector<std::string>& kids, std::uint64_t asked_after)> confirmed;
    std::function<std::uint64_t()> snapshots;  // how many the feed has had
    std::function<std::string()> feed_epoch;   // of the feed; empty without one
    std::function<void()> looked;              // a try has ended
  };
  KeySource(const Parts& parts, const AgentIssuer& issuer, Events events);

  // The last good set, from disk. Before run().
  void load();
  boost::asio::awaitable<void> run();
  // Writes down what is known, in place of what another has written meanwhile.
  void take_state();
  // Asks again now; once more if it is asking already.
  void ask(FetchReason reason);

  const std::optional<KeySet>& keys() const noexcept { return keys_; }
  std::vector<std::string> kids() const;
  std::chrono::milliseconds age() const;
  const std::string& problem() const noexcept { return problem_; }
  std::uint64_t looks() const noexcept { return looks_; }

 private:
  struct Answer {
    bool confirmed = false;  // 304: what we have is right
    std::string jwks, etag;
    std::chrono::milliseconds fresh;
  };
  boost::asio::awaitable<void> look(FetchReason reason);
  boost::asio::awaitable<platform::Outcome<Answer>> fetch(FetchReason reason);
  boost::asio::awaitable<platform::Outcome<std::string>> address(FetchReason reason);
  http::Reach reach_of(const std::string& at) const;
  platform::Outcome<Answer> read_file() const;
  // Whether there was a usable set in `jwks`.
  platform::Outcome<void> take(const std::string& jwks);
  void confirm(std::chrono::milliseconds asked_at, std::uint64_t asked_after, const std::string& epoch);
  void drop_if_too_old();
  void store(const std::string& epoch);
  void report(std::string_view result, FetchReason reason);
  std::string source() const;

  const Parts& parts_;
  const AgentIssuer& issuer_;
  Events events_;
  std::string name_, path_;
  Pause pause_;
  std::optional<FetchReason> asked_{};
  unsigned failures_ = 0;
  std::uint64_t looks_ = 0;
  std::string address_{};  // found by discovery
  std::chrono::milliseconds address_found_{0};
  std::optional<KeySet> keys_{};
  std::string jwks_{}, etag_{}, problem_{};
  std::string epoch_{};  // of the feed, when the set was confirmed
  std::chrono::milliseconds confirmed_at_{0};
  std::optional<std::chrono::milliseconds> stored_at_{};
  std::chrono::milliseconds next_{0};
};

}  // namespace jeton::agent
