#include "jose/json_marks.h"

#include <gtest/gtest.h>

#include <array>
#include <random>

namespace jeton::jose {
namespace {

TEST(JsonMarks, EveryWayMarksTheSameBytes) {
  std::mt19937_64 random(64);
  for (const Marks marks : {marks_sse2(), marks_avx2(), best_marks()}) {
    if (marks == nullptr) continue;
    std::array<char, marked_bytes + 15> block;
    for (std::size_t at = 0; at < marked_bytes; ++at) {
      for (unsigned byte = 0; byte < 256; ++byte) {
        block.fill('a');
        block[at] = static_cast<char>(byte);
        const bool special = byte < 0x20 || byte >= 0x7f || byte == '"' || byte == '\\';
        EXPECT_EQ(marks(block.data()), special ? std::uint64_t{1} << at : 0) << byte;
        EXPECT_EQ(marks_bytewise(block.data()), special ? std::uint64_t{1} << at : 0) << byte;
      }
    }
    for (int round = 0; round < 2000; ++round) {
      for (char& c : block) c = static_cast<char>(random());
      for (std::size_t from = 0; from < 16; ++from)  // aligned or not
        EXPECT_EQ(marks(block.data() + from), marks_bytewise(block.data() + from));
    }
  }
}

}  // namespace
}  // namespace jeton::jose
