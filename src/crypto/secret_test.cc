#include "crypto/random.h"
#include "crypto/test_bytes.h"

#include <jeton/secret.h>

#include <gtest/gtest.h>

#include <concepts>
#include <ostream>
#include <set>
#include <utility>

namespace jeton::crypto {
namespace {

template <class T>
concept Printable = requires(std::ostream& out, const T& value) { out << value; };

static_assert(!Printable<SecretBytes>);
static_assert(!std::equality_comparable<SecretBytes>);
static_assert(!std::copy_constructible<SecretBytes>);
static_assert(!std::is_copy_assignable_v<SecretBytes>);
static_assert(!std::is_default_constructible_v<SecretAccess>);
static_assert(std::is_nothrow_move_constructible_v<SecretBytes>);

TEST(Secret, HoldsACopyOfWhatItWasGiven) {
  Bytes bytes = from_hex("0102ff");
  const SecretBytes secret(bytes);
  bytes[0] = std::byte{9};
  EXPECT_EQ(to_hex(secret), "0102ff");
  EXPECT_EQ(secret.size(), 3u);
  EXPECT_FALSE(secret.empty());
  EXPECT_EQ(to_hex(SecretBytes::from_text("abc")), "616263");
}

TEST(Secret, MovedFromHoldsNothing) {
  SecretBytes first = SecretBytes::from_text("abc");
  SecretBytes second = std::move(first);
  EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move): that is what is tested
  EXPECT_EQ(to_hex(second), "616263");
  SecretBytes third = SecretBytes::from_text("xyz");
  third = std::move(second);
  EXPECT_TRUE(second.empty());  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(to_hex(third), "616263");
  SecretBytes& itself = third;
  third = std::move(itself);
  EXPECT_EQ(to_hex(third), "616263");
}

TEST(Secret, DuplicateIsIndependent) {
  SecretBytes first = SecretBytes::from_text("abc");
  const SecretBytes second = first.duplicate();
  first = SecretBytes{};
  EXPECT_EQ(to_hex(second), "616263");
}

TEST(Secret, RandomOnesDiffer) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(to_hex(SecretBytes::random(16)));
  EXPECT_EQ(seen.size(), 1000u);
  EXPECT_EQ(SecretBytes::random(0).size(), 0u);
  EXPECT_EQ(SecretBytes::random(100'000).size(), 100'000u);
}

TEST(Secret, WipeLeavesZeros) {
  Bytes bytes = from_hex("0102ff");
  wipe(bytes);
  EXPECT_EQ(to_hex(bytes), "000000");
  wipe({});
}

}  // namespace
}  // namespace jeton::crypto
