// Settings: of several first starts at once one wins, and all see the same. And closing the store.
#include "store/conformance/harness.h"

#include <atomic>

namespace jeton::store::conformance {
namespace {

TEST_P(StoreConformance, FirstSettingsWinAndAllSeeTheSame) {
  EXPECT_EQ(db().settle({{"issuer", "http://a"}, {"audience", "api"}}),
            (std::map<std::string, std::string>{{"issuer", "http://a"}, {"audience", "api"}}));
  EXPECT_EQ(
      db().settle({{"issuer", "http://b"}, {"client", "first-party"}}),
      (std::map<std::string, std::string>{{"issuer", "http://a"}, {"audience", "api"}, {"client", "first-party"}}));
  subject_->restart();
  EXPECT_EQ(db().settle({})->at("issuer"), "http://a");
}

TEST_P(StoreConformance, OfSeveralFirstSettingsAtOnceOneWins) {
  auto other = subject_->open_another();
  std::vector<std::future<Result<std::map<std::string, std::string>>>> settings;
  for (int i = 0; i < 10; ++i) {
    auto& store = i % 2 == 0 ? subject_->store() : *other;
    auto promise = std::make_shared<std::promise<Result<std::map<std::string, std::string>>>>();
    settings.push_back(promise->get_future());
    store.settings().settle({{"issuer", std::to_string(i)}},
                            [promise](auto result) { promise->set_value(std::move(result)); });
  }
  const auto issuer = db().settle({})->at("issuer");
  for (auto& answer : settings) EXPECT_EQ(answer.get()->at("issuer"), issuer);
}

TEST_P(StoreConformance, CheckReadsSomething) { EXPECT_EQ(db().check(), true); }

TEST_P(StoreConformance, WhatIsAnsweredIsSeenByOthersAtOnce) {
  auto other = subject_->open_another();
  sign_ada_in();
  for (std::int64_t generation = 0; generation < 30; ++generation) {
    ASSERT_EQ(rotate_outcome(generation), RotateOutcome::rotated);
    EXPECT_EQ(Waiting{*other}.find_session(sid_of(1)).value()->generation, generation + 1);
  }
}

TEST_P(StoreConformance, ClosingAnswersEverythingThatWasAccepted) {
  sign_ada_in();
  auto closing = subject_->open_another();
  std::atomic<int> answered = 0;
  std::atomic<int> signed_in = 0;
  constexpr int count = 500;
  for (int i = 0; i < count; ++i) {
    closing->sessions().sign_in(sign_in_of("ada", 100 + i, now()), [&](Result<SignInOutcome> result) {
      signed_in += result == SignInOutcome::signed_in ? 1 : 0;
      ++answered;
    });
  }
  closing.reset();
  EXPECT_EQ(answered, count);
  EXPECT_EQ(signed_in, count);
  EXPECT_EQ(db().end_all_sessions("usr_ada", EndReason::revoked), count + 1);
}

TEST_P(StoreConformance, OperationHandedInWhileTheStoreClosesIsAnsweredToo) {
  sign_ada_in();
  for (int round = 0; round < 20; ++round) {
    auto closing = subject_->open_another();
    std::atomic<int> answered = 0;
    auto& store = *closing;
    store.users().set_claims("usr_ada", "{}", [&](Result<bool>) {
      store.users().set_claims("usr_ada", "{}", [&](Result<bool> result) {
        if (!result) EXPECT_EQ(result.error().code, Errc::unavailable);
        store.sessions().find_session(
            sid_of(1), [&](Result<std::optional<Session>>) { store.check([&](Result<bool>) { ++answered; }); });
      });
    });
    closing.reset();
    EXPECT_EQ(answered, 1);
  }
}

TEST_P(StoreConformance, OperationHandedInByACompletionIsAnsweredToo) {
  sign_ada_in();
  std::promise<Result<std::optional<Session>>> found;
  auto& store = subject_->store();
  store.sessions().rotate(rotation_of(1, 0, now()), [&](Result<Rotation>) {
    store.sessions().find_session(sid_of(1),
                                  [&](Result<std::optional<Session>> result) { found.set_value(std::move(result)); });
  });
  EXPECT_EQ(found.get_future().get().value()->generation, 1);
}

}  // namespace
}  // namespace jeton::store::conformance
