// Metrics: counters of what the issuer did, in the text format of Prometheus. Counted with relaxed atomics: cheap,
// exact in sum.
#pragma once

#include "issuer/password_pool.h"
#include "store/sessions.h"

#include <jeton/token_cache.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

namespace jeton::issuer {

class Metrics {
 public:
  using Counter = std::atomic<std::uint64_t>;

  Counter registrations{0}, logins{0}, logins_refused{0}, logouts{0};
  Counter refresh_tokens_forged{0};  // malformed or with a bad MAC: refused before the database heard of them
  Counter refresh_faults{0};         // 500: ours
  Counter store_faults{0};           // 503 elsewhere

  void count_rotation(store::RotateOutcome outcome) noexcept;
  void count_answer(int status) noexcept;

  std::string to_text(const PasswordPool::Counts& passwords, const TokenCache::Counts& cache) const;

 private:
  static constexpr std::size_t outcomes = static_cast<std::size_t>(store::RotateOutcome::wider_scope) + 1;
  std::array<Counter, outcomes> rotations_{};
  std::array<Counter, 6> answers_{};  // by the status code's first digit; 0 for what is none
};

// The outcome as in logs and metrics: "rotated".
std::string_view name_of(store::RotateOutcome outcome) noexcept;

}  // namespace jeton::issuer
