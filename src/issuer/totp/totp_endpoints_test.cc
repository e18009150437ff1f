#include "issuer/totp/totp.h"

#include "crypto/totp.h"
#include "issuer/running_issuer.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace jeton::issuer::testing {
namespace {

using std::chrono::seconds;

// What an authenticator app does.
SecretBytes secret_from(std::string_view base32) {
  std::string bytes;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : base32) {
    bits = bits << 5 | static_cast<std::uint32_t>(c >= 'A' ? c - 'A' : c - '2' + 26);
    count += 5;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count & 0xFF);
  }
  return SecretBytes::from_text(bytes);
}

class TotpLogin : public ::testing::Test {
 protected:
  TotpLogin() : running_(clock_, {.database = directory_.file("jeton.db")}) {
    running_.register_user(email, password);
    mine_ = running_.login(email, password);
  }

  HttpAnswer call(std::string_view name, std::initializer_list<std::pair<const char*, std::string>> members) {
    Value body = Value::object();
    for (const auto& [member, value] : members) body.set(member, value);
    return running_.post_as(mine_.text("accessToken"), "/api/auth/totp/" + std::string(name), body);
  }
  std::string code(int off = 0) {
    return crypto::totp_code(secret_from(secret_), to_unix_seconds(clock_.now_seconds()) / 30 + off);
  }
  void next_step() { clock_.move(seconds(30)); }
  // Enrols and confirms; the recovery codes.
  std::vector<std::string> enable() {
    secret_ = call("enrol", {{"password", std::string(password)}}).text("secret");
    const HttpAnswer confirmed = call("confirm", {{"code", code()}});
    EXPECT_EQ(confirmed.status, 200);
    next_step();
    std::vector<std::string> codes;
    const Value body = confirmed.json();
    for (const Value& one : *body.find("recoveryCodes")->if_array()) codes.push_back(*one.if_string());
    return codes;
  }
  std::string challenge() { return running_.login(email, password).text("challenge"); }
  HttpAnswer second(const std::string& challenge, const std::string& text, const char* member = "code") {
    Value body = Value::object();
    body.set("challenge", challenge);
    body.set(member, text);
    return running_.post("/api/auth/totp/login", body);
  }

  TemporaryDirectory directory_;
  MovedClock clock_;
  RunningIssuer running_;
  HttpAnswer mine_;
  std::string secret_;
};

constexpr std::string_view invalid_code = R"({"error":"Invalid code"})";
constexpr std::string_view invalid_challenge = R"({"error":"Invalid challenge"})";

TEST_F(TotpLogin, EnrolmentShowsTheSecretAndChangesNothingUntilACodeConfirmsIt) {
  EXPECT_EQ(call("enrol", {{"password", "wrong password"}}).status, 403);
  const HttpAnswer enrolled = call("enrol", {{"password", std::string(password)}});
  EXPECT_EQ(enrolled.status, 200);
  secret_ = enrolled.text("secret");
  EXPECT_EQ(secret_.size(), 32U);
  EXPECT_EQ(enrolled.text("otpauthUri"), "otpauth://totp/127.0.0.1%3A" + std::to_string(running_.port()) +
                                             ":dev%40example.com?secret=" + secret_ + "&issuer=127.0.0.1%3A" +
                                             std::to_string(running_.port()) + "&algorithm=SHA1&digits=6&period=30");
  EXPECT_EQ(running_.login(email, password).status, 200);
  const HttpAnswer wrong = call("confirm", {{"code", "nonsense"}});
  EXPECT_EQ(wrong.status, 403);
  EXPECT_EQ(wrong.body, invalid_code);
  EXPECT_EQ(running_.login(email, password).status, 200);
  EXPECT_EQ(call("confirm", {{"code", code()}}).status, 200);
  EXPECT_EQ(running_.login(email, password).status, 401);
  EXPECT_EQ(call("enrol", {{"password", std::string(password)}}).status, 409);
  EXPECT_EQ(call("confirm", {{"code", code(1)}}).status, 409);
}

TEST_F(TotpLogin, ThereIsNoSessionBeforeBothSteps) {
  enable();
  const HttpAnswer first = running_.login(email, password);
  EXPECT_EQ(first.status, 401);
  EXPECT_EQ(first.text("error"), "Second factor required");
  EXPECT_EQ(first.json().find("methods")->to_json(), R"(["totp","recovery_code"])");
  EXPECT_TRUE(first.text("accessToken").empty() && first.text("refreshToken").empty());
  EXPECT_TRUE(first.header("set-cookie").empty());
  const HttpAnswer both = second(first.text("challenge"), code());
  EXPECT_EQ(both.status, 200);
  EXPECT_EQ(running_.me(both.text("accessToken")).status, 200);
  EXPECT_EQ(running_.login(email, "wrong password").text("challenge"), "") << "only after the right password";
}

