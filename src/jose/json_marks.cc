#include "jose/json_marks.h"

#include <atomic>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace jeton::jose {
namespace {

#if defined(__x86_64__)

// Signed and plus one, so that one comparison finds what is below the space, U+007F, and what is beyond ASCII.
std::uint64_t by_sse2(const char* block) noexcept {
  std::uint64_t marks = 0;
  for (std::size_t i = 0; i < marked_bytes; i += 16) {
    const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(block + i));
    __m128i special = _mm_cmplt_epi8(_mm_add_epi8(v, _mm_set1_epi8(1)), _mm_set1_epi8(0x21));
    special = _mm_or_si128(special, _mm_cmpeq_epi8(v, _mm_set1_epi8('"')));
    special = _mm_or_si128(special, _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
    marks |= static_cast<std::uint64_t>(static_cast<unsigned>(_mm_movemask_epi8(special))) << i;
  }
  return marks;
}

__attribute__((target("avx2"))) std::uint64_t by_avx2(const char* block) noexcept {
  std::uint64_t marks = 0;
  for (std::size_t i = 0; i < marked_bytes; i += 32) {
    const __m256i v = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(block + i));
    __m256i special = _mm256_cmpgt_epi8(_mm256_set1_epi8(0x21), _mm256_add_epi8(v, _mm256_set1_epi8(1)));
    special = _mm256_or_si256(special, _mm256_cmpeq_epi8(v, _mm256_set1_epi8('"')));
    special = _mm256_or_si256(special, _mm256_cmpeq_epi8(v, _mm256_set1_epi8('\\')));
    marks |= static_cast<std::uint64_t>(static_cast<unsigned>(_mm256_movemask_epi8(special))) << i;
  }
  return marks;
}

#endif

}  // namespace

std::uint64_t marks_bytewise(const char* block) noexcept {
  std::uint64_t marks = 0;
  for (std::size_t i = 0; i < marked_bytes; ++i) {
    const auto c = static_cast<unsigned char>(block[i]);
    marks |= static_cast<std::uint64_t>(c < 0x20 || c >= 0x7f || c == '"' || c == '\\') << i;
  }
  return marks;
}

Marks marks_sse2() noexcept {
#if defined(__x86_64__)
  return by_sse2;
#else
  return nullptr;
#endif
}

Marks marks_avx2() noexcept {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return by_avx2;
#endif
  return nullptr;
}

Marks best_marks() noexcept {
  static constinit std::atomic<Marks> chosen{nullptr};
  Marks marks = chosen.load(std::memory_order_relaxed);
  if (marks == nullptr) {
    marks = marks_avx2();
    if (marks == nullptr) marks = marks_sse2();
    if (marks == nullptr) marks = marks_bytewise;
    chosen.store(marks, std::memory_order_relaxed);
  }
  return marks;
}

}  // namespace jeton::jose
