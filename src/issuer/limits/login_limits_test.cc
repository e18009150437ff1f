// F15: what guessing meets, and what it cannot do to others.
#include "issuer/running_issuer.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace jeton::issuer::testing {
namespace {

using std::chrono::seconds;

class LoginLimits : public ::testing::Test {
 protected:
  LoginLimits() : running_(clock_, {.database = directory_.file("jeton.db"), .rules = strict_rules()}) {
    running_.register_user(email, password);
  }
  static Rules strict_rules() {
    Rules rules = RunningOptions::quick_rules();
    rules.attempts = {};  // as shipped
    return rules;
  }
  HttpAnswer login(std::string_view address, std::string_view secret, const std::string& cookie = {}) {
    Value body = Value::object();
    body.set("email", address);
    body.set("password", secret);
    HeaderList headers;
    if (!cookie.empty()) headers.emplace_back("Cookie", "other=1; " + cookie);
    return running_.post("/api/auth/login", body, headers);
  }
  std::string cookie_of(const HttpAnswer& answer) {
    const std::string header = answer.header("set-cookie");
    return header.substr(0, header.find(';'));
  }
  // How many of so many tries were answered as wrong, and whether the rest were all 429.
  int wrong_of(int tries, std::string_view address) {
    int wrong = 0, refused = 0;
    for (int i = 0; i < tries; ++i) {
      const HttpAnswer answer = login(address, "wrong password " + std::to_string(i));
      wrong += answer.status == 401;
      refused += answer.status == 429 && !answer.header("retry-after").empty();
    }
    EXPECT_EQ(wrong + refused, tries);
    return wrong;
  }

  TemporaryDirectory directory_;
  MovedClock clock_;
  RunningIssuer running_;
};

// F15, first case: a thousand bad passwords on one account. Known or not, it is the same.
TEST_F(LoginLimits, AThousandGuessesAtOneAccountMeetItsBudget) {
  const std::string hashes = running_.metric("jeton_password_hashes_total");
  EXPECT_EQ(wrong_of(1000, email), 10);
  EXPECT_EQ(wrong_of(20, "nobody@example.com"), 10);
  EXPECT_EQ(std::stoi(running_.metric("jeton_password_hashes_total")) - std::stoi(hashes), 20)
      << "what is refused is not hashed";
  EXPECT_EQ(running_.metric("jeton_attempts_refused_total{budget=\"account\"}"), "1000");
  const HttpAnswer refused = login(email, password);
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.body, R"({"error":"Too many attempts"})");
  EXPECT_EQ(refused.header("retry-after"), "60");
  clock_.move(seconds(60));
  EXPECT_EQ(login(email, password).status, 200);
}

// F15, second case: one password on a thousand accounts from one net.
TEST_F(LoginLimits, OnePasswordOnAThousandAccountsMeetsTheBudgetOfItsBlock) {
  int wrong = 0, refused = 0;
  for (int i = 0; i < 1000; ++i) {
    const int status = login(std::to_string(i) + "@example.com", "password1").status;
    wrong += status == 401;
    refused += status == 429;
  }
  EXPECT_EQ(wrong, 100);
  EXPECT_EQ(refused, 900);
}

// F15, third case: guessing locks nobody out who has signed in from their device before.
TEST_F(LoginLimits, AVictimsDeviceStaysLetInWhateverAStrangerTries) {
  const HttpAnswer before = login(email, password);
  const std::string device = cookie_of(before);
  ASSERT_TRUE(device.starts_with("jeton_device="));
  EXPECT_EQ(wrong_of(1000, email), 10);
  for (int i = 0; i < 200; ++i) static_cast<void>(login(std::to_string(i) + "@example.com", "password1"));
  EXPECT_EQ(login(email, password).status, 429) << "a stranger's device";
  EXPECT_EQ(login(email, password, device).status, 200);
  EXPECT_EQ(running_.refresh(before.text("refreshToken")).status, 200) << "a live session is not concerned at all";
  int wrong = 0;
  while (wrong < 100 && login(email, "wrong password", device).status == 401) ++wrong;
  EXPECT_EQ(wrong, 10) << "a device's own budget ends too";
}

TEST_F(LoginLimits, ADeviceIsKnownToTheAccountThatSignedInThere) {
  running_.register_user("b@example.com", password);
  const std::string mine = cookie_of(login(email, password)), others = cookie_of(login("b@example.com", password));
  EXPECT_EQ(wrong_of(20, email), 10);
  std::string forged = mine;
  forged.back() = forged.back() == 'A' ? 'E' : 'A';
  for (const std::string& cookie : {others, forged, std::string("jeton_device="), mine + "; " + mine})
    EXPECT_EQ(login(email, password, cookie).status, 429) << cookie;
  EXPECT_EQ(login(email, password, mine).status, 200);
  clock_.move(std::chrono::days(365) - seconds(1));
  EXPECT_EQ(wrong_of(20, email), 10);
  EXPECT_EQ(login(email, password, mine).status, 200);
  clock_.move(seconds(1));
  EXPECT_EQ(login(email, password, mine).status, 429) << "a year is over";
}

TEST_F(LoginLimits, GoodLoginsTakeNothing) {
  for (int i = 0; i < 30; ++i) EXPECT_EQ(login(email, password).status, 200);
}

TEST_F(LoginLimits, ASessionThatAsksForItsOwnPasswordHasABudgetOfItsOwn) {
  const HttpAnswer mine = login(email, password), other = login(email, password);
  const auto change = [&](const HttpAnswer& session, std::string_view old_password) {
    Value body = Value::object();
    body.set("oldPassword", old_password);
    body.set("newPassword", "staple horse battery");
    return running_.post_as(session.text("accessToken"), "/api/auth/password", body).status;
  };
  for (int i = 0; i < 10; ++i) EXPECT_EQ(change(mine, "wrong password"), 403);
  EXPECT_EQ(change(mine, password), 429);
  EXPECT_EQ(change(other, password), 204);
}

// F13: what was there before login is not valid after it.
TEST_F(LoginLimits, EachLoginIsANewSessionWhateverTheClientBroughtAlong) {
  const HttpAnswer first = login(email, password);
  const std::string brought = "jeton_refresh=" + first.text("refreshToken") + "; " + cookie_of(first);
  const HttpAnswer second = login(email, password, brought);
  ASSERT_EQ(second.status, 200);
  EXPECT_NE(*running_.claims_of(second.text("accessToken")).find("sid"),
            *running_.claims_of(first.text("accessToken")).find("sid"));
  EXPECT_NE(second.text("refreshToken"), first.text("refreshToken"));
  EXPECT_NE(cookie_of(second), cookie_of(first));
}

}  // namespace
}  // namespace jeton::issuer::testing
