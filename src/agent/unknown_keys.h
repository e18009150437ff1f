// UnknownKeys: which tokens of unknown keys are worth a look at the issuer. A flood of forged ones costs one look in a
// cool-down, whatever they name; one name that was looked for in vain costs none for a while.
// Threads: all members from any number of threads, without a lock.
#pragma once

#include "crypto/short_hash.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace jeton::agent {

class UnknownKeys {
 public:
  static constexpr std::chrono::milliseconds remembered_for{300'000};

  UnknownKeys(std::chrono::milliseconds cooldown, std::uint32_t count_max);

  // True at most once in a cool-down, and then somebody must ask.
  bool is_worth_asking(std::string_view kid, std::chrono::milliseconds now) noexcept;
  // These are known now.
  void found(const std::vector<std::string>& kids) noexcept;

 private:
  struct Seen {
    std::atomic<std::uint64_t> name{0};  // by its hash; 0: none
    std::atomic<std::int64_t> at{0};
  };
  std::uint64_t name_of(std::string_view kid) const noexcept;

  std::chrono::milliseconds cooldown_;
  std::uint32_t count_;
  crypto::ShortHashKey key_{};
  std::unique_ptr<Seen[]> seen_;
  std::atomic<std::uint32_t> next_{0};
  std::atomic<std::int64_t> asked_at_;
};

}  // namespace jeton::agent
