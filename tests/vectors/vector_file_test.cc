#include "vector_file.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace jeton::vectors {
namespace {

TEST(VectorFile, BlocksArePartedByEmptyLines) {
  const auto blocks = parse_blocks("# intro\n\na = 1\nb = two words\n\n# more\nc = x=y\n", "t");
  ASSERT_EQ(blocks.size(), 2u);
  EXPECT_EQ(blocks[0].value("a"), "1");
  EXPECT_EQ(blocks[0].value("b"), "two words");
  EXPECT_EQ(blocks[1].value("c"), "x=y");
  EXPECT_EQ(blocks[1].place(), "t:7");
  EXPECT_FALSE(blocks[1].has("a"));
}

TEST(VectorFile, LineThatBeginsWithABlankGoesOn) {
  EXPECT_EQ(parse_blocks("a = 1\n    23\n\t45\n", "t").at(0).value("a"), "12345");
}

TEST(VectorFile, WhatIsNoVectorIsAnError) {
  EXPECT_THROW(parse_blocks("a\n", "t"), std::runtime_error);
  EXPECT_THROW(parse_blocks("a = 1\na = 2\n", "t"), std::runtime_error);
  EXPECT_THROW(parse_blocks("  a = 1\n", "t"), std::runtime_error);
  EXPECT_THROW(read_blocks("no such file"), std::runtime_error);
}

TEST(VectorFile, EitherOfSeveralOutcomes) {
  EXPECT_TRUE(is_one_of("weak_key", "malformed_key | weak_key"));
  EXPECT_TRUE(is_one_of("ok", "ok"));
  EXPECT_FALSE(is_one_of("weak", "malformed_key | weak_key"));
  EXPECT_FALSE(is_one_of("", "ok"));
}

}  // namespace
}  // namespace jeton::vectors
