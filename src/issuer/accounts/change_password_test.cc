#include "issuer/running_issuer.h"

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace jeton::issuer::testing {
namespace {

constexpr std::string_view new_password = "staple horse battery";

class ChangePassword : public ::testing::Test {
 protected:
  ChangePassword() : running_(clock_, {.database = directory_.file("jeton.db"), .password_pool = {.threads = 4}}) {
    running_.register_user(email, password);
    mine_ = running_.login(email, password);
  }

  HttpAnswer change(const HttpAnswer& session, std::string_view old_text, std::string_view new_text) {
    Value body = Value::object();
    body.set("oldPassword", old_text);
    body.set("newPassword", new_text);
    return running_.post("/api/auth/password", body, {{"Authorization", "Bearer " + session.text("accessToken")}});
  }

  TemporaryDirectory directory_;
  MovedClock clock_;
  RunningIssuer running_;
  HttpAnswer mine_;
};

// F06: refresh of a password-changed user is refused, but for the session that changed it.
TEST_F(ChangePassword, EndsTheOtherSessionsAndKeepsTheOneThatAsked) {
  const HttpAnswer other = running_.login(email, password);
  const HttpAnswer answer = change(mine_, password, new_password);
  EXPECT_EQ(answer.status, 204);
  EXPECT_EQ(answer.header("cache-control"), "no-store");
  EXPECT_EQ(running_.me(other.text("accessToken")).body, R"({"error":"Token revoked"})");
  EXPECT_EQ(running_.refresh(other.text("refreshToken")).status, 401);

  const HttpAnswer stale = running_.me(mine_.text("accessToken"));
  EXPECT_EQ(stale.body, R"({"error":"Token expired","reason":"stale_claims"})");
  const HttpAnswer refreshed = running_.refresh(mine_.text("refreshToken"));
  ASSERT_EQ(refreshed.status, 200);
  EXPECT_EQ(running_.me(refreshed.text("accessToken")).status, 200);
  EXPECT_EQ(*running_.claims_of(refreshed.text("accessToken")).find("sid"),
            *running_.claims_of(mine_.text("accessToken")).find("sid"));
  EXPECT_EQ(running_.login(email, password).status, 401);
  EXPECT_EQ(running_.login(email, new_password).status, 200);
}

TEST_F(ChangePassword, OfAnotherUserIsUntouched) {
  running_.register_user("b@example.com", password);
  const HttpAnswer other = running_.login("b@example.com", password);
  EXPECT_EQ(change(mine_, password, new_password).status, 204);
  EXPECT_EQ(running_.me(other.text("accessToken")).status, 200);
  EXPECT_EQ(running_.login("b@example.com", password).status, 200);
}

TEST_F(ChangePassword, NeedsTheOldPasswordAndAnAccessToken) {
  const HttpAnswer wrong = change(mine_, "wrong password", new_password);
  EXPECT_EQ(wrong.status, 403);
  EXPECT_EQ(wrong.body, R"({"error":"Invalid credentials"})");
  const HttpAnswer without = running_.post("/api/auth/password", Value::object());
  EXPECT_EQ(without.status, 401);
  EXPECT_EQ(without.body, R"({"error":"Access token required"})");
  running_.logout(mine_.text("refreshToken"));
  EXPECT_EQ(change(mine_, password, new_password).body, R"({"error":"Token revoked"})");
  EXPECT_EQ(running_.login(email, password).status, 200);
  EXPECT_EQ(running_.login(email, new_password).status, 401);
}

// F17: what no account can have is refused before anything is hashed; what differs at its end is another password.
TEST_F(ChangePassword, ImpossiblePasswordsAreRefusedBeforeTheyAreHashed) {
  const std::string hashes = running_.metric("jeton_password_hashes_total");
  EXPECT_EQ(change(mine_, password, "1234567").status, 400);
  for (const std::string& bad : {std::string(), std::string(1025, 'x'), std::string("12345678\0", 9)}) {
    EXPECT_EQ(change(mine_, password, bad).status, 400);
    EXPECT_EQ(change(mine_, bad, new_password).status, 403);
    EXPECT_EQ(running_.login(email, bad).status, 401);
  }
  EXPECT_EQ(change(mine_, password, std::string(60'000, 'x')).status, 400);
  EXPECT_EQ(running_.login(email, std::string(60'000, 'x')).status, 401);
  // Past the size of any body: 413, which a client that is still writing may not get to read.
  const int megabyte = running_.login(email, std::string(1 << 20, 'x')).status;
  EXPECT_TRUE(megabyte == 413 || megabyte == 0) << megabyte;
  EXPECT_EQ(change(mine_, password, password).status, 400);
  EXPECT_EQ(running_.metric("jeton_password_hashes_total"), hashes);
}

// F17
TEST_F(ChangePassword, EveryByteOfAPasswordCounts) {
  const std::string stem(72, 'p');
  const std::string keys = "\U0001F511\U0001F511";  // two characters of four bytes
  ASSERT_EQ(change(mine_, password, stem + "A").status, 204);
  EXPECT_EQ(running_.login(email, stem + "B").status, 401);
  EXPECT_EQ(running_.login(email, stem).status, 401);
  const HttpAnswer next = running_.login(email, stem + "A");
  ASSERT_EQ(next.status, 200);
  ASSERT_EQ(change(next, stem + "A", keys).status, 204);
  EXPECT_EQ(running_.login(email, keys).status, 200);
}

TEST_F(ChangePassword, OfManyAtOnceOneSucceedsAndOneSessionIsLeft) {
  std::vector<HttpAnswer> sessions{mine_};
  for (int i = 0; i < 5; ++i) sessions.push_back(running_.login(email, password));
  std::vector<int> statuses(sessions.size());
  {
    std::vector<std::jthread> people;
    for (std::size_t i = 0; i < sessions.size(); ++i) {
      people.emplace_back(
          [&, i] { statuses[i] = change(sessions[i], password, "new password " + std::to_string(i)).status; });
    }
  }
  int changed = 0, live = 0, good = 0;
  for (std::size_t i = 0; i < sessions.size(); ++i) {
    changed += statuses[i] == 204;
    live += running_.refresh(sessions[i].text("refreshToken")).status == 200;
    good += running_.login(email, "new password " + std::to_string(i)).status == 200;
    EXPECT_TRUE(statuses[i] == 204 || statuses[i] == 401 || statuses[i] == 403) << statuses[i];
  }
  EXPECT_EQ(changed, 1);
  EXPECT_EQ(live, 1);
  EXPECT_EQ(good, 1);
}

}  // namespace
}  // namespace jeton::issuer::testing
