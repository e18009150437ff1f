// Several processes on one store, restarts, the published keys, and what a start refuses.
#include "issuer/issuer.h"

#include "issuer/jwks/jwks.h"
#include "issuer/running_issuer.h"
#include "platform/log.h"

#include <jeton/claims.h>
#include <jeton/key.h>
#include <jeton/key_set.h>
#include <jeton/signer.h>

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

namespace jeton::issuer::testing {
namespace {

using std::chrono::seconds;

class OneStore : public ::testing::Test {
 protected:
  RunningOptions options() const { return {.database = directory_.file("jeton.db")}; }

  TemporaryDirectory directory_;
  MovedClock clock_;
};

TEST_F(OneStore, IsServedByTwoProcessesAsOneIssuer) {
  RunningIssuer first(clock_, options());
  RunningIssuer second(clock_, options());
  ASSERT_TRUE(second.is_running()) << second.fault();
  ASSERT_NE(first.port(), second.port());
  EXPECT_EQ(first.issuer().foundation().issuer, second.issuer().foundation().issuer);
  EXPECT_EQ(first.get("/.well-known/jwks.json").body, second.get("/.well-known/jwks.json").body);

  first.register_user(email, password);
  const HttpAnswer login = second.login(email, password);
  EXPECT_EQ(first.me(login.text("accessToken")).status, 200);
  const HttpAnswer refreshed = first.refresh(login.text("refreshToken"));
  EXPECT_EQ(refreshed.status, 200);
  EXPECT_EQ(second.refresh(login.text("refreshToken")).text("refreshToken"), refreshed.text("refreshToken"))
      << "a repeat, elsewhere";
  EXPECT_EQ(second.logout(refreshed.text("refreshToken")).status, 204);
  EXPECT_EQ(first.me(refreshed.text("accessToken")).body, R"({"error":"Token revoked"})")
      << "at once, and in the other process";
}

TEST_F(OneStore, KeepsSessionsKeysAndIdentityThroughARestart) {
  std::string refresh_token, access_token, keys, issuer;
  {
    RunningIssuer before(clock_, options());
    before.register_user(email, password);
    const HttpAnswer login = before.login(email, password);
    refresh_token = login.text("refreshToken");
    access_token = login.text("accessToken");
    keys = before.get("/.well-known/jwks.json").body;
    issuer = before.issuer().foundation().issuer;
  }
  RunningIssuer after(clock_, options());
  EXPECT_EQ(after.issuer().foundation().issuer, issuer);
  EXPECT_EQ(after.get("/.well-known/jwks.json").body, keys);
  EXPECT_EQ(after.me(access_token).status, 200);
  EXPECT_EQ(after.refresh(refresh_token).status, 200);
}

TEST_F(OneStore, IsRefusedWithAnotherMasterKeyAndLeftAsItWas) {
  {
    RunningIssuer first(clock_, options());
  }
  RunningOptions wrong = options();
  wrong.master_key_seed = 2;
  RunningIssuer refused(clock_, std::move(wrong));
  EXPECT_FALSE(refused.is_running());
  EXPECT_NE(refused.fault().find("master.key is not the master key with which jeton.db was made"), std::string::npos)
      << refused.fault();
  RunningIssuer right(clock_, options());
  EXPECT_TRUE(right.is_running()) << right.fault();
}

TEST_F(OneStore, IsRefusedForAnotherIssuerThanItWasMadeFor) {
  RunningOptions made = options();
  made.issuer_url = "https://id.example.com";
  {
    RunningIssuer first(clock_, made);
  }
  RunningOptions other = options();
  other.issuer_url = "https://other.example.com";
  RunningIssuer refused(clock_, std::move(other));
  EXPECT_FALSE(refused.is_running());
  EXPECT_NE(refused.fault().find("https://id.example.com"), std::string::npos);
  RunningIssuer silent(clock_, options());
  ASSERT_TRUE(silent.is_running()) << silent.fault();
  EXPECT_EQ(silent.issuer().foundation().issuer, "https://id.example.com");
}

TEST_F(OneStore, OfSeveralFirstStartsAtOnceOneMakesTheKeyAndAllSignWithIt) {
  std::vector<std::unique_ptr<RunningIssuer>> all(4);
  std::vector<std::thread> starts;
  for (auto& one : all) starts.emplace_back([&] { one = std::make_unique<RunningIssuer>(clock_, options()); });
  for (auto& start : starts) start.join();
  for (auto& one : all) ASSERT_TRUE(one->is_running()) << one->fault();
  all[0]->register_user(email, password);
  std::set<std::string> kids;
  for (auto& one : all) {
    const std::string access = one->login(email, password).text("accessToken");
    EXPECT_EQ(all[1]->me(access).status, 200);
    kids.insert(untrusted_header_peek(access)->kid);
  }
  EXPECT_EQ(kids.size(), 1U);
}

// Counts how often the keys are read, and can be away.
class WatchedKeys final : public store::SigningKeys {
 public:
  explicit WatchedKeys(store::SigningKeys& inner) : inner_(inner) {}
  void report_node(store::NodeReport report, store::Completion<store::KeySetView> done) override {
    ++reads;
    if (away) return done(std::unexpected(store::Error{store::Errc::unavailable, "away"}));
    inner_.report_node(std::move(report), std::move(done));
  }
  void read_keys(store::Completion<store::KeySetView> done) override { inner_.read_keys(std::move(done)); }
  void advance_keys(std::int64_t version, std::vector<store::KeyStep> steps,
                    store::Completion<store::KeyChange> done) override {
    inner_.advance_keys(version, std::move(steps), std::move(done));
  }
  void forget_node(std::string id, store::Completion<bool> done) override {
    inner_.forget_node(std::move(id), std::move(done));
  }
  void import_key(store::StoredKey key, store::Completion<store::KeyChange> done, store::Actor by) override {
    inner_.import_key(std::move(key), std::move(done), std::move(by));
  }
  void rotate_key(std::string algorithm, store::Completion<store::KeyChange> done, store::Actor by) override {
    inner_.rotate_key(std::move(algorithm), std::move(done), std::move(by));
  }
  void revoke_key(std::string kid, store::Completion<store::KeyChange> done, store::Actor by) override {
    inner_.revoke_key(std::move(kid), std::move(done), std::move(by));
  }
  std::atomic<int> reads = 0;
  std::atomic<bool> away = false;

