// ReaderCount: lets one writer know when nobody can still be reading what it has replaced.
//
// A reader says so before it loads the pointer, and again when it is done with it. The writer puts what it has replaced
// aside; it is given back once every place where readers say so has been seen idle since then. Nobody waits: what is
// still read stays aside until the writer looks again.
//
// The first threads of a process have a place each, which costs one store with a fence. All others share some, where
// they are counted; those have two sets of counters, and readers change from one to the other at each look, so that no
// set is busy for ever.
//
// Why this is enough: entering, loading the pointer, replacing it and looking are all sequentially consistent. A reader
// that the writer did not see entered after that look, so it loads a pointer that was put there before the look, or
// later: never the one put aside.
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
  // One at a time in each thread.
  class Reading {
   public:
    explicit Reading(ReaderCount& count) noexcept {
      const std::size_t number = number_of_this_thread();
      if (number < own_places) [[likely]] {
        own_ = &count.own_[number].value;
        own_->store(1, std::memory_order_seq_cst);
      } else {
        shared_ = &count.shared_[number % shared_places].value[count.set_.load(std::memory_order_relaxed)];
        shared_->fetch_add(1, std::memory_order_seq_cst);
      }
    }
    ~Reading() {
      if (own_ != nullptr) [[likely]] {
        own_->store(0, std::memory_order_release);
      } else {
        shared_->fetch_sub(1, std::memory_order_release);
      }
    }
    Reading(const Reading&) = delete;
    Reading& operator=(const Reading&) = delete;

   private:
    std::atomic<std::uint32_t>* own_ = nullptr;
    std::atomic<std::uint32_t>* shared_ = nullptr;
  };

  // The places that are idle now, as bits. Then sends new readers to the other set.
  std::uint64_t look() noexcept {
    std::uint64_t idle = 0;
    std::size_t bit = 0;
    const auto look_at = [&](const std::atomic<std::uint32_t>& place) {
      if (place.load(std::memory_order_seq_cst) == 0) idle |= std::uint64_t{1} << bit;
      ++bit;
    };
    for (const Own& place : own_) look_at(place.value);
    for (const Shared& place : shared_) {
      look_at(place.value[0]);
      look_at(place.value[1]);
    }
    set_.store(1 - set_.load(std::memory_order_relaxed), std::memory_order_relaxed);
    return idle;
  }

 private:
  static constexpr std::size_t own_places = 48, shared_places = 8;
  static_assert(own_places + 2 * shared_places == 64);

  static std::size_t number_of_this_thread() noexcept {
    static constinit std::atomic<std::size_t> next{1};
    static constinit thread_local std::size_t number = 0;
    if (number == 0) [[unlikely]]
      number = next.fetch_add(1, std::memory_order_relaxed);
    return number - 1;
  }

  struct alignas(64) Own {
    std::atomic<std::uint32_t> value{0};
  };
  struct alignas(64) Shared {
    std::array<std::atomic<std::uint32_t>, 2> value{};
  };
  std::array<Own, own_places> own_{};
  std::array<Shared, shared_places> shared_{};
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
    std::uint64_t busy;  // the places that have not been seen idle since
    std::vector<T> replaced;
  };
  std::vector<Batch> batches_{};
  Batch* fresh_ = nullptr;
};

}  // namespace jeton
