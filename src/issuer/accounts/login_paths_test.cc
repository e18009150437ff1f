// Whoever is asked about, a login that fails does the same work: as many password hashes and as many questions to the
// store. That is what makes its time the same; `tools/soak login-time` measures that it is.
#include "issuer/running_issuer.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>

namespace jeton::issuer::testing {
namespace {

// Counts how often each part of the store is turned to; every operation begins so.
class CountingStore final : public store::Store {
 public:
  CountingStore(std::unique_ptr<store::Store> inner, std::atomic<int>& count)
      : inner_(std::move(inner)), count_(count) {}
  store::Users& users() override { return counted(inner_->users()); }
  store::Sessions& sessions() override { return counted(inner_->sessions()); }
  store::SigningKeys& signing_keys() override { return inner_->signing_keys(); }
  store::Settings& settings() override { return inner_->settings(); }
  store::Outbox& outbox() override { return inner_->outbox(); }
  store::Clients& clients() override { return inner_->clients(); }
  store::Revocations& revocations() override { return inner_->revocations(); }
  store::History& history() override { return inner_->history(); }
  store::Audit& audit() override { return inner_->audit(); }
  store::OneTimeLinks& one_time_links() override { return counted(inner_->one_time_links()); }
  store::SecondFactors& second_factors() override { return counted(inner_->second_factors()); }
  void check(store::Completion<bool> done) override { inner_->check(std::move(done)); }

 private:
  template <class T>
  T& counted(T& part) {
    ++count_;
    return part;
  }
  std::unique_ptr<store::Store> inner_;
  std::atomic<int>& count_;
};

class LoginPaths : public ::testing::Test {
 protected:
  struct Work {
    int hashes, questions;
    bool operator==(const Work&) const = default;
  };

  LoginPaths() : running_(clock_, options()) {
    running_.register_user(email, password);
    running_.register_user("off@example.com", password);
    disable("off@example.com");
  }
  RunningOptions options() {
    RunningOptions made{.database = directory_.file("jeton.db")};
    made.wrap_store = [this](std::unique_ptr<store::Store> inner) {
      return std::make_unique<CountingStore>(std::move(inner), questions_);
    };
    return made;
  }
  void disable(const std::string& key) {
    const auto user = waited<std::optional<store::User>>(
        [&](auto done) { running_.store().users().find_by_email(key, std::move(done)); });
    static_cast<void>(
        waited<bool>([&](auto done) { running_.store().users().set_disabled((*user)->sub, true, std::move(done)); }));
  }
  int hashes() { return std::stoi(running_.metric("jeton_password_hashes_total")); }
  Work work_of_login(std::string_view address, std::string_view secret) {
    const int hashes_before = hashes(), questions_before = questions_;
    const HttpAnswer answer = running_.login(address, secret);
    EXPECT_EQ(answer.status, 401) << address;
    EXPECT_EQ(answer.body, R"({"error":"Invalid credentials"})");
    return {hashes() - hashes_before, questions_ - questions_before};
  }

  TemporaryDirectory directory_;
  MovedClock clock_;
  std::atomic<int> questions_ = 0;
  RunningIssuer running_;
};

TEST_F(LoginPaths, KnownUnknownAndDisabledUsersCostTheSameWork) {
  const Work known = work_of_login(email, "wrong password");
  EXPECT_EQ(known, (Work{.hashes = 1, .questions = 1}));
  EXPECT_EQ(work_of_login("nobody@example.com", "wrong password"), known);
  EXPECT_EQ(work_of_login("off@example.com", "wrong password"), known);
  EXPECT_EQ(work_of_login("off@example.com", password), known);
}

TEST_F(LoginPaths, WhatNoAccountCanHaveIsRefusedForEverybodyAlike) {
  const Work none{.hashes = 0, .questions = 0};
  for (const std::string_view address : {email, std::string_view("nobody@example.com")})
    EXPECT_EQ(work_of_login(address, std::string(1025, 'x')), none);
}

}  // namespace
}  // namespace jeton::issuer::testing