 private:
  store::SigningKeys& inner_;
};

class StoreWithWatchedKeys final : public store::Store {
 public:
  explicit StoreWithWatchedKeys(std::unique_ptr<store::Store> inner)
      : inner_(std::move(inner)), keys(inner_->signing_keys()) {}
  store::Users& users() override { return inner_->users(); }
  store::Sessions& sessions() override { return inner_->sessions(); }
  store::Clients& clients() override { return inner_->clients(); }
  store::SigningKeys& signing_keys() override { return keys; }
  store::Settings& settings() override { return inner_->settings(); }
  store::Outbox& outbox() override { return inner_->outbox(); }
  store::Revocations& revocations() override { return inner_->revocations(); }
  store::OneTimeLinks& one_time_links() override { return inner_->one_time_links(); }
  store::SecondFactors& second_factors() override { return inner_->second_factors(); }
  store::History& history() override { return inner_->history(); }
  store::Audit& audit() override { return inner_->audit(); }
  void check(store::Completion<bool> done) override { inner_->check(std::move(done)); }

 private:
  std::unique_ptr<store::Store> inner_;

 public:
  WatchedKeys keys;
};

TEST_F(OneStore, AFloodOfUnknownKeysReadsTheStoreOnceAnInterval) {
  RunningOptions watched = options();
  WatchedKeys* keys = nullptr;
  watched.wrap_store = [&](std::unique_ptr<store::Store> inner) {
    auto store = std::make_unique<StoreWithWatchedKeys>(std::move(inner));
    keys = &store->keys;
    return store;
  };
  RunningIssuer running(clock_, std::move(watched));
  running.register_user(email, password);
  const std::string access = running.login(email, password).text("accessToken");
  const Signer stranger(SigningKey::generate(Algorithm::es256),
                        {.issuer = running.issuer().foundation().issuer, .audiences = {"api"}});
  const std::string foreign = *stranger.sign(Claims("usr_x"), clock_.now_seconds());
  const int at_start = keys->reads;
  for (int i = 0; i < 20; ++i) EXPECT_EQ(running.me(foreign).status, 403);
  EXPECT_EQ(keys->reads, at_start);
  clock_.move(node_trust);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(running.me(foreign).status, 403);
  EXPECT_EQ(keys->reads, at_start + 1);

  // A store that is away leaves the old keys in place, and is not asked on every request either.
  keys->away = true;
  clock_.move(node_trust);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(running.get("/.well-known/jwks.json").status, 200);
  EXPECT_EQ(running.me(access).status, 200);
  EXPECT_EQ(keys->reads, at_start + 2);
}

TEST_F(OneStore, PublishesPublicKeysAloneWithAnETag) {
  RunningIssuer running(clock_, options());
  const HttpAnswer answer = running.get("/.well-known/jwks.json");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("cache-control"), "public, max-age=300, stale-while-revalidate=150");
  EXPECT_EQ(answer.header("content-type"), "application/json");
  const Value body = answer.json();
  ASSERT_EQ(body.find("keys")->if_array()->size(), 2U) << "the one that signs, and the next";
  const Value& key = body.find("keys")->if_array()->front();
  EXPECT_EQ(*key.find("kty"), Value("EC"));
  EXPECT_EQ(*key.find("alg"), Value("ES256"));
  EXPECT_EQ(*key.find("kid"), Value(*thumbprint(key.to_json())));
  EXPECT_EQ(key.find("d"), nullptr);

