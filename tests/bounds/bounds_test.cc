// What reads many bytes at a time reads none beyond what it was given: here that would end the program.
#include "jose/base64url.h"
#include "jose/base64url_blocks.h"
#include "page_end.h"

#include <gtest/gtest.h>

#include <random>
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

}  // namespace
}  // namespace jeton::jose
