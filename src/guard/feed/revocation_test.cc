#include <jeton/revocation.h>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace jeton {
namespace {

Revocation of_subject() {
  return {.kind = RevocationKind::subject,
          .reason = RevocationReason::stale_claims,
          .subject = "usr_a",
          .least = 7,
          .expires_at = 1'700'000'900};
}

TEST(Revocation, CanonicalBytesAreTheseAndNoOthers) {
  const std::string expected = {'\x02', '\x02',                                        // kind, reason
                                0,      0,      0, 0, 0,      0,      1,      5,       // number 261
                                0,      0,      0, 0, '\x65', '\x53', '\xF4', '\x84',  // 1700000900
                                1,      0,      0, 0, 0,      0,      0,      0,      7, 0, 5, 'u', 's', 'r', '_', 'a'};
  EXPECT_EQ(canonical_bytes(261, of_subject()), expected);
}

TEST(Revocation, EveryMemberChangesTheHash) {
  const Revocation base = of_subject();
  std::vector<FeedHash> hashes{chained({}, 1, base), chained({}, 2, base), chained({std::byte{1}}, 1, base)};
  const auto with = [&](auto change) {
    Revocation other = base;
    change(other);
    ASSERT_TRUE(is_well_formed(other));
    hashes.push_back(chained({}, 1, other));
  };
  with([](Revocation& r) { r.kind = RevocationKind::key, r.least.reset(); });
  with([](Revocation& r) { r.kind = RevocationKind::token, r.least.reset(); });
  with([](Revocation& r) { r.reason = RevocationReason::revoked; });
  with([](Revocation& r) { r.subject = "usr_b"; });
  with([](Revocation& r) { r.least = 8; });
  with([](Revocation& r) { r.least = 0; });
  with([](Revocation& r) { r.least.reset(); });
  with([](Revocation& r) { r.expires_at = 1'700'000'901; });
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) EXPECT_NE(hashes[i], hashes[j]) << i << " and " << j;
  }
}

TEST(Revocation, WhatCannotBeWrittenIsNotWellFormed) {
  const std::string sid(16, 's');
  const auto good = [](Revocation r) { return is_well_formed(r); };
  EXPECT_TRUE(good(of_subject()));
  EXPECT_TRUE(good({.kind = RevocationKind::session, .subject = sid, .least = 3}));
  EXPECT_TRUE(good({.kind = RevocationKind::key, .subject = "kid"}));
  EXPECT_TRUE(good({.subject = std::string(revocation_subject_bytes_max, 'j')}));
  EXPECT_FALSE(good({.subject = std::string(revocation_subject_bytes_max + 1, 'j')}));
  EXPECT_FALSE(good({.subject = ""}));
  EXPECT_FALSE(good({.kind = RevocationKind::session, .subject = sid + "s"}));
  EXPECT_FALSE(good({.kind = RevocationKind::session, .subject = "sid"}));
  EXPECT_FALSE(good({.kind = RevocationKind::key, .subject = "kid", .least = 1}));
  EXPECT_FALSE(good({.kind = RevocationKind::token, .subject = "jti", .least = 1}));
  EXPECT_FALSE(good({.kind = RevocationKind::subject, .subject = "sub", .least = -1}));
  EXPECT_FALSE(good({.subject = "jti", .expires_at = -1}));
  EXPECT_FALSE(good({.kind = static_cast<RevocationKind>(0), .subject = "x"}));
  EXPECT_FALSE(good({.kind = static_cast<RevocationKind>(5), .subject = "x"}));
  EXPECT_FALSE(good({.reason = static_cast<RevocationReason>(0), .subject = "x"}));
  EXPECT_FALSE(good({.reason = static_cast<RevocationReason>(3), .subject = "x"}));
}

}  // namespace
}  // namespace jeton
