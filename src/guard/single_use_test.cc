#include <jeton/jws.h>
#include <jeton/signer.h>
#include <jeton/single_use.h>
#include <jeton/verifier.h>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

namespace jeton {
namespace {

using namespace std::chrono_literals;

constexpr UnixTime now = from_unix_seconds(1'700'000'000);

VerifiedToken token_from(std::string issuer, std::string_view payload_rest) {
  static const SigningKey key = SigningKey::generate(Algorithm::hs256);
  const std::string payload = R"({"iss":")" + issuer + R"(",)" + std::string(payload_rest) + "}";
  const Verifier verifier{{.issuer = issuer,
                           .audience = AudienceRule::accept_any_because("replays are under test"),
                           .keys = KeySet({key.verification_key()}),
                           .typ = TypRule::accept_any_because("replays are under test"),
                           .time = TimeRule::expiry_optional_because("replays are under test")}};
  return verifier.verify(jws_sign(key, payload).value(), now).value();
}

// Row 25 of what must be refused: a replayed jti, where asked; its twin is the first sight of each.
TEST(SingleUse, AReplayedJtiIsRefused) {
  SingleUse single_use;
  const VerifiedToken first = token_from("i", R"("jti":"a","exp":1700000060)");
  EXPECT_TRUE(single_use.admit(first, now));
  EXPECT_EQ(single_use.admit(first, now).error(), (Error{Errc::invalid_claim, "jti", "a token not used before"}));
  EXPECT_EQ(single_use.admit(token_from("i", R"("jti":"a","exp":1700000090)"), now).error().claim, "jti");
  EXPECT_TRUE(single_use.admit(token_from("i", R"("jti":"b","exp":1700000060)"), now));
  EXPECT_TRUE(single_use.admit(token_from("j", R"("jti":"a","exp":1700000060)"), now));
}

TEST(SingleUse, WhatCannotBeRememberedIsRefused) {
  SingleUse single_use;
  EXPECT_EQ(single_use.admit(token_from("i", R"("exp":1700000060)"), now).error().claim, "jti");
  EXPECT_EQ(single_use.admit(token_from("i", R"("jti":"","exp":1700000060)"), now).error().claim, "jti");
  EXPECT_EQ(single_use.admit(token_from("i", R"("jti":"a")"), now).error().claim, "exp");
}

TEST(SingleUse, AFullMemoryRefusesUntilSomethingEnds) {
  SingleUse single_use{{.entries_max = 2, .leeway = 30s}};
  EXPECT_TRUE(single_use.admit(token_from("i", R"("jti":"a","exp":1700000010)"), now));
  EXPECT_TRUE(single_use.admit(token_from("i", R"("jti":"b","exp":1700000060)"), now));
  const VerifiedToken third = token_from("i", R"("jti":"c","exp":1700000060)");
  EXPECT_EQ(single_use.admit(third, now + 39s).error().code, Errc::verifier_unavailable);
  EXPECT_TRUE(single_use.admit(third, now + 40s));
}

TEST(SingleUse, OfManyThreadsOneIsFirst) {
  SingleUse single_use;
  const VerifiedToken token = token_from("i", R"("jti":"a","exp":1700000060)");
  std::atomic<int> admitted{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] { admitted += single_use.admit(token, now).has_value(); });
    }
  }
  EXPECT_EQ(admitted, 1);
}

}  // namespace
}  // namespace jeton
