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
  std::array<std::uint8_t, 64> pack;
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
  for (std::size_t i = 0; i < 48; ++i) tables.pack[i] = static_cast<std::uint8_t>(i / 3 * 4 + 2 - i % 3);
  return tables;
}
constexpr Tables tables = make_tables();

// 64 characters to 48 bytes, by one look-up in a table of 128; the last group of blocks under a mask.
__attribute__((target("avx512f,avx512bw,avx512vbmi"))) std::size_t avx512(const char* text, std::size_t size,
                                                                          std::byte* out) noexcept {
  const __m512i low = _mm512_loadu_si512(tables.values.data()), high = _mm512_loadu_si512(tables.values.data() + 64);
  const __m512i pack = _mm512_loadu_si512(tables.pack.data());
  const std::size_t whole = size / 4 * 4;
  __m512i wrong = _mm512_setzero_si512();
  for (std::size_t done = 0; done < whole; done += 64, out += 48) {
    const std::size_t here = whole - done < 64 ? whole - done : 64;
    const __mmask64 read = here == 64 ? ~__mmask64{0} : (__mmask64{1} << here) - 1;
    const __mmask64 write = (__mmask64{1} << (here / 4 * 3)) - 1;
    const __m512i v = _mm512_mask_loadu_epi8(_mm512_set1_epi8('A'), read, text + done);
    const __m512i values = _mm512_permutex2var_epi8(low, v, high);
    // Bytes from 0x80 index the table modulo 128, so their own top bit counts too.
    wrong = _mm512_or_si512(wrong, _mm512_or_si512(values, v));
    const __m512i pairs = _mm512_maddubs_epi16(values, _mm512_set1_epi32(0x01400140));
    const __m512i groups = _mm512_madd_epi16(pairs, _mm512_set1_epi32(0x00011000));
    _mm512_mask_storeu_epi8(out, write, _mm512_permutexvar_epi8(pack, groups));
  }
  return _mm512_movepi8_mask(wrong) == 0 ? whole : refused_character;
}

#endif

}  // namespace

DecodeBlocks decode_blocks_avx2() noexcept {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return avx2;
#endif
  return nullptr;
}

DecodeBlocks decode_blocks_avx512() noexcept {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vbmi")) return avx512;
#endif
  return nullptr;
}

std::size_t decode_blocks(const char* text, std::size_t size, std::byte* out) noexcept {
  static constinit std::atomic<DecodeBlocks> chosen{nullptr};
  DecodeBlocks decode = chosen.load(std::memory_order_relaxed);
  if (decode == nullptr) {
    decode = decode_blocks_avx512();
    if (decode == nullptr) decode = decode_blocks_avx2();
    if (decode == nullptr) decode = none;
    chosen.store(decode, std::memory_order_relaxed);
  }
  return decode(text, size, out);
}

}  // namespace jeton::jose::base64url
