#include "jose/token_memory.h"

#include "crypto/large_memory.h"

#include <algorithm>
#include <cassert>
#include <new>

namespace jeton {
namespace {

constexpr auto alignment_of(std::size_t chunk_bytes) {
  return std::align_val_t{chunk_bytes == TokenMemory::chunk_bytes_max ? chunk_bytes : TokenMemory::step_bytes};
}
constexpr std::size_t rounded(std::size_t bytes) {
  return (bytes + TokenMemory::step_bytes - 1) / TokenMemory::step_bytes * TokenMemory::step_bytes;
}

}  // namespace

TokenMemory::~TokenMemory() {
  for (Class& one : classes_) {
    std::size_t chunk_bytes = chunk_bytes_min;
    for (void* const chunk : one.chunks) {
      crypto::permit_access(chunk, chunk_bytes);
      ::operator delete(chunk, alignment_of(chunk_bytes));
      chunk_bytes = std::min(chunk_bytes * 2, chunk_bytes_max);
    }
  }
}

// The n-th chunk is twice as large as the one before, up to the largest.
void TokenMemory::grow(Class& of, std::size_t block_bytes) {
  constexpr std::size_t doublings_max = 7;
  static_assert(chunk_bytes_min << doublings_max == chunk_bytes_max);
  const std::size_t bytes = chunk_bytes_min << std::min(of.chunks.size(), doublings_max);
  of.chunks.reserve(of.chunks.size() + 1);
  void* const chunk = ::operator new(bytes, alignment_of(bytes));
  if (bytes == chunk_bytes_max) crypto::advise_huge_pages(chunk, bytes);
  of.chunks.push_back(chunk);
  of.bytes += bytes;
  of.begin = static_cast<std::byte*>(chunk);
  of.end = of.begin + bytes / block_bytes * block_bytes;
  crypto::forbid_access(chunk, bytes);
}

void* TokenMemory::allocate(std::size_t bytes) {
  if (bytes > block_bytes_max) return ::operator new(bytes);
  assert(bytes > 0);
  const std::size_t block_bytes = rounded(bytes);
  Class& of = classes_[block_bytes / step_bytes - 1];
  const std::lock_guard lock(of.mutex);
  if (of.free != nullptr) {
    Free* const block = of.free;
    crypto::permit_access(block, std::max(bytes, sizeof(Free)));
    of.free = block->next;
    return block;
  }
  if (of.begin == of.end) grow(of, block_bytes);
  std::byte* const block = of.begin;
  of.begin += block_bytes;
  crypto::permit_access(block, bytes);
  return block;
}

void TokenMemory::deallocate(void* block, std::size_t bytes) noexcept {
  if (bytes > block_bytes_max) return ::operator delete(block);
  const std::size_t block_bytes = rounded(bytes);
  Class& of = classes_[block_bytes / step_bytes - 1];
  const std::lock_guard lock(of.mutex);
  crypto::permit_access(block, sizeof(Free));
  of.free = ::new (block) Free{of.free};
  crypto::forbid_access(block, block_bytes);
}

std::size_t TokenMemory::chunk_bytes() const noexcept {
  std::size_t sum = 0;
  for (const Class& one : classes_) {
    const std::lock_guard lock(one.mutex);
    sum += one.bytes;
  }
  return sum;
}

}  // namespace jeton
