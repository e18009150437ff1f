// What only the system, or a sanitizer, can be told of memory. Each is advice: where there is nobody to take it,
// nothing happens.
#pragma once

#include <cstddef>

namespace jeton::crypto {

inline constexpr std::size_t huge_page_bytes = 2 * 1024 * 1024;

// Asks for huge pages; `memory` is aligned to huge_page_bytes, and `bytes` a multiple of it.
void advise_huge_pages(void* memory, std::size_t bytes) noexcept;

// For an allocator of its own: whoever touches memory that is forbidden is reported by the address sanitizer, as if the
// block had come from the heap.
void forbid_access(void* memory, std::size_t bytes) noexcept;
void permit_access(void* memory, std::size_t bytes) noexcept;

}  // namespace jeton::crypto