  const std::string etag = answer.header("etag");
  ASSERT_TRUE(etag.starts_with('"'));
  const HttpAnswer unchanged = running.get("/.well-known/jwks.json", {{"If-None-Match", "\"other\", W/" + etag}});
  EXPECT_EQ(unchanged.status, 304);
  EXPECT_EQ(unchanged.body, "");
  EXPECT_EQ(unchanged.header("etag"), etag);
  EXPECT_EQ(running.get("/.well-known/jwks.json", {{"If-None-Match", "\"other\""}}).status, 200);
  const HttpAnswer head = exchange(running.port(), "HEAD", "/.well-known/jwks.json");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.body, "");
}

TEST_F(OneStore, SaysThatItIsWellAndWhatItDid) {
  RunningIssuer running(clock_, options());
  const HttpAnswer health = running.get("/healthz");
  EXPECT_EQ(health.status, 200);
  EXPECT_EQ(health.body, R"({"status":"ok"})");
  running.register_user(email, password);
  running.login(email, password);
  EXPECT_EQ(running.metric("jeton_registrations_total"), "1");
  EXPECT_EQ(running.metric("jeton_logins_total"), "1");
  EXPECT_GE(std::stoi(running.metric("jeton_http_answers_total{code=\"2xx\"}")), 3);
  EXPECT_GE(std::stoi(running.metric("jeton_http_answer_seconds_count")), 3);
  EXPECT_GT(std::stod(running.metric("jeton_http_answer_seconds_sum")), 0);
  EXPECT_EQ(running.metric("jeton_http_limits_hit_total{limit=\"body_bytes_max\"}"), "0");
  EXPECT_EQ(running.post_text("/api/auth/login", std::string(200000, ' ')).status, 413);
  EXPECT_EQ(running.metric("jeton_http_limits_hit_total{limit=\"body_bytes_max\"}"), "1");
  Rules rules = *running.issuer().rules();
  rules.metrics_open = false;
  running.issuer().replace_rules(rules);
  EXPECT_EQ(running.get("/metrics").status, 404);
}

TEST_F(OneStore, OtherMethodsAndPathsAreNamed) {
  RunningIssuer running(clock_, options());
  EXPECT_EQ(running.get("/api/auth/login").status, 405);
  EXPECT_EQ(running.get("/api/auth/login").header("allow"), "POST");
  EXPECT_EQ(running.get("/nowhere").status, 404);
}

// No log line, at any level, holds a token, a password or the handle of a session.
TEST_F(OneStore, LogsNoSecrets) {
  std::mutex mutex;
  std::string log;
  platform::set_log_sink([&](std::string_view line) {
    const std::lock_guard lock(mutex);
    log.append(line).append("\n");
  });
  platform::set_log_level(platform::LogLevel::debug);
  HttpAnswer login, refreshed;
  {
    RunningIssuer running(clock_, options());
    running.register_user(email, "canary-password");
    running.login(email, "canary-wrong-password");
    login = running.login(email, "canary-password");
    refreshed = running.refresh(login.text("refreshToken"), "canary-idempotency");
    running.me(refreshed.text("accessToken"));
    running.me(refreshed.text("accessToken") + "x");
    running.refresh(login.text("refreshToken").substr(0, 58) + "A");
    clock_.move(seconds(11));
    running.refresh(login.text("refreshToken"));
    running.logout(refreshed.text("refreshToken"));
  }
  platform::set_log_sink({});
  platform::set_log_level(platform::LogLevel::info);
  EXPECT_NE(log.find("refresh token refused"), std::string::npos);
  for (const std::string& secret :
       {std::string("canary"), login.text("refreshToken").substr(5, 40), refreshed.text("refreshToken").substr(5, 40),
        login.text("accessToken").substr(0, 40), refreshed.text("accessToken").substr(200, 40)}) {
    EXPECT_EQ(log.find(secret), std::string::npos) << secret;
  }
}

TEST(NamesETag, ComparesWeaklyInLists) {
  EXPECT_TRUE(names_etag("\"a\"", "\"a\""));
  EXPECT_TRUE(names_etag(" \"x\" ,\tW/\"a\" ", "\"a\""));
  EXPECT_TRUE(names_etag("*", "\"a\""));
  EXPECT_FALSE(names_etag("", "\"a\""));
  EXPECT_FALSE(names_etag(",, ,", "\"a\""));
  EXPECT_FALSE(names_etag("\"b\", a", "\"a\""));
}

}  // namespace
}  // namespace jeton::issuer::testing
