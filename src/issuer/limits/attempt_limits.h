// AttemptLimits: how often passwords may be tried (security: brute force and stuffing), such that nobody can be locked
// out by somebody else's attempts.
//
// An attempt from a device that is not known counts in three budgets: of the account (known or not, so that the answer
// tells nothing), of the block of addresses it comes from (IPv4 /24, IPv6 /64: what one attacker has cheaply), and of
// all such attempts together. One from a device that has signed in to this account before counts in a budget of that
// device and account alone: whatever a stranger tries, it stays open. Only failures are counted.
//
// Of attempts under way at the same moment all are let in that find a budget open; no more than the password pool has
// places for, and what they take beyond the budget they owe.
#pragma once

#include "issuer/limits/attempt_table.h"
#include "platform/metrics.h"
#include "store/ids.h"

#include <jeton/secret.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace jeton::issuer {

struct AttemptRules {
  AttemptRate account{.burst = 10, .period = std::chrono::minutes{10}};
  AttemptRate device{.burst = 10, .period = std::chrono::minutes{10}};
  AttemptRate block{.burst = 100, .period = std::chrono::minutes{10}};
  AttemptRate all{.burst = 3000, .period = std::chrono::minutes{10}};
};

struct Attempt {
  std::string_view account;  // the compared form of the address that was given
  std::string_view address;  // of the peer
  std::string_view device;   // its proven value; empty: not known
};

class AttemptLimits {
 public:
  static constexpr std::size_t slots = 64 * 1024;  // some 1 MiB

  explicit AttemptLimits(platform::Metrics& metrics);

  // Nothing if the attempt may be made, else after how long it may.
  std::optional<std::chrono::seconds> refuse(const Attempt& attempt, const AttemptRules& rules, store::StoreTime now);
  void count_failure(const Attempt& attempt, const AttemptRules& rules, store::StoreTime now);

  // The budget of requests that cost a mail or a hash and say no password: by block and in all alone. Each is counted.
  std::optional<std::chrono::seconds> take_request(std::string_view address, const AttemptRules& rules,
                                                   store::StoreTime now);

  // "192.0.2.0/24", "2001:db8:1:2::/64"; an IPv4 address mapped into IPv6 is the IPv4 address.
  static std::string block_of(std::string_view address);

 private:
  std::uint64_t fingerprint(std::string_view kind, std::string_view a, std::string_view b = {}) const;

  const SecretBytes key_;  // of this process: fingerprints say nothing to anybody else, and cannot be aimed
  AttemptTable table_;
  platform::Counter &by_account_, &by_device_, &by_block_, &by_all_;
};

}  // namespace jeton::issuer
