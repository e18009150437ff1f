// FailureBudget: how many tokens may be refused after their signature was looked at, so that they cannot burn the core.
// A forged ES256 token costs as much to refuse as a good one to accept, and so does one that has expired.
//
// Asked only about tokens that are not in the cache: a caller whose token was verified before is never in its way.
// A failure counts in two budgets: that of its block of addresses (an IPv4 address, a /64 of IPv6), and one of many
// blocks together, because whoever has many addresses has many blocks. Of the latter there are two: one for blocks from
// which a good token came within the last hour, one for all others. So a flood of forged tokens does not lock out those
// who are known to be there, and a newcomer meets what the flood leaves.
// Callers that were let in at the same moment are all verified, so a budget can be overdrawn by as many as there are
// threads.
// Threads: all members may be called from any number of threads. No allocation.
#pragma once

#include <jeton/error.h>
#include <jeton/rate_limit.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace jeton {

struct FailureBudgetOptions {
  Rate block = Rate::per(std::chrono::seconds{1}, 10, 100).value();     // of one block of addresses
  Rate all = Rate::per(std::chrono::seconds{1}, 2'000, 2'000).value();  // of each of the two: 0.12 of a core with ES256
  std::size_t blocks_max = 64 * 1024;  // remembered; 37 bytes each, taken as they are used
};

class FailureBudget {
 public:
  explicit FailureBudget(FailureBudgetOptions options = {});
  ~FailureBudget();
  FailureBudget(const FailureBudget&) = delete;
  FailureBudget& operator=(const FailureBudget&) = delete;

  // Before a token that is not in the cache is verified: nothing if it may be, else after how long to try again.
  std::optional<std::chrono::seconds> refuse(std::string_view address, std::chrono::nanoseconds monotonic) noexcept;
  // After it was verified: it was refused although its form and its key were good (see costs_a_failure), or accepted.
  void count_failure(std::string_view address, std::chrono::nanoseconds monotonic) noexcept;
  void count_success(std::string_view address, std::chrono::nanoseconds monotonic) noexcept;

  struct Counts {
    std::uint64_t refused_by_block, refused_by_all;  // by either of the two
  };
  Counts counts() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// True if a verifier that refuses with this error has looked at the signature before.
bool costs_a_failure(Errc code) noexcept;

}  // namespace jeton
