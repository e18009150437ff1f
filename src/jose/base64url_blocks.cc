#include "jose/base64url_blocks.h"

#include <array>
#include <atomic>
#include <cstdint>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace jeton::jose::base64url {
namespace {

std::size_t none(const char*, std::size_t, std::byte*) noexcept { return 0; }

#if defined(__x86_64__)

__attribute__((target("avx2"))) __m256i within(__m256i v, char first, char last) noexcept {
  return _mm256_and_si256(_mm256_cmpgt_epi8(v, _mm256_set1_epi8(static_cast<char>(first - 1))),
                          _mm256_cmpgt_epi8(_mm256_set1_epi8(static_cast<char>(last + 1)), v));
}

// 32 characters to 24 bytes. Characters are told apart by comparing ranges; bytes from 0x80 are negative and so in
// none.
__attribute__((target("avx2"))) std::size_t avx2(const char* text, std::size_t size, std::byte* out) noexcept {
  const __m256i to_24_bits = _mm256_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1,  //
                                              2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1);
  std::size_t done = 0;
  // The two halves are stored with 16 bytes each, 12 of them meant: so 8 more characters must follow.
  for (; done + 40 <= size; done += 32, out += 24) {
    const __m256i v = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(text + done));
    const __m256i upper = within(v, 'A', 'Z'), lower = within(v, 'a', 'z'), digit = within(v, '0', '9');
    const __m256i dash = _mm256_cmpeq_epi8(v, _mm256_set1_epi8('-')),
                  line = _mm256_cmpeq_epi8(v, _mm256_set1_epi8('_'));
    const __m256i known =
        _mm256_or_si256(_mm256_or_si256(upper, lower), _mm256_or_si256(digit, _mm256_or_si256(dash, line)));
    if (_mm256_movemask_epi8(known) != -1) return refused_character;
    __m256i shift = _mm256_and_si256(upper, _mm256_set1_epi8(-'A'));
    shift = _mm256_or_si256(shift, _mm256_and_si256(lower, _mm256_set1_epi8(26 - 'a')));
    shift = _mm256_or_si256(shift, _mm256_and_si256(digit, _mm256_set1_epi8(52 - '0')));
    shift = _mm256_or_si256(shift, _mm256_and_si256(dash, _mm256_set1_epi8(62 - '-')));
    shift = _mm256_or_si256(shift, _mm256_and_si256(line, _mm256_set1_epi8(63 - '_')));
    const __m256i values = _mm256_add_epi8(v, shift);
    const __m256i pairs = _mm256_maddubs_epi16(values, _mm256_set1_epi32(0x01400140));
    const __m256i groups = _mm256_madd_epi16(pairs, _mm256_set1_epi32(0x00011000));
    const __m256i packed = _mm256_shuffle_epi8(groups, to_24_bits);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm256_castsi256_si128(packed));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(out + 12), _mm256_extracti128_si256(packed, 1));
    const int last = _mm_extract_epi32(_mm256_extracti128_si256(packed, 1), 2);
    __builtin_memcpy(out + 20, &last, 4);
  }
  return done;
}

struct Tables {
  std::array<std::uint8_t, 128> values;
  std::array<std::uint8_t, 32> pack;
};

constexpr Tables make_tables() {
  Tables tables{};
  tables.values.fill(0x80);
  for (int i = 0; i < 26; ++i) {
    tables.values[static_cast<std::size_t>('A' + i)] = static_cast<std::uint8_t>(i);
    tables.values[static_cast<std::size_t>('a' + i)] = static_cast<std::uint8_t>(26 + i);
  }
  for (int i = 0; i < 10; ++i) tables.values[static_cast<std::size_t>('0' + i)] = static_cast<std::uint8_t>(52 + i);
  tables.values['-'] = 62;
  tables.values['_'] = 63;
  for (std::size_t i = 0; i < 24; ++i) tables.pack[i] = static_cast<std::uint8_t>(i / 3 * 4 + 2 - i % 3);
  return tables;
}
constexpr Tables tables = make_tables();

#define JETON_VBMI __attribute__((target("avx2,avx512f,avx512bw,avx512vl,avx512vbmi")))

JETON_VBMI __m256i table_part(std::size_t from) noexcept {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(tables.values.data() + from));
}

// 32 characters to 24 bytes, by a look-up in a table of 128; the last block under a mask. In registers of 256 bits:
// some processors lower their clock for those of 512, and all that comes after, an RSA verification say, is slower by
// 8 % to 16 %.
JETON_VBMI std::size_t vbmi(const char* text, std::size_t size, std::byte* out) noexcept {
  const __m256i low_a = table_part(0), low_b = table_part(32), high_a = table_part(64), high_b = table_part(96);
  const __m256i pack = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(tables.pack.data()));
  const __m256i bit6 = _mm256_set1_epi8(0x40);
  const std::size_t whole = size / 4 * 4;
  __m256i wrong = _mm256_setzero_si256();
  const auto decode = [&](__m256i v) JETON_VBMI {
    const __m256i low = _mm256_permutex2var_epi8(low_a, v, low_b);
    const __m256i high = _mm256_permutex2var_epi8(high_a, v, high_b);
    const __m256i values = _mm256_mask_blend_epi8(_mm256_test_epi8_mask(v, bit6), low, high);
    // Bytes from 0x80 index the table modulo 128, so their own top bit counts too.
    wrong = _mm256_or_si256(wrong, _mm256_or_si256(values, v));
    const __m256i pairs = _mm256_maddubs_epi16(values, _mm256_set1_epi32(0x01400140));
    const __m256i groups = _mm256_madd_epi16(pairs, _mm256_set1_epi32(0x00011000));
    return _mm256_permutexvar_epi8(pack, groups);
  };
  std::size_t done = 0;
  // A whole register is stored, 24 bytes of it meant: so 12 more characters must follow.
  for (; done + 44 <= whole; done += 32, out += 24) {
    const __m256i v = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(text + done));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), decode(v));
  }
  for (; done < whole; done += 32, out += 24) {
    const std::size_t here = whole - done < 32 ? whole - done : 32;
    const __mmask32 read = here == 32 ? ~__mmask32{0} : (__mmask32{1} << here) - 1;
    const __mmask32 write = (__mmask32{1} << (here / 4 * 3)) - 1;
    const __m256i v = _mm256_mask_loadu_epi8(_mm256_set1_epi8('A'), read, text + done);
    _mm256_mask_storeu_epi8(out, write, decode(v));
  }
  return _mm256_movepi8_mask(wrong) == 0 ? whole : refused_character;
}

#undef JETON_VBMI

#endif

}  // namespace

DecodeBlocks decode_blocks_avx2() noexcept {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return avx2;
#endif
  return nullptr;
}

DecodeBlocks decode_blocks_vbmi() noexcept {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512vbmi"))
    return vbmi;
#endif
  return nullptr;
}

std::size_t decode_blocks(const char* text, std::size_t size, std::byte* out) noexcept {
  static constinit std::atomic<DecodeBlocks> chosen{nullptr};
  DecodeBlocks decode = chosen.load(std::memory_order_relaxed);
  if (decode == nullptr) {
    decode = decode_blocks_vbmi();
    if (decode == nullptr) decode = decode_blocks_avx2();
    if (decode == nullptr) decode = none;
    chosen.store(decode, std::memory_order_relaxed);
  }
  return decode(text, size, out);
}

}  // namespace jeton::jose::base64url
