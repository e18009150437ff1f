#include "issuer/accounts/links.h"

#include "issuer/mail/mail.h"
#include "issuer/running_issuer.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace jeton::issuer::testing {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

class Links : public ::testing::Test {
 protected:
  Links() {
    std::filesystem::create_directory(drop_);
    RunningOptions options{.database = directory_.file("jeton.db"), .mail_link_base = "https://app.example.com"};
    options.outgoing = [this] { return OutgoingOptions{.mail_from = "jeton@example.com", .mail_drop = drop_}; };
    running_.emplace(clock_, std::move(options));
  }
  void SetUp() override {
    ASSERT_TRUE(running_->is_running()) << running_->fault();
    ASSERT_EQ(running_->register_user(email, password).status, 201);
  }

  // What an endpoint left for later is done when a later group of the same store is.
  std::vector<std::string> mails() {
    static_cast<void>(waited<bool>([&](auto done) { running_->store().check(std::move(done)); }));
    static_cast<void>(waited<bool>(
        [&](auto done) { running_->store().sessions().end_session({}, store::EndReason::logout, std::move(done)); }));
    while (running_->deliver() > 0) {
    }
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(drop_)) {
      std::ostringstream text;
      text << std::ifstream(entry.path()).rdbuf();
      found.push_back(text.str());
      std::filesystem::remove(entry.path());
    }
    return found;
  }
  // The secret of the one mail that is about `page`.
  std::string secret_for(std::string_view page) {
    std::string secret;
    for (const std::string& mail : mails()) {
      const std::string start = "https://app.example.com/" + std::string(page) + '#';
      const std::size_t at = mail.find(start);
      if (at != std::string::npos) secret = mail.substr(at + start.size(), mail.find('\r', at) - at - start.size());
    }
    return secret;
  }
  HttpAnswer ask(std::string_view target, std::string_view address) {
    return running_->post(target, Value::object().set("email", address));
  }
  HttpAnswer forgot(std::string_view address) { return ask("/api/auth/forgot-password", address); }
  HttpAnswer reset(const std::string& secret, std::string_view fresh) {
    Value body = Value::object();
    body.set("token", secret);
    body.set("newPassword", fresh);
    return running_->post("/api/auth/reset-password", body);
  }
  HttpAnswer verify(const std::string& secret) {
    return running_->post("/api/auth/verify-email", Value::object().set("token", secret));
  }
  void demand_verified_email() {
    Rules rules = *running_->issuer().rules();
    rules.verified_email_only = true;
    running_->issuer().replace_rules(rules);
  }

  TemporaryDirectory directory_;
  std::string drop_ = directory_.file("mail");
  MovedClock clock_;
  std::optional<RunningIssuer> running_;
};

constexpr std::string_view refused = R"({"error":"Invalid or expired link"})";

TEST_F(Links, RegistrationSendsALinkThatVerifiesTheAddressOnce) {
  const auto sent = mails();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_NE(sent[0].find("To: <dev@example.com>\r\n"), std::string::npos);
  EXPECT_NE(sent[0].find("From: <jeton@example.com>\r\n"), std::string::npos);
  EXPECT_NE(sent[0].find("Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n"), std::string::npos);
  const std::size_t at = sent[0].find("verify-email#");
  ASSERT_NE(at, std::string::npos);
  const std::string secret = sent[0].substr(at + 13, 43);
  EXPECT_EQ(verify(secret).status, 204);
  const HttpAnswer again = verify(secret);
  EXPECT_EQ(again.status, 400);
  EXPECT_EQ(again.body, refused);
}

TEST_F(Links, AnUnverifiedUserMaySignInUnlessItIsConfiguredOtherwise) {
  EXPECT_EQ(running_->login(email, password).status, 200);
  demand_verified_email();
  const HttpAnswer unverified = running_->login(email, password);
  EXPECT_EQ(unverified.status, 403);
  EXPECT_EQ(unverified.body, R"({"error":"Email not verified"})");
  EXPECT_EQ(running_->login(email, "wrong password").status, 401) << "only who knows the password is told";
  EXPECT_EQ(verify(secret_for("verify-email")).status, 204);
  EXPECT_EQ(running_->login(email, password).status, 200);
}

