// ReaderCount: lets one writer know when nobody can still be reading what it has replaced.
//
// A reader counts itself in before it loads the pointer and out when it is done with it. The writer puts what it has
// replaced aside; it is given back once every counter has been seen at zero since then. There are two sets of counters,
// and readers change from one to the other at each look, so that no set is busy for ever. Nobody waits: what is still
// read stays aside until the writer looks again.
//
// Why this is enough: counting in, loading the pointer, replacing it and reading a counter are all sequentially
// consistent. A reader that the writer did not see counted itself in after that look, so it loads a pointer that was
// put there before the look, or later: never the one put aside.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace jeton {

class ReaderCount {
 public:
  class Reading {
   public:
    explicit Reading(ReaderCount& count) noexcept : counter_(count.counter_of_this_thread()) {
      counter_.fetch_add(1, std::memory_order_seq_cst);
    }
    ~Reading() { counter_.fetch_sub(1, std::memory_order_release); }
    Reading(const Reading&) = delete;
    Reading& operator=(const Reading&) = delete;

   private:
    std::atomic<std::uint32_t>& counter_;
  };

  // The counters at which nobody is reading now, as bits. Then sends new readers to the other set.
  std::uint64_t look() noexcept {
    std::uint64_t idle = 0;
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      for (std::size_t set = 0; set < 2; ++set) {
        if (lines_[i].readers[set].load(std::memory_order_seq_cst) == 0) idle |= std::uint64_t{1} << (2 * i + set);
      }
    }
    set_.store(1 - set_.load(std::memory_order_relaxed), std::memory_order_relaxed);
    return idle;
  }

 private:
  std::atomic<std::uint32_t>& counter_of_this_thread() noexcept {
    static std::atomic<std::size_t> next{0};
    thread_local const std::size_t number = next.fetch_add(1, std::memory_order_relaxed);
    return lines_[number % lines_.size()].readers[set_.load(std::memory_order_relaxed)];
  }

  struct alignas(64) Line {
    std::array<std::atomic<std::uint32_t>, 2> readers{};
  };
  std::array<Line, 32> lines_{};
  std::atomic<std::uint32_t> set_{0};
};

// What has been replaced, until nobody reads it.
template <class T>
class PutAside {
 public:
  void add(T replaced) {
    if (fresh_ == nullptr) {
      batches_.push_back({~std::uint64_t{0}, {}});
      fresh_ = &batches_.back();
    }
    fresh_->replaced.push_back(std::move(replaced));
  }
  void give_back(ReaderCount& readers) {
    fresh_ = nullptr;
    if (batches_.empty()) return;
    const std::uint64_t idle = readers.look();
    std::erase_if(batches_, [idle](Batch& batch) { return (batch.busy &= ~idle) == 0; });
  }
  std::size_t size() const noexcept { return batches_.size(); }

 private:
  struct Batch {
    std::uint64_t busy;  // the counters that have not been seen idle since
    std::vector<T> replaced;
  };
  std::vector<Batch> batches_{};
  Batch* fresh_ = nullptr;
};

}  // namespace jeton
