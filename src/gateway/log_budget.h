// LogBudget: how many lines a second a log may have, so that whoever causes many of one kind can neither fill the disk
// nor hide the others: all kinds have a common budget, and beyond it each a share of its own, a twentieth of the common
// one and at least one line.
// Pure: the time is handed in. Threads: any; no lock.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace jeton::gateway {

class LogBudget {
 public:
  // Kinds are numbered from 0. Without lines there are none at all, shares neither.
  LogBudget(std::size_t kinds, std::uint32_t lines_per_second_max) : lines_max_(lines_per_second_max), shares_(kinds) {}
  void set_lines_per_second_max(std::uint32_t lines) noexcept { lines_max_.store(lines, std::memory_order_relaxed); }

  // Whether a line of this kind may be written now; it is counted then.
  bool take(std::size_t kind, std::chrono::nanoseconds monotonic) noexcept {
    const auto second = static_cast<std::uint64_t>(monotonic / std::chrono::seconds(1)) + 1;
    const std::uint32_t lines = lines_max_.load(std::memory_order_relaxed);
    return take_from(common_, second, lines) || take_from(shares_[kind], second, share_of(lines));
  }

 private:
  // The second, and how many lines it has seen: 40 and 24 bits.
  using Window = std::atomic<std::uint64_t>;
  static constexpr unsigned count_bits = 24;
  static std::uint32_t share_of(std::uint32_t lines) noexcept {
    return lines == 0 ? 0 : std::max<std::uint32_t>(1, lines / 20);
  }
  static bool take_from(Window& window, std::uint64_t second, std::uint32_t most) noexcept {
    std::uint64_t seen = window.load(std::memory_order_relaxed);
    while (true) {
      const std::uint64_t count = seen >> count_bits == second ? seen & ((1U << count_bits) - 1) : 0;
      if (count >= most) return false;
      if (window.compare_exchange_weak(seen, second << count_bits | (count + 1), std::memory_order_relaxed))
        return true;
    }
  }

  std::atomic<std::uint32_t> lines_max_;
  Window common_ = 0;
  std::vector<Window> shares_;
};

}  // namespace jeton::gateway