TEST_F(Links, VerificationIsSentAgainButNotAllTheTimeAndNotWhenItIsDone) {
  const std::string first = secret_for("verify-email");
  EXPECT_EQ(ask("/api/auth/verify-email/resend", email).status, 202);
  EXPECT_TRUE(mails().empty()) << "within a minute of the last";
  clock_.move(seconds(60));
  EXPECT_EQ(ask("/api/auth/verify-email/resend", email).status, 202);
  const std::string second = secret_for("verify-email");
  EXPECT_EQ(verify(first).body, refused) << "superseded";
  EXPECT_EQ(verify(second).status, 204);
  clock_.move(seconds(60));
  EXPECT_EQ(ask("/api/auth/verify-email/resend", email).status, 202);
  EXPECT_TRUE(mails().empty());
}

// F06: refresh of a user whose password was changed is refused.
TEST_F(Links, ResetEndsEverySessionAndTheOldPassword) {
  const HttpAnswer login = running_->login(email, password);
  static_cast<void>(mails());
  const HttpAnswer asked = forgot("DEV@example.com");
  EXPECT_EQ(asked.status, 202);
  EXPECT_TRUE(asked.body.empty());
  const std::string secret = secret_for("reset-password");
  ASSERT_EQ(secret.size(), 43U);
  EXPECT_EQ(reset(secret, "staple horse battery").status, 204);
  EXPECT_EQ(running_->refresh(login.text("refreshToken")).status, 401);
  EXPECT_EQ(running_->me(login.text("accessToken")).body, R"({"error":"Token revoked"})");
  EXPECT_EQ(running_->login(email, password).status, 401);
  EXPECT_EQ(running_->login(email, "staple horse battery").status, 200);
  demand_verified_email();
  EXPECT_EQ(running_->login(email, "staple horse battery").status, 200) << "the mail was read, so the address is good";
}

TEST_F(Links, AResetLinkIsGoodOnceForAnHourAndForResets) {
  static_cast<void>(mails());
  forgot(email);
  const std::string first = secret_for("reset-password");
  EXPECT_EQ(verify(first).body, refused);
  EXPECT_EQ(reset(first, "short").status, 400);
  clock_.move(hours(1));
  EXPECT_EQ(reset(first, "staple horse battery").body, refused);
  forgot(email);
  const std::string second = secret_for("reset-password");
  clock_.move(hours(1) - seconds(1));
  EXPECT_EQ(reset(second, "staple horse battery").status, 204);
  EXPECT_EQ(reset(second, "another horse battery").body, refused);
  EXPECT_EQ(running_->login(email, "staple horse battery").status, 200);
}

TEST_F(Links, AMadeUpLinkIsRefusedBeforeAnythingIsHashed) {
  const std::string hashes = running_->metric("jeton_password_hashes_total");
  for (const std::string_view secret : {"", "x", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"})
    EXPECT_EQ(reset(std::string(secret), "staple horse battery").body, refused);
  EXPECT_EQ(running_->metric("jeton_password_hashes_total"), hashes);
}

TEST_F(Links, WhoeverIsAskedAboutTheAnswerIsTheSame) {
  static_cast<void>(mails());
  const HttpAnswer known = forgot(email), unknown = forgot("nobody@example.com");
  EXPECT_EQ(known.status, 202);
  EXPECT_EQ(unknown.status, 202);
  EXPECT_EQ(known.body, unknown.body);
  ASSERT_EQ(known.headers.fields().size(), unknown.headers.fields().size());
  EXPECT_EQ(mails().size(), 1U);
  const HttpAnswer no_address = forgot("nobody");
  EXPECT_EQ(no_address.status, 400);
}

TEST_F(Links, AFloodOfRequestsIsTurnedAwayByItsBlockOfAddresses) {
  Rules rules = *running_->issuer().rules();
  rules.attempts.block = {.burst = 3, .period = std::chrono::minutes{10}};
  running_->issuer().replace_rules(rules);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(forgot(std::to_string(i) + "@example.com").status, 202);
  const HttpAnswer refusal = forgot(email);
  EXPECT_EQ(refusal.status, 429);
  EXPECT_EQ(refusal.body, R"({"error":"Too many attempts"})");
  EXPECT_EQ(refusal.header("retry-after"), "200");
  clock_.move(seconds(200));
  EXPECT_EQ(forgot(email).status, 202);
}

TEST_F(Links, NoSecretIsInTheDatabase) {
  const auto found = [&](const std::string& needle) {
    for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(drop_).parent_path())) {
      if (!entry.is_regular_file()) continue;
      std::ostringstream text;
      text << std::ifstream(entry.path(), std::ios::binary).rdbuf();
      if (text.str().find(needle) != std::string::npos) return true;
    }
    return false;
  };
  const std::string secret = secret_for("verify-email");
  ASSERT_EQ(secret.size(), 43U);
  EXPECT_FALSE(found(secret));
  EXPECT_FALSE(found("app.example.com")) << "mails wait sealed";
  EXPECT_TRUE(found("dev@example.com")) << "and the search finds what is there";
}

