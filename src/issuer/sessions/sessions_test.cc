#include "issuer/sessions/sessions.h"

#include "issuer/running_issuer.h"
#include "jose/base64url.h"
#include "oauth/refresh_token.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace jeton::issuer::testing {
namespace {

using std::chrono::days;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::string_view refused = R"({"error":"Invalid refresh token"})";
constexpr std::string_view superseded = R"({"error":"Invalid refresh token","reason":"superseded"})";
constexpr std::string_view key_reused = R"({"error":"Idempotency-Key reused"})";

class Refresh : public ::testing::Test {
 protected:
  Refresh() : running_(clock_, {.database = directory_.file("jeton.db")}) { running_.register_user(email, password); }

  std::string log_in() { return running_.login(email, password).text("refreshToken"); }
  // The refresh token that follows, or an empty text.
  std::string next(const std::string& token, const std::string& key = {}) {
    return running_.refresh(token, key).text("refreshToken");
  }
  void expect_refused(const HttpAnswer& answer, std::string_view body = refused) {
    EXPECT_EQ(answer.status, 401);
    EXPECT_EQ(answer.body, body);
    EXPECT_TRUE(answer.header("www-authenticate").starts_with("Bearer "));
  }
  // Reuse ends the session: its newest refresh token and its access tokens are refused from now on.
  void expect_ended(const HttpAnswer& newest) {
    expect_refused(running_.refresh(newest.text("refreshToken")));
    EXPECT_EQ(running_.me(newest.text("accessToken")).body, R"({"error":"Token revoked"})");
  }
  std::string count(std::string_view outcome) {
    return running_.metric("jeton_refreshes_total{outcome=\"" + std::string(outcome) + "\"}");
  }

