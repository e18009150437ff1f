// The pure half of rule 4.3.
#include "store/rotation_rule.h"

#include <gtest/gtest.h>

namespace jeton::store {
namespace {

using namespace std::chrono_literals;

constexpr StoreTime start{1'700'000'000'000ms};

SessionFacts row(std::int64_t generation) {
  return {.live = true,
          .generation = generation,
          .client_id = "app",
          .scope = "read write",
          .rotated_at = start,
          .previous_rotated_at = start - 3s};
}

RotateRequest presents(std::int64_t generation) { return {.generation = generation, .client_id = "app"}; }

TEST(RotationRule, GraceIsHalfOpenBoundedAndNeverNegative) {
  EXPECT_TRUE(within_grace(start, start, 1ms));
  EXPECT_FALSE(within_grace(start, start + 1ms, 1ms));
  EXPECT_FALSE(within_grace(start, start, 0ms));
  EXPECT_FALSE(within_grace(start, start - 1h, 0ms));
  EXPECT_FALSE(within_grace(start, start, -5s));
  EXPECT_TRUE(within_grace(start, start - 1h, 1ms));
  EXPECT_TRUE(within_grace(start, start + 299'999ms, 1h));
  EXPECT_FALSE(within_grace(start, start + 300'000ms, 1h));
}

TEST(RotationRule, DistanceIsExactOverTheWholeRangeAndDoesNotWrap) {
  constexpr auto least = std::numeric_limits<std::int64_t>::min();
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(generations_behind(5, 5), 0);
  EXPECT_EQ(generations_behind(5, 3), 2);
  EXPECT_EQ(generations_behind(3, 5), -2);
  EXPECT_EQ(generations_behind(0, generation_max), -generation_max);
  EXPECT_EQ(generations_behind(0, least), most);
  EXPECT_EQ(generations_behind(generation_max, most), generation_max - most);
  EXPECT_EQ(generations_behind(least, most), least);
}

TEST(RotationRule, ScopeIsComparedWordByWord) {
  EXPECT_TRUE(scope_within("", ""));
  EXPECT_TRUE(scope_within("", "read"));
  EXPECT_TRUE(scope_within("  ", "read"));
  EXPECT_TRUE(scope_within("read", "read"));
  EXPECT_TRUE(scope_within("write  read", " read  write "));
  EXPECT_FALSE(scope_within("read", ""));
  EXPECT_FALSE(scope_within("rea", "read"));
  EXPECT_FALSE(scope_within("readwrite", "read write"));
  EXPECT_FALSE(scope_within("Read", "read"));
  EXPECT_FALSE(scope_within("read\twrite", "read write"));
}

TEST(RotationRule, EachDistanceHasItsVerdict) {
  const auto now = start + 5s;
  EXPECT_EQ(judge(row(9), presents(9), now), Verdict::rotate);
  EXPECT_EQ(judge(row(9), presents(8), now), Verdict::repeat);
  EXPECT_EQ(judge(row(9), presents(7), now), Verdict::superseded);
  EXPECT_EQ(judge(row(9), presents(6), now), Verdict::reuse);
  EXPECT_EQ(judge(row(9), presents(0), now), Verdict::reuse);
  EXPECT_EQ(judge(row(9), presents(10), now), Verdict::went_back);
  EXPECT_EQ(judge(row(generation_max), presents(generation_max), now), Verdict::exhausted);
  EXPECT_EQ(judge(row(generation_max), presents(generation_max - 1), now), Verdict::repeat);
}

TEST(RotationRule, EachDistanceHasItsVerdictAfterTheGrace) {
  const auto now = start + 10s;
  EXPECT_EQ(judge(row(9), presents(9), now), Verdict::rotate);
  EXPECT_EQ(judge(row(9), presents(8), now), Verdict::reuse);
  EXPECT_EQ(judge(row(9), presents(7), start + 7s - 1ms), Verdict::superseded);
  EXPECT_EQ(judge(row(9), presents(7), start + 7s), Verdict::reuse);
}

TEST(RotationRule, KeyOfTheRotationRepeatsOneBehindAndIsRefusedAtTheCurrentOne) {
  auto stored = row(9);
  stored.idempotency_key = Digest{std::byte{1}};
  auto same = presents(8);
  same.idempotency_key = Digest{std::byte{1}};
  auto other = presents(8);
  other.idempotency_key = Digest{std::byte{2}};
  const auto later = start + 24h;
  EXPECT_EQ(judge(stored, same, later), Verdict::repeat);
  EXPECT_EQ(judge(stored, other, later), Verdict::reuse);
  EXPECT_EQ(judge(stored, presents(8), later), Verdict::reuse);
  same.generation = other.generation = 9;
  EXPECT_EQ(judge(stored, same, later), Verdict::key_reused);
  EXPECT_EQ(judge(stored, other, later), Verdict::rotate);
  same.generation = 7;
  EXPECT_EQ(judge(stored, same, later), Verdict::reuse);
}

TEST(RotationRule, OrderIsLifeThenClientThenDeliveryThenScopeThenDistance) {
  auto stored = row(9);
  auto request = presents(20);
  request.scope = "admin";
  request.client_id = "other";
  stored.live = false;
  EXPECT_EQ(judge(stored, request, start), Verdict::ended);
  stored.live = true;
  EXPECT_EQ(judge(stored, request, start), Verdict::other_client);
  request.client_id = "app";
  request.delivery = Delivery::cookie;
  EXPECT_EQ(judge(stored, request, start), Verdict::other_delivery);
  request.delivery = Delivery::body;
  EXPECT_EQ(judge(stored, request, start), Verdict::wider_scope);
  request.scope = "read";
  EXPECT_EQ(judge(stored, request, start), Verdict::went_back);
}

}  // namespace
}  // namespace jeton::store
