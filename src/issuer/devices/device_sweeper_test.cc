// Addresses and agents of sessions, forgotten after their time by whole sweeps.
#include "issuer/devices/device_sweeper.h"

#include "issuer/completion.h"
#include "issuer/running_issuer.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace jeton::issuer::testing {
namespace {

class Sweeping : public ::testing::Test {
 protected:
  Sweeping() { running_.register_user(email, password); }

  // A whole sweep and the rest of the one before, which began anywhere.
  void sweep(std::chrono::milliseconds retention) {
    for (int ends = 0; ends < 2;) {
      const auto pause = sweeper_.sweep(clock_.now() - retention);
      ends += pause == device_sweep_rest ? 1 : 0;
      ASSERT_LT(++pieces_, 1000);
    }
  }
  std::vector<store::Session> live() {
    const std::string sub(
        *running_.claims_of(running_.login(email, password).text("accessToken")).find("sub")->if_string());
    return waited<std::vector<store::Session>>(
               [&](auto done) { running_.store().sessions().live_sessions_of(sub, std::move(done)); })
        .value();
  }
  std::int64_t with_address() {
    return std::ranges::count_if(live(), [](const store::Session& one) { return !one.address.empty(); });
  }

  MovedClock clock_;
  TemporaryDirectory directory_;
  RunningIssuer running_{clock_, {.database = directory_.file("jeton.db")}};
  platform::Metrics metrics_;
  DeviceSweeper sweeper_{running_.store(), metrics_};
  int pieces_ = 0;
};

TEST_F(Sweeping, ForgetsWhatIsOldAndLeavesWhatIsNotAndTheSessionGoesOn) {
  const HttpAnswer login = running_.login(email, password);
  ASSERT_EQ(with_address(), 2);  // looking signs in too
  clock_.move(std::chrono::days(2));
  sweep(std::chrono::days(3));
  EXPECT_EQ(with_address(), 3);
  sweep(std::chrono::days(1));
  EXPECT_EQ(with_address(), 2) << "the one of now and the one before it";
  EXPECT_NE(metrics_.text().find("jeton_session_devices_forgotten_total 2"), std::string::npos) << metrics_.text();
  EXPECT_EQ(running_.refresh(login.text("refreshToken")).status, 200);
}

TEST_F(Sweeping, MoreThanOnePieceIsSweptToTheEnd) {
  const std::size_t sessions = device_sweep_changed_max + 20;
  const auto user = waited<std::optional<store::User>>(
      [&](auto done) { running_.store().users().find_by_email(std::string(email), std::move(done)); });
  for (std::size_t i = 0; i < sessions; ++i) {
    store::SignIn one{.sub = (*user)->sub,
                      .client_id = "first-party",
                      .idle = std::chrono::days(30),
                      .absolute = std::chrono::days(90),
                      .user_agent = "curl/8",
                      .address = "192.0.2.1"};
    one.sid[0] = static_cast<std::byte>(i % 256);
    one.sid[2] = std::byte{1};
    one.sid[1] = static_cast<std::byte>(i / 256);
    ASSERT_EQ(
        waited<store::SignInOutcome>([&](auto done) { running_.store().sessions().sign_in(one, std::move(done)); }),
        store::SignInOutcome::signed_in);
  }
  clock_.move(std::chrono::days(2));
  sweep(std::chrono::days(1));
  EXPECT_EQ(with_address(), 1) << "that of now";
}

}  // namespace
}  // namespace jeton::issuer::testing