  TemporaryDirectory directory_;
  MovedClock clock_;
  RunningIssuer running_;
};

// mission row 17: the refresh endpoint as the reference behaviour has it. mission row 14: long sessions of short
// tokens.
TEST_F(Refresh, GivesTheShapeOfLogin) {
  const HttpAnswer login = running_.login(email, password);
  clock_.move(seconds(60));
  const HttpAnswer answer = running_.refresh(login.text("refreshToken"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("cache-control"), "no-store");
  EXPECT_EQ(answer.text("tokenType"), "Bearer");
  EXPECT_EQ(*answer.json().find("expiresIn"), Value(900));
  EXPECT_EQ(answer.json().if_object()->size(), 4U);
  EXPECT_NE(answer.text("refreshToken"), login.text("refreshToken"));

  const Value before = running_.claims_of(login.text("accessToken"));
  const Value after = running_.claims_of(answer.text("accessToken"));
  for (const std::string_view name :
       {"iss", "sub", "aud", "client_id", "sid", "ver", "auth_time", "email", "roles", "plan"}) {
    ASSERT_NE(after.find(name), nullptr) << name;
    EXPECT_EQ(*after.find(name), *before.find(name)) << name;
  }
  EXPECT_NE(*after.find("jti"), *before.find("jti"));
  EXPECT_EQ(*before.find("gen"), Value(0));
  EXPECT_EQ(*after.find("gen"), Value(1));
  EXPECT_EQ(*after.find("exp")->if_integer(), *before.find("exp")->if_integer() + 60);
  EXPECT_EQ(running_.me(login.text("accessToken")).status, 200) << "rotation revokes nothing";
}

// mission row 17
TEST_F(Refresh, WhatIsNoTokenOfOursIsRefusedWithoutTheDatabase) {
  const std::string good = log_in();
  std::string forged = good;
  forged[20] = forged[20] == 'A' ? 'B' : 'A';
  const oauth::RefreshTokenCodec& codec = running_.issuer().foundation().refresh_tokens;
  ASSERT_FALSE(codec.decode(forged).has_value());
  for (const std::string& token : {forged, std::string(), std::string("jrt1."), good + "A", std::string("nonsense")}) {
    expect_refused(running_.refresh(token));
  }
  expect_refused(running_.post_text("/api/auth/refresh", "{}"));
  expect_refused(running_.post_text("/api/auth/refresh", R"({"refreshToken":7})"));
  expect_refused(running_.post_text("/api/auth/refresh", R"({"refreshToken":null})"));
  EXPECT_EQ(running_.metric("jeton_refresh_tokens_forged_total"), "5");
  for (const std::string_view outcome : {"rotated", "unknown", "ended", "reused"}) EXPECT_EQ(count(outcome), "0");
  EXPECT_EQ(running_.refresh(good).status, 200);
}

// RFC 6750 section 3.1: who sends no token is told the scheme alone.
TEST_F(Refresh, TheChallengeNamesAnErrorOnlyWhereATokenCame) {
  for (const std::string path : {"/api/auth/refresh", "/api/auth/logout"}) {
    EXPECT_EQ(running_.post_text(path, "{}").header("www-authenticate"), "Bearer realm=\"api\"") << path;
    EXPECT_EQ(running_.post_text(path, R"({"refreshToken":"jrt1.x"})").header("www-authenticate"),
              "Bearer realm=\"api\", error=\"invalid_token\"")
        << path;
  }
}

TEST_F(Refresh, AGoodMacOfAnUnknownSessionIsRefused) {
  const Foundation& foundation = running_.issuer().foundation();
  expect_refused(running_.refresh(foundation.refresh_tokens.encode(
      {.key_id = foundation.refresh_key_id, .handle = oauth::random_handle(), .generation = 0})));
  EXPECT_EQ(count("unknown"), "1");
}

TEST_F(Refresh, OneBehindWithinTheGraceGetsTheSameTokenAgain) {
  const std::string first = log_in();
  const HttpAnswer rotated = running_.refresh(first);
  clock_.move(milliseconds(9'999));
  const HttpAnswer repeated = running_.refresh(first);
  EXPECT_EQ(repeated.status, 200);
  EXPECT_EQ(repeated.text("refreshToken"), rotated.text("refreshToken"));
  EXPECT_NE(repeated.text("accessToken"), rotated.text("accessToken"));
  EXPECT_EQ(*running_.claims_of(repeated.text("accessToken")).find("gen"), Value(1))
      << "a repeat carries the stored one";
  EXPECT_EQ(running_.refresh(rotated.text("refreshToken")).status, 200);
}

TEST_F(Refresh, TheGraceRunsFromTheRotationAndDoesNotSlide) {
  const std::string first = log_in();
  const HttpAnswer rotated = running_.refresh(first);
  for (int i = 0; i < 3; ++i) {
    clock_.move(seconds(3));
    EXPECT_EQ(running_.refresh(first).status, 200);
  }
  clock_.move(seconds(1));  // ten seconds after the rotation, one after the last repeat
  expect_refused(running_.refresh(first));
  expect_ended(rotated);
}

TEST_F(Refresh, OneBehindAfterTheGraceIsReuse) {
  const std::string first = log_in();
  const HttpAnswer rotated = running_.refresh(first);
  const HttpAnswer elsewhere = running_.login(email, password);
  clock_.move(seconds(10));
  expect_refused(running_.refresh(first));
  EXPECT_EQ(count("reused"), "1");
  expect_ended(rotated);
  expect_refused(running_.refresh(first));
  EXPECT_EQ(count("reused"), "1") << "an ended session has no second event";
  EXPECT_EQ(running_.refresh(elsewhere.text("refreshToken")).status, 200) << "other sessions are untouched";
}

TEST_F(Refresh, AClockThatWasSetBackCountsAsWithinTheGrace) {
  const std::string first = log_in();
  const std::string second = next(first);
  clock_.move(-seconds(30));
  EXPECT_EQ(next(first), second);
}

TEST_F(Refresh, ALostReplyIsRepeatedForTheSameKeyHoweverLate) {
  const std::string first = log_in();
  const HttpAnswer rotated = running_.refresh(first, "key-1");
  clock_.move(days(3));
  const HttpAnswer repeated = running_.refresh(first, "key-1");
  EXPECT_EQ(repeated.status, 200);
  EXPECT_EQ(repeated.text("refreshToken"), rotated.text("refreshToken"));
  expect_refused(running_.refresh(first, "key-2"));
  expect_ended(repeated);
}

TEST_F(Refresh, ALateRepeatWithoutTheKeyIsReuse) {
  const std::string first = log_in();
  const HttpAnswer rotated = running_.refresh(first, "key-1");
  clock_.move(seconds(11));
  expect_refused(running_.refresh(first));
  expect_ended(rotated);
}

TEST_F(Refresh, TheSameKeyForTheNextRotationIsRefusedAndChangesNothing) {
  const std::string second = next(log_in(), "constant");
  const HttpAnswer answer = running_.refresh(second, "constant");
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.body, key_reused);
  EXPECT_EQ(running_.refresh(second, "fresh").status, 200);
}

TEST_F(Refresh, MalformedIdempotencyKeysAreRefusedBeforeAnythingHappens) {
  const std::string token = log_in();
  for (const std::string& key : {std::string("with space"), std::string(256, 'k'), std::string("\x80")}) {
    EXPECT_EQ(running_.refresh(token, key).status, 400);
  }
  const Value body = Value::object().set("refreshToken", token);
  EXPECT_EQ(running_.post("/api/auth/refresh", body, {{"Idempotency-Key", ""}}).status, 400);
  EXPECT_EQ(running_.post("/api/auth/refresh", body, {{"Idempotency-Key", "a"}, {"idempotency-key", "a"}}).status, 400);
  EXPECT_EQ(count("rotated"), "0");
  EXPECT_EQ(running_.refresh(token, std::string(255, 'k')).status, 200);
}

TEST_F(Refresh, TwoBehindWithinTheGraceIsSupersededAndEndsNothing) {
  const std::string first = log_in();
  const std::string second = next(first);
  const std::string third = next(second);
  expect_refused(running_.refresh(first), superseded);
  EXPECT_EQ(count("superseded"), "1");
  EXPECT_EQ(running_.refresh(third).status, 200);
}

TEST_F(Refresh, TwoBehindAfterTheGraceOfTheRotationBeforeIsReuse) {
  const std::string first = log_in();
  const std::string second = next(first);
  clock_.move(seconds(9));
  const HttpAnswer third = running_.refresh(second);
  clock_.move(seconds(1));  // ten seconds after the first rotation, one after the second
  expect_refused(running_.refresh(first));
  expect_ended(third);
}

TEST_F(Refresh, ThreeBehindIsReuseEvenWithinTheGrace) {
  const std::string first = log_in();
  const HttpAnswer fourth = running_.refresh(next(next(first)));
  expect_refused(running_.refresh(first));
  EXPECT_EQ(count("reused"), "1");
  expect_ended(fourth);
}

TEST_F(Refresh, AGenerationThatWasNeverGivenMeansTheDatabaseWentBack) {
  const HttpAnswer login = running_.login(email, password);
  const oauth::RefreshTokenCodec& codec = running_.issuer().foundation().refresh_tokens;
  auto ahead = codec.decode(login.text("refreshToken"));
  ASSERT_TRUE(ahead.has_value());
  ahead->generation += 3;
  expect_refused(running_.refresh(codec.encode(*ahead)));
  EXPECT_EQ(count("went_back"), "1");
  const auto session = waited<std::optional<store::Session>>(
      [&](auto done) { running_.store().sessions().find_session(oauth::sid_of(ahead->handle), std::move(done)); });
  ASSERT_TRUE(session.has_value() && session->has_value());
  EXPECT_EQ((*session)->end_reason, store::EndReason::store_went_back);
  // Who follows the log sees it, and from then on nothing is served until an operator has decided.
  while (running_.get("/healthz").status == 200) {
  }
  EXPECT_EQ(running_.login(email, password).status, 503);
  EXPECT_EQ(running_.refresh(login.text("refreshToken")).status, 503);
  EXPECT_EQ(running_.get("/metrics").status, 200);
}

TEST_F(Refresh, ASessionEndsWhenItWasIdleForTooLong) {
  const std::string idle = log_in();
  const std::string used = log_in();
  clock_.move(days(29));
  const std::string used_again = next(used);
  EXPECT_FALSE(used_again.empty());
  clock_.move(days(1));
  expect_refused(running_.refresh(idle));
  EXPECT_EQ(running_.refresh(used_again).status, 200);
}

TEST_F(Refresh, ASessionEndsAtItsAbsoluteAgeHoweverOftenItIsRefreshed) {
  std::string token = log_in();
  for (int i = 0; i < 9; ++i) {
    clock_.move(days(19));
    token = next(token);
    ASSERT_FALSE(token.empty());
  }
  clock_.move(days(9));
  expect_refused(running_.refresh(token));
}

TEST_F(Refresh, AGraceOfNothingAllowsNoRepeat) {
  Rules rules = *running_.issuer().rules();
  rules.refresh_grace = seconds(0);
  running_.issuer().replace_rules(rules);
  const std::string first = log_in();
  const HttpAnswer rotated = running_.refresh(first);
  expect_refused(running_.refresh(first));
  expect_ended(rotated);
}

// Fifty requests with one token at once: one rotation, everyone gets the same successor.
TEST_F(Refresh, RacingRequestsConvergeOnOneSuccessor) {
  for (int round = 0; round < 10; ++round) {
    const std::string token = log_in();
    std::mutex mutex;
    std::set<std::string> successors;
    std::atomic<int> good = 0;
    {
      std::vector<std::jthread> tabs;
      for (int i = 0; i < 50; ++i) {
        tabs.emplace_back([&] {
          const HttpAnswer answer = running_.refresh(token);
          good += answer.status == 200;
          const std::lock_guard lock(mutex);
          successors.insert(answer.text("refreshToken"));
        });
      }
    }
    EXPECT_EQ(good, 50);
    ASSERT_EQ(successors.size(), 1U);
    EXPECT_EQ(running_.refresh(*successors.begin()).status, 200);
  }
}

TEST_F(Refresh, LogoutTakesAnyGenerationAndIsRepeatable) {
  const std::string first = log_in();
  const HttpAnswer third = running_.refresh(next(first));
  clock_.move(days(1));
  EXPECT_EQ(running_.logout(first).status, 204);
  EXPECT_EQ(running_.logout(first).status, 204);
  EXPECT_EQ(running_.logout(third.text("refreshToken")).status, 204);
  expect_refused(running_.refresh(third.text("refreshToken")));
  EXPECT_EQ(running_.metric("jeton_logouts_total"), "1");
  EXPECT_EQ(count("reused"), "0");
}

TEST_F(Refresh, LogoutWithoutATokenOfOursIsRefused) {
  expect_refused(running_.logout("nonsense"));
  expect_refused(running_.post_text("/api/auth/logout", "{}"));
}

// What a store says when its disk is full.
class FailingSessions final : public store::Sessions {
 public:
  void sign_in(store::SignIn, store::Completion<store::SignInOutcome> done) override { done(fault()); }
  void rotate(store::RotateRequest, store::Completion<store::Rotation> done) override { done(fault()); }
  void end_session(store::Sid, store::EndReason, store::Completion<bool> done, store::Actor) override { done(fault()); }
  void end_all_sessions(std::string, store::EndReason, store::Completion<std::int64_t> done, store::Actor) override {
    done(fault());
  }
  void find_session(store::Sid, store::Completion<std::optional<store::Session>> done) override { done(fault()); }
  void story_of(store::Sid, store::Completion<store::SessionStory> done) override { done(fault()); }
  void live_sessions_of(std::string, store::Completion<std::vector<store::Session>> done) override { done(fault()); }
  void forget_devices(store::StoreTime, std::int64_t, std::size_t, std::size_t,
                      store::Completion<store::DeviceSweep> done) override {
    done(fault());
  }
  void end_own_session(std::string, store::Sid, store::EndReason, store::Completion<bool> done, store::Actor) override {
    done(fault());
  }
  void end_other_sessions(std::string, store::Sid, store::EndReason, store::Completion<std::int64_t> done,
                          store::Actor) override {
    done(fault());
  }

 private:
  static std::unexpected<store::Error> fault() {
    return std::unexpected(store::Error{store::Errc::unavailable, "the disk is full"});
  }
};

class StoreWithFailingSessions final : public store::Store {
 public:
  explicit StoreWithFailingSessions(std::unique_ptr<store::Store> inner) : inner_(std::move(inner)) {}
  store::Users& users() override { return inner_->users(); }
  store::Sessions& sessions() override { return sessions_; }
  store::Clients& clients() override { return inner_->clients(); }
  store::SigningKeys& signing_keys() override { return inner_->signing_keys(); }
  store::Settings& settings() override { return inner_->settings(); }
  store::Outbox& outbox() override { return inner_->outbox(); }
  store::Revocations& revocations() override { return inner_->revocations(); }
  store::OneTimeLinks& one_time_links() override { return inner_->one_time_links(); }
  store::SecondFactors& second_factors() override { return inner_->second_factors(); }
  store::History& history() override { return inner_->history(); }
  store::Audit& audit() override { return inner_->audit(); }
  void check(store::Completion<bool> done) override {
    done(std::unexpected(store::Error{store::Errc::unavailable, "the disk is full"}));
  }

 private:
  std::unique_ptr<store::Store> inner_;
  FailingSessions sessions_;
};

// mission row 17: a fault of ours while refreshing.
TEST_F(Refresh, AStoreThatFailsIsOurFaultAndEndsNoSession) {
  const HttpAnswer login = running_.login(email, password);
  {
    RunningIssuer failing(
        clock_, {.database = directory_.file("jeton.db"), .wrap_store = [](std::unique_ptr<store::Store> inner) {
                   return std::make_unique<StoreWithFailingSessions>(std::move(inner));
                 }});
    ASSERT_TRUE(failing.is_running()) << failing.fault();
    const HttpAnswer answer = failing.refresh(login.text("refreshToken"));
    EXPECT_EQ(answer.status, 500);
    EXPECT_EQ(answer.body, R"({"error":"Token refresh failed"})");
    EXPECT_EQ(failing.login(email, password).status, 503);
    EXPECT_EQ(failing.logout(login.text("refreshToken")).status, 503);
    EXPECT_EQ(failing.me(login.text("accessToken")).status, 503);
    EXPECT_EQ(failing.get("/healthz").status, 503);
    EXPECT_EQ(failing.get("/healthz").body, R"({"status":"unavailable"})");
  }
  EXPECT_EQ(running_.refresh(login.text("refreshToken")).status, 200);
}

}  // namespace
}  // namespace jeton::issuer::testing