TEST_F(TotpLogin, ACodeIsGoodOnceAndOneStepOfDriftIsAllowed) {
  enable();
  const std::string used = code();
  EXPECT_EQ(second(challenge(), used).status, 200);
  const HttpAnswer again = second(challenge(), used);
  EXPECT_EQ(again.status, 401);
  EXPECT_EQ(again.body, invalid_code);
  EXPECT_EQ(second(challenge(), code(-1)).body, invalid_code) << "before the one that was used";
  EXPECT_EQ(second(challenge(), code(1)).status, 200);
  next_step();
  next_step();
  next_step();
  EXPECT_EQ(second(challenge(), code(-2)).body, invalid_code);
  EXPECT_EQ(second(challenge(), code(2)).body, invalid_code);
  EXPECT_EQ(second(challenge(), code(-1)).status, 200);
}

TEST_F(TotpLogin, OfManyWithOneCodeAtOnceOneSignsIn) {
  enable();
  const std::string one = code();
  std::vector<std::string> challenges;
  for (int i = 0; i < 6; ++i) challenges.push_back(challenge());
  std::atomic<int> good = 0;
  {
    std::vector<std::jthread> people;
    for (const std::string& mine : challenges)
      people.emplace_back([&, mine] { good += second(mine, one).status == 200; });
  }
  EXPECT_EQ(good, 1);
}

TEST_F(TotpLogin, TheChallengeIsBoundToThePasswordStepAndShortLived) {
  enable();
  const std::string old = challenge();
  clock_.move(seconds(299));
  EXPECT_EQ(second(old, code()).status, 200);
  const std::string late = challenge();
  clock_.move(seconds(300));
  EXPECT_EQ(second(late, code()).body, invalid_challenge);
  std::string forged = challenge();
  forged[10] = forged[10] == 'A' ? 'B' : 'A';
  for (const std::string& bad : {forged, std::string(), std::string("AAAA"), mine_.text("accessToken")})
    EXPECT_EQ(second(bad, code()).body, invalid_challenge);
  const std::string before = challenge();
  const auto sub = running_.claims_of(mine_.text("accessToken"));
  static_cast<void>(waited<bool>([&](auto done) {
    running_.store().users().change_password(*sub.find("sub")->if_string(), "unusable", std::nullopt, std::move(done));
  }));
  EXPECT_EQ(second(before, code()).body, invalid_challenge) << "the password has changed since";
}

TEST_F(TotpLogin, RecoveryCodesAreGoodOnceInAnySpellingOfCase) {
  const auto codes = enable();
  ASSERT_EQ(codes.size(), 10U);
  EXPECT_EQ(codes[0].size(), 19U);
  EXPECT_EQ(second(challenge(), codes[0], "recoveryCode").status, 200);
  EXPECT_EQ(second(challenge(), codes[0], "recoveryCode").body, invalid_code);
  std::string plain;
  for (const char c : codes[1]) {
    if (c != '-') plain += c >= 'A' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  EXPECT_EQ(second(challenge(), plain, "recoveryCode").status, 200);
  EXPECT_EQ(second(challenge(), "AAAA-AAAA-AAAA-AAAA", "recoveryCode").body, invalid_code);
  EXPECT_EQ(second(challenge(), codes[2]).body, invalid_code) << "a recovery code is no code";
}

TEST_F(TotpLogin, GuessesHaveABudgetThatASuccessGivesBack) {
  enable();
  for (int i = 0; i < 9; ++i) EXPECT_EQ(second(challenge(), "nonsense").status, 401);
  EXPECT_EQ(second(challenge(), code()).status, 200);
  next_step();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(second(challenge(), "nonsense").status, 401);
  const HttpAnswer refused = second(challenge(), code());
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.header("retry-after"), "900");
  EXPECT_EQ(running_.me(mine_.text("accessToken")).status, 200) << "who is signed in stays signed in";
  clock_.move(seconds(900));
  EXPECT_EQ(second(challenge(), code()).status, 200);
}

TEST_F(TotpLogin, IsSwitchedOffByPasswordAndCodeTogether) {
  const auto codes = enable();
  EXPECT_EQ(call("disable", {{"password", std::string(password)}}).status, 400);
  EXPECT_EQ(call("disable", {{"password", std::string(password)}, {"code", "nonsense"}}).body, invalid_code);
  EXPECT_EQ(call("disable", {{"password", "wrong password"}, {"code", code()}}).status, 403);
  EXPECT_EQ(running_.login(email, password).status, 401);
  EXPECT_EQ(call("disable", {{"password", std::string(password)}, {"code", code()}}).status, 204);
  EXPECT_EQ(running_.login(email, password).status, 200);
  EXPECT_EQ(call("disable", {{"password", std::string(password)}, {"recoveryCode", codes[0]}}).status, 409);
}

}  // namespace
}  // namespace jeton::issuer::testing