TEST(LinksOff, WithoutMailThereAreNone) {
  TemporaryDirectory directory;
  MovedClock clock;
  RunningIssuer running(clock, {.database = directory.file("jeton.db")});
  running.register_user(email, password);
  const HttpAnswer answer = running.post("/api/auth/forgot-password", Value::object().set("email", email));
  EXPECT_EQ(answer.status, 501);
  EXPECT_EQ(answer.body, R"({"error":"Mail is not configured"})");
}

TEST(Mail, NoAddressSubjectOrTextCanAddAHeaderOrARecipient) {
  const Mail good{.to = "dev@example.com", .subject = "Subject", .text = "One.\n.Two\n"};
  const store::StoreTime at{};
  ASSERT_TRUE(compose(good, "jeton@example.com", "id", at).has_value());
  EXPECT_TRUE(compose(good, "jeton@example.com", "id", at)->ends_with("\r\n\r\nOne.\r\n.Two\r\n"));
  for (const std::string_view bad :
       {"dev@example.com\r\nBcc: x@y", "a@b>", "<a@b", "a@b,c@d", "a@b c", "a b@c", "\"a\"@b", "a@[127.0.0.1]", "@b",
        "a@", "a..b@c", ".a@b", "a@.b", "a@b\n", "a;b@c", "a(b)@c"}) {
    EXPECT_FALSE(is_mailable(bad)) << bad;
    EXPECT_FALSE(compose({.to = std::string(bad), .subject = "S", .text = ""}, "jeton@example.com", "id", at));
    EXPECT_FALSE(compose(good, bad, "id", at));
  }
  for (const std::string_view bad : {"a\r\nBcc: x@y", "a\n", "\u00e4"}) {
    EXPECT_FALSE(compose({.to = "a@b", .subject = std::string(bad), .text = ""}, "jeton@example.com", "id", at));
    EXPECT_FALSE(compose(good, "jeton@example.com", bad, at));
  }
  EXPECT_FALSE(compose({.to = "a@b", .subject = "S", .text = "a\rb"}, "jeton@example.com", "id", at));
  EXPECT_FALSE(compose({.to = "a@b", .subject = "S", .text = std::string(999, 'x')}, "jeton@example.com", "id", at));
  for (const std::string_view good_address : {"dev+x@example.com", "o'brien@a.b", "j\u00f6@b\u00fccher.example"})
    EXPECT_TRUE(is_mailable(good_address)) << good_address;
}

TEST(Mail, WhatIsSealedOpensWithItsKeyAlone) {
  const Mail mail{.to = "dev@example.com", .subject = "S", .text = "secret link\n"};
  const SecretBytes key = SecretBytes::random(32), other = SecretBytes::random(32);
  const auto sealed = seal_mail(key, mail);
  const auto opened = open_mail(key, sealed);
  ASSERT_TRUE(opened.has_value());
  EXPECT_EQ(opened->text, mail.text);
  EXPECT_FALSE(open_mail(other, sealed).has_value());
}

}  // namespace
}  // namespace jeton::issuer::testing
