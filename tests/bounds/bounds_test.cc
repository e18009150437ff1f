// What reads many bytes at a time reads none beyond what it was given: here that would end the program.
#include "crypto/mac.h"
#include "jose/base64url.h"
#include "jose/base64url_blocks.h"
#include "jose/json.h"
#include "jose/json_marks.h"
#include "page_end.h"

#include <gtest/gtest.h>

#include <random>
#include <span>
#include <string>

namespace jeton::jose {
namespace {

// Nothing is read or written beyond either end, whatever the length and wherever it begins.
TEST(Bounds, Base64urlStaysWithinItsBoundsAtTheEndOfAPage) {
  const PageEnd text_page(512), out_page(512);
  std::mt19937_64 random(11);
  for (const auto blocks :
       {base64url::decode_blocks, base64url::decode_blocks_avx2(), base64url::decode_blocks_vbmi()}) {
    if (blocks == nullptr) continue;
    for (std::size_t size = 0; size <= 300; ++size) {
      std::string bytes(size, '\0');
      for (char& c : bytes) c = static_cast<char>(random());
      const std::string_view text = text_page.place(base64url::encode(bytes));
      const std::size_t done = blocks(text.data(), text.size(), reinterpret_cast<std::byte*>(out_page.last(size)));
      ASSERT_NE(done, base64url::refused_character) << size;
      EXPECT_EQ(std::string_view(out_page.last(size), done / 4 * 3), std::string_view(bytes).substr(0, done / 4 * 3));
      ASSERT_TRUE(base64url::decode(text, reinterpret_cast<std::byte*>(out_page.last(size)))) << size;
      EXPECT_EQ(std::string_view(out_page.last(size), size), bytes);
    }
  }
}

TEST(Bounds, MarksAreOfTheirBlockAlone) {
  const PageEnd page(64);
  const char* const block = page.place(std::string(64, 'a')).data();
  for (const Marks marks : {marks_sse2(), marks_avx2()}) {
    if (marks == nullptr) continue;
    EXPECT_EQ(marks(block), 0u);
  }
}

// The parser reads its own copy, but the names that claims are asked for by are the caller's.
TEST(Bounds, NamesStayWithinTheirs) {
  const PageEnd page(512);
  std::string name;
  for (std::size_t size = 0; size < 64; ++size, name += static_cast<char>('a' + size % 26))
    EXPECT_EQ(name_key(page.place(name)), name_key_bytewise(name));
}

TEST(Bounds, ComparingStaysWithinWhatIsCompared) {
  const PageEnd a(512), b(512);
  std::string text;
  for (std::size_t size = 0; size < 80; ++size, text += static_cast<char>(size)) {
    const std::string_view x = a.place(text), y = b.place(text);
    EXPECT_TRUE(crypto::ct_equal(std::as_bytes(std::span(x)), std::as_bytes(std::span(y))));
  }
}

}  // namespace
}  // namespace jeton::jose
