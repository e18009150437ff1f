// TokenMemory: where the tokens of a cache lie. A million of them are two gigabytes at random places; in pages of 4 KiB
// a look-up then waits longer for the places of its pages than for the token. So what is large lies in huge pages,
// where the system lets whoever asks have them.
//
// Blocks of one size class share a chunk; a class begins with a small chunk and takes larger ones as it grows, so that
// a cache of some tokens costs little. What is freed serves the next token of its class and no other, so that memory is
// bounded by the most that each class held; chunks are given back when the memory ends, which its owners (each block's
// shared_ptr among them) see to.
// Threads: any, for all members; a lock for each class.
#pragma once

#include "crypto/large_memory.h"

#include <array>
#include <cstddef>
#include <mutex>
#include <vector>

namespace jeton {

class TokenMemory {
 public:
  static constexpr std::size_t step_bytes = 128;            // blocks begin at multiples of it: two cache lines
  static constexpr std::size_t block_bytes_max = 8 * 1024;  // larger ones come from the heap, one by one
  static constexpr std::size_t chunk_bytes_min = 16 * 1024;
  static constexpr std::size_t chunk_bytes_max = crypto::huge_page_bytes;

  TokenMemory() = default;
  ~TokenMemory();
  TokenMemory(const TokenMemory&) = delete;
  TokenMemory& operator=(const TokenMemory&) = delete;

  // Aligned to step_bytes, but for those beyond block_bytes_max. Throws std::bad_alloc.
  void* allocate(std::size_t bytes);
  // `bytes` as they were asked for.
  void deallocate(void* block, std::size_t bytes) noexcept;

  std::size_t chunk_bytes() const noexcept;  // of all chunks

 private:
  struct Free {
    Free* next;
  };
  struct Class {
    mutable std::mutex mutex;
    Free* free = nullptr;
    std::byte* begin = nullptr;  // what of the newest chunk was never handed out
    std::byte* end = nullptr;
    std::vector<void*> chunks;
    std::size_t bytes = 0;  // of the chunks
  };
  static void grow(Class& of, std::size_t block_bytes);

  std::array<Class, block_bytes_max / step_bytes> classes_;
};

}  // namespace jeton
