#include "crypto/large_memory.h"

#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#define JETON_ADDRESSES_ARE_CHECKED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define JETON_ADDRESSES_ARE_CHECKED 1
#endif
#endif
#if defined(JETON_ADDRESSES_ARE_CHECKED)
#include <sanitizer/asan_interface.h>
#endif

namespace jeton::crypto {

void advise_huge_pages(void* memory, std::size_t bytes) noexcept {
#if defined(MADV_HUGEPAGE)
  static_cast<void>(::madvise(memory, bytes, MADV_HUGEPAGE));
#endif
}

void forbid_access([[maybe_unused]] void* memory, [[maybe_unused]] std::size_t bytes) noexcept {
#if defined(JETON_ADDRESSES_ARE_CHECKED)
  ASAN_POISON_MEMORY_REGION(memory, bytes);
#endif
}

void permit_access([[maybe_unused]] void* memory, [[maybe_unused]] std::size_t bytes) noexcept {
#if defined(JETON_ADDRESSES_ARE_CHECKED)
  ASAN_UNPOISON_MEMORY_REGION(memory, bytes);
#endif
}

}  // namespace jeton::crypto
