// Keys from issuers that are right, wrong, slow, enormous and gone; and how often they were asked.
#include "agent/scripted_issuer.h"
#include "agent/stored_keys.h"
#include "agent/upkeep.h"

#include <jeton/jws.h>
#include <jeton/signer.h>
#include <jeton/token_cache.h>

#include <gtest/gtest.h>

#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <thread>

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr char jwks_path[] = "/jwks";
const UnixTime now = from_unix_seconds(1'700'000'000);

struct SetClock final : platform::ClockSource {
  std::atomic<std::int64_t> seconds{to_unix_seconds(jeton::agent::now)};
  std::chrono::sys_time<milliseconds> now() const override {
    return std::chrono::sys_time<milliseconds>(std::chrono::seconds(seconds));
  }
};
struct SetMonotonic final : platform::MonotonicSource {
  std::atomic<std::int64_t> at{1'000'000};
  milliseconds ticks() const override { return milliseconds(at); }
};

class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "jeton-agent-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::string jwks_of(std::vector<SigningKey> keys) {
  std::vector<VerificationKey> all;
  for (const SigningKey& key : keys) all.push_back(key.verification_key());
  return KeySet(all).to_jwks();
}

// An agent whose clocks stand, and the issuer it asks.
class KeySourceTest : public testing::Test {
 protected:
  AgentOptions options() {
    AgentOptions made{.issuers = {}, .state_directory = folder_.path(), .precompute = false};
    made.issuers.push_back({.trust = {.issuer = issuer_.url(), .audience = AudienceRule::must_include("api")},
                            .keys = KeysFrom::url(issuer_.url(jwks_path))});
    made.agent_limits.fetch_time_max = 20s;
    made.agent_limits.keys_retry_max = 1'000'000s;  // a test says when it is asked again
    return made;
  }
  void start(AgentOptions given) {
    upkeep_.reset();
    metrics_ = std::make_unique<platform::Metrics>();
    upkeep_ = std::make_unique<Upkeep>(std::move(given), clock_, monotonic_, *metrics_);
    upkeep_->start();
  }
  void serve(const std::string& jwks, const std::string& etag = "") {
    issuer_.answer(jwks_path, "200 OK",
                   "Cache-Control: max-age=3600\r\n" + (etag.empty() ? "" : "ETag: " + etag + "\r\n"), jwks);
  }
  void wait_until(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + 60s;
    while (!condition()) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "never happened";
      std::this_thread::sleep_for(1ms);
    }
  }
  // Whatever the first look found, it is over.
  void start_and_look(AgentOptions given) {
    start(std::move(given));
    wait_until([&] { return looks() > 0; });
  }
  // Has it ask once more, and waits for the end of that.
  void look_again() {
    const std::uint64_t before = looks();
    monotonic_.at += 100'000;
    upkeep_->saw_unknown_key("some-" + std::to_string(monotonic_.at));
    wait_until([&] { return looks() > before; });
  }
  std::uint64_t looks() {
    const auto status = upkeep_->status();
    return status.empty() ? 0 : status.front().keys_looks;
  }
  std::string token(const SigningKey& key) {
    return Signer(key, {.issuer = issuer_.url(), .audiences = {"api"}}).sign(Claims{"usr_1"}, now).value();
  }
  bool accepts(const SigningKey& key) {
    const auto verifier = upkeep_->verifier();
    return verifier != nullptr && verifier->verify(token(key), now).has_value();
  }
  std::string problem() { return upkeep_->status().front().keys_problem; }
  std::string stored_path() {
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      if (entry.path().filename().string().starts_with("keys-")) return entry.path().string();
    }
    return {};
  }

  Folder folder_;
  SetClock clock_;
  SetMonotonic monotonic_;
  std::atomic<int> at_once_{0}, most_at_once_{0};
  std::atomic<bool> released_{false};
  ScriptedIssuer issuer_;  // ends before what its scripts look at
  const SigningKey one_ = SigningKey::generate(Algorithm::es256), two_ = SigningKey::generate(Algorithm::es256);
  std::unique_ptr<platform::Metrics> metrics_;
  std::unique_ptr<Upkeep> upkeep_;
};

TEST_F(KeySourceTest, KeysAreFetchedOnceAndServe) {
  serve(jwks_of({one_}));
  start_and_look(options());
  EXPECT_TRUE(accepts(one_));
  EXPECT_FALSE(accepts(two_));
  EXPECT_TRUE(upkeep_->has_all_keys());
  EXPECT_EQ(issuer_.count(), 1);
}

TEST_F(KeySourceTest, AKeyThatIsNewIsFetchedWhenItIsFirstSeen) {
  serve(jwks_of({one_}));
  start_and_look(options());
  serve(jwks_of({one_, two_}));
  monotonic_.at += 100'000;
  upkeep_->saw_unknown_key(two_.kid());
  wait_until([&] { return accepts(two_); });
  EXPECT_TRUE(accepts(one_));
  EXPECT_EQ(issuer_.count(), 2);
}

TEST_F(KeySourceTest, AFloodOfForgedKidsCostsOneRequestInACoolDown) {
  serve(jwks_of({one_}));
  start_and_look(options());
  ASSERT_EQ(issuer_.count(), 1);
  for (int cooldown = 1; cooldown <= 3; ++cooldown) {
    monotonic_.at += AgentLimits{}.unknown_key_cooldown.count();
    for (int i = 0; i < 100'000; ++i) upkeep_->saw_unknown_key("forged-" + std::to_string(i));
    wait_until([&] { return looks() == static_cast<std::uint64_t>(1 + cooldown); });
    EXPECT_EQ(issuer_.count(), 1 + cooldown);
  }
}

TEST_F(KeySourceTest, AKidThatWasLookedForInVainIsNotLookedForAgain) {
  serve(jwks_of({one_}));
  start_and_look(options());
  monotonic_.at += 100'000;
  upkeep_->saw_unknown_key("nobody's");
  wait_until([&] { return looks() == 2; });
  monotonic_.at += 100'000;
  upkeep_->saw_unknown_key("nobody's");
  upkeep_->saw_unknown_key("");
  upkeep_->saw_unknown_key(std::string(257, 'k'));
  look_again();  // another one's: after it nothing of those is under way
  EXPECT_EQ(issuer_.count(), 3);
}

TEST_F(KeySourceTest, ARemovedKeyEndsItsCachedTokensAtOnce) {
  serve(jwks_of({one_, two_}));
  start_and_look(options());
  TokenCache cache;
  const std::string compact = token(one_);
  ASSERT_TRUE(cache.verify(*upkeep_->verifier(), compact, now).has_value());
  ASSERT_TRUE(cache.verify(*upkeep_->verifier(), compact, now).has_value());
  ASSERT_EQ(cache.counts().hits, 1U);
  const std::uint64_t generation = upkeep_->generation();
  serve(jwks_of({two_}));
  look_again();
  EXPECT_EQ(upkeep_->generation(), generation + 1);
  EXPECT_EQ(cache.verify(*upkeep_->verifier(), compact, now).error().code, Errc::unknown_key);
  EXPECT_TRUE(accepts(two_));
}

TEST_F(KeySourceTest, AnUnchangedSetIsConfirmedByItsETagAndMakesNoOtherVerifier) {
  serve(jwks_of({one_}), "\"v1\"");
  start_and_look(options());
  std::atomic<bool> asked_by_etag{false};
  issuer_.script(jwks_path, [&](ScriptedIssuer::Peer& peer) {
    asked_by_etag = peer.head.find("If-None-Match: \"v1\"\r\n") != std::string::npos;
    peer.send("HTTP/1.1 304 Not Modified\r\nCache-Control: max-age=3600\r\n\r\n");
  });
  const std::uint64_t generation = upkeep_->generation();
  look_again();
  EXPECT_TRUE(asked_by_etag);
  EXPECT_EQ(upkeep_->generation(), generation);
  EXPECT_EQ(problem(), "");
  serve(jwks_of({one_}) + " ");  // other bytes, the same keys
  look_again();
  EXPECT_EQ(upkeep_->generation(), generation);
}

TEST_F(KeySourceTest, A304ThatNobodyAskedForIsNoAnswer) {
  issuer_.answer(jwks_path, "304 Not Modified", "", "");
  start_and_look(options());
  EXPECT_NE(problem(), "");
  EXPECT_EQ(upkeep_->verifier(), nullptr);
}

// K01, K05 and their like: what is no key set changes nothing.
TEST_F(KeySourceTest, WhatIsNoKeySetChangesNothing) {
  serve(jwks_of({one_}));
  start_and_look(options());
  const std::uint64_t generation = upkeep_->generation();
  const std::string good = jwks_of({one_, two_});
  const std::string doubled =
      R"({"keys":[)" + one_.verification_key().to_jwk() + "," + one_.verification_key().to_jwk() + "]}";
  const std::vector<std::pair<std::string, std::string>> answers{
      {"200 OK", "<html>please sign in to this network</html>"},
      {"200 OK", ""},
      {"200 OK", "null"},
      {"200 OK", R"({"keys":[{"kty":"XY"}]})"},
      {"200 OK", R"({"keys":{}})"},
      {"200 OK", good.substr(0, good.size() / 2)},
      {"200 OK", good + good},
      {"200 OK", doubled},
      {"200 OK", R"({"keys":[{"kty":"oct","k":"c2VjcmV0"}]})"},
      {"200 OK", std::string(600 * 1024, ' ') + good},
      {"500 Internal Server Error", good},
      {"204 No Content", ""},
      {"404 Not Found", good},
      {"203 Non-Authoritative Information", good}};
  int asked = 1;
  for (const auto& [status, body] : answers) {
    issuer_.answer(jwks_path, status, "Content-Type: application/json\r\n", body);
    look_again();
    EXPECT_NE(problem(), "") << status << " " << body.substr(0, 80);
    EXPECT_EQ(upkeep_->generation(), generation) << status << " " << body.substr(0, 80);
    EXPECT_EQ(issuer_.count(), ++asked);
  }
  EXPECT_TRUE(accepts(one_));
  serve(good);
  look_again();
  EXPECT_EQ(problem(), "");
  EXPECT_TRUE(accepts(two_));
}

TEST_F(KeySourceTest, AnEmptySetEndsAllKeysAtOnce) {
  serve(jwks_of({one_, two_}));
  start_and_look(options());
  TokenCache cache;
  const std::string compact = token(one_);
  ASSERT_TRUE(cache.verify(*upkeep_->verifier(), compact, now).has_value());
  const std::uint64_t generation = upkeep_->generation();
  serve(R"({ "keys" : [ ] })");
  look_again();
  EXPECT_EQ(problem(), "");
  EXPECT_EQ(upkeep_->generation(), generation + 1);
  EXPECT_EQ(upkeep_->status().front().keys, 0U);
  ASSERT_NE(upkeep_->verifier(), nullptr);
  EXPECT_EQ(cache.verify(*upkeep_->verifier(), compact, now).error().code, Errc::unknown_key);
  EXPECT_FALSE(accepts(two_));
  look_again();  // the same answer is no further change
  EXPECT_EQ(upkeep_->generation(), generation + 1);
  EXPECT_EQ(issuer_.count(), 3);
  serve(jwks_of({two_}));
  look_again();
  EXPECT_TRUE(accepts(two_));
  EXPECT_FALSE(accepts(one_));
}

TEST_F(KeySourceTest, NoRedirectIsFollowed) {
  ScriptedIssuer elsewhere;
  elsewhere.answer(jwks_path, "200 OK", "", jwks_of({two_}));
  serve(jwks_of({one_}));
  issuer_.answer("/other", "200 OK", "", jwks_of({two_}));
  start_and_look(options());
  for (const std::string& to : {elsewhere.url(jwks_path), std::string("/other")}) {
    for (const char* status : {"301 Moved", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent"}) {
      issuer_.answer(jwks_path, status, "Location: " + to + "\r\n", jwks_of({two_}));
      look_again();
      EXPECT_NE(problem(), "");
    }
  }
  EXPECT_FALSE(accepts(two_));
  EXPECT_TRUE(accepts(one_));
  EXPECT_EQ(elsewhere.count(), 0);
  EXPECT_EQ(issuer_.count("/other"), 0);
  EXPECT_EQ(issuer_.count(jwks_path), 11);
}

TEST_F(KeySourceTest, OfTenGigabytesLittleIsRead) {
  serve(jwks_of({one_}));
  start_and_look(options());
  for (const char* framing : {"Content-Length: 10737418240\r\n\r\n", "\r\n"}) {
    std::atomic<std::size_t> sent{0};
    std::atomic<bool> over{false};
    issuer_.script(jwks_path, [&](ScriptedIssuer::Peer& peer) {
      peer.send(std::string("HTTP/1.1 200 OK\r\n") + framing);
      const std::string piece(1 << 16, ' ');
      while (peer.bytes_sent < 10'737'418'240U && peer.send(piece)) sent = peer.bytes_sent;
      over = true;
    });
    look_again();
    EXPECT_NE(problem().find("larger than"), std::string::npos) << problem();
    wait_until([&] { return over.load(); });
    EXPECT_LT(sent, 32U * 1024 * 1024) << "what the sockets hold, and no more";
  }
  EXPECT_TRUE(accepts(one_));
  EXPECT_EQ(issuer_.count(), 3);
}

TEST_F(KeySourceTest, AHeadWithoutEndIsGivenUp) {
  serve(jwks_of({one_}));
  start_and_look(options());
  std::atomic<bool> over{false};
  issuer_.script(jwks_path, [&](ScriptedIssuer::Peer& peer) {
    peer.send("HTTP/1.1 200 OK\r\n");
    while (peer.send("X-More: " + std::string(1000, 'a') + "\r\n")) {
    }
    over = true;
  });
  look_again();
  EXPECT_NE(problem().find("head"), std::string::npos) << problem();
  wait_until([&] { return over.load(); });
  EXPECT_TRUE(accepts(one_));
}

TEST_F(KeySourceTest, AnAnswerThatDripsIsGivenUp) {
  serve(jwks_of({one_}));
  AgentOptions given = options();
  given.agent_limits.fetch_time_max = 1s;
  start_and_look(std::move(given));
  const std::string body = jwks_of({one_, two_});
  issuer_.script(jwks_path, [this, body](ScriptedIssuer::Peer& peer) {
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n");
    for (const char c : body) {
      if (!peer.send(std::string(1, c)) || issuer_.stopping()) return;
      std::this_thread::sleep_for(20ms);
    }
  });
  look_again();
  EXPECT_NE(problem().find("no whole answer"), std::string::npos) << problem();
  EXPECT_TRUE(accepts(one_));
}

TEST_F(KeySourceTest, WhileOneRequestIsUnderWayThereIsNoOther) {
  serve(jwks_of({one_}));
  start_and_look(options());
  issuer_.script(jwks_path, [this, body = jwks_of({one_, two_})](ScriptedIssuer::Peer& peer) {
    most_at_once_ = std::max<int>(most_at_once_, ++at_once_);
    while (!released_ && !issuer_.stopping()) std::this_thread::sleep_for(1ms);
    --at_once_;
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  });
  for (int i = 0; i < 50; ++i) {
    monotonic_.at += 100'000;  // the cool-down is over each time
    upkeep_->saw_unknown_key("more-" + std::to_string(i));
    if (i == 0) wait_until([&] { return issuer_.count() == 2; });
  }
  released_ = true;
  wait_until([&] { return looks() == 3; });
  EXPECT_EQ(most_at_once_, 1);
  EXPECT_EQ(issuer_.count(), 3) << "the first, the slow one, and one for all that were seen meanwhile";
  EXPECT_TRUE(accepts(two_));
}

TEST_F(KeySourceTest, AnIssuerThatIsGoneChangesNothingUntilTheSetIsTooOld) {
  serve(jwks_of({one_}));
  start_and_look(options());
  issuer_.stop();
  look_again();
  EXPECT_NE(problem(), "");
  EXPECT_TRUE(accepts(one_));
  monotonic_.at += milliseconds(AgentLimits{}.keys_stale_max).count();
  look_again();
  wait_until([&] { return upkeep_->verifier() == nullptr; });
  EXPECT_FALSE(upkeep_->has_all_keys()) << "unavailable, not a refusal";
}

TEST_F(KeySourceTest, TheLastGoodSetIsThereAfterARestartWithoutTheIssuer) {
  serve(jwks_of({one_}));
  start_and_look(options());
  upkeep_.reset();
  struct stat status{};
  ASSERT_EQ(::stat(stored_path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  issuer_.stop();
  start(options());
  EXPECT_TRUE(accepts(one_)) << "before anybody was asked";
  wait_until([&] { return looks() > 0; });
  EXPECT_TRUE(accepts(one_));
}

TEST_F(KeySourceTest, StoredKeysOfBeforeTheLimitOrFromTheFutureAreNotUsed) {
  serve(jwks_of({one_}));
  start_and_look(options());
  upkeep_.reset();
  issuer_.stop();
  const std::int64_t stored_at = clock_.seconds;
  for (const std::int64_t shift : {AgentLimits{}.keys_stale_max.count() + 1, std::int64_t{-31}}) {
    clock_.seconds = stored_at + shift;
    start_and_look(options());
    EXPECT_EQ(upkeep_->verifier(), nullptr) << shift;
  }
  clock_.seconds = stored_at + AgentLimits{}.keys_stale_max.count();
  start_and_look(options());
  EXPECT_TRUE(accepts(one_));
}

TEST_F(KeySourceTest, StoredKeysThatSomebodyElseWroteOrSpoiledAreNotUsed) {
  serve(jwks_of({one_}));
  start_and_look(options());
  upkeep_.reset();
  issuer_.stop();
  std::ifstream file(stored_path());
  const std::string good{std::istreambuf_iterator<char>(file), {}};
  const auto replaced = [&](std::string_view what, std::string_view by) {
    std::string text = good;
    const auto at = text.find(what);
    EXPECT_NE(at, std::string::npos) << what;
    return text.replace(at, what.size(), by);
  };
  std::vector<std::string> bad{"",
                               "{}",
                               good.substr(0, good.size() / 2),
                               good + good,
                               std::string(2 * 1024 * 1024, ' ') + good,
                               replaced("\"issuer\":\"http", "\"issuer\":\"https"),
                               replaced("/jwks\"", "/other\""),
                               replaced("\"confirmed_at\":1", "\"confirmed_at\":-1"),
                               replaced("\\\"crv\\\"", "\\\"crx\\\"")};
  for (std::size_t size = 1; size < good.size(); size += 37) bad.push_back(good.substr(0, size));
  for (const std::string& text : bad) {
    std::ofstream(stored_path(), std::ios::trunc) << text;
    start(options());
    EXPECT_EQ(upkeep_->verifier(), nullptr) << text.substr(0, 200);
  }
  std::ofstream(stored_path(), std::ios::trunc) << good;
  start(options());
  EXPECT_TRUE(accepts(one_));
}

TEST_F(KeySourceTest, AStateThatCannotBeWrittenStopsNothing) {
  serve(jwks_of({one_}));
  AgentOptions given = options();
  given.state_directory = folder_.path() + "/is/not/there";
  start_and_look(std::move(given));
  EXPECT_TRUE(accepts(one_));
}

TEST_F(KeySourceTest, DiscoveryLeadsToTheKeysOfTheIssuerAlone) {
  serve(jwks_of({one_}));
  AgentOptions given = options();
  given.issuers.front().keys = KeysFrom::discovery();
  const auto metadata = [&](const std::string& name) {
    return R"({"issuer":")" + name + R"(","jwks_uri":")" + issuer_.url(jwks_path) + "\"}";
  };
  issuer_.answer("/.well-known/openid-configuration", "200 OK", "", metadata(issuer_.url() + "/"));
  start_and_look(std::move(given));
  EXPECT_NE(problem().find("another issuer"), std::string::npos) << problem();
  EXPECT_EQ(issuer_.count(jwks_path), 0);
  issuer_.answer("/.well-known/oauth-authorization-server", "200 OK", "", metadata(issuer_.url()));
  look_again();
  EXPECT_TRUE(accepts(one_)) << problem();
  EXPECT_EQ(issuer_.count(jwks_path), 1);
  // Metadata is not asked for each time.
  look_again();
  EXPECT_EQ(issuer_.count("/.well-known/oauth-authorization-server"), 2);
  EXPECT_EQ(issuer_.count("/.well-known/openid-configuration"), 1);
}

TEST_F(KeySourceTest, MetadataLeadsToNoOtherHostOfThisNetwork) {
  AgentOptions given = options();
  given.issuers.front().keys = KeysFrom::discovery();
  given.agent_limits.fetch_time_max = 1s;
  int looked = 0;
  start_and_look(std::move(given));
  // Twin: an address that is no one network's own is tried, and nobody is there.
  issuer_.answer("/.well-known/oauth-authorization-server", "200 OK", "",
                 R"({"issuer":")" + issuer_.url() + R"(","jwks_uri":"https://192.0.2.1/jwks"})");
  for (int i = 0; i < 3; ++i) look_again();
  EXPECT_NE(problem(), "");
  EXPECT_EQ(problem().find("none that is public"), std::string::npos) << problem();
  for (const char* host : {"localhost", "127.0.0.2", "10.0.0.1", "172.31.255.255", "192.168.0.1", "169.254.169.254",
                           "100.64.0.1", "0.0.0.0", "[::1]", "[fe80::1]", "[fd00::1]", "[::ffff:10.0.0.1]"}) {
    issuer_.answer("/.well-known/oauth-authorization-server", "200 OK", "",
                   R"({"issuer":")" + issuer_.url() + R"(","jwks_uri":"https://)" + host + "/jwks\"}");
    for (int i = 0; i < 3; ++i) look_again();  // after three that failed the metadata is read again
    EXPECT_NE(problem().find("none that is public"), std::string::npos) << host << " " << problem();
    ++looked;
  }
  EXPECT_EQ(looked, 12);
}

TEST_F(KeySourceTest, PlainHttpElsewhereIsNotSpoken) {
  AgentOptions given = options();
  given.issuers.front().keys = KeysFrom::url("http://192.0.2.1/jwks");
  start_and_look(std::move(given));
  EXPECT_NE(problem().find("plain http"), std::string::npos) << problem();
}

TEST_F(KeySourceTest, AFileIsReadAgainWhenItChanges) {
  const std::string path = folder_.path() + "/keys.jwks";
  std::ofstream(path) << jwks_of({one_});
  AgentOptions given = options();
  given.issuers.front().keys = KeysFrom::file(path);
  start_and_look(std::move(given));
  EXPECT_TRUE(accepts(one_));
  std::ofstream(path, std::ios::trunc) << jwks_of({two_});
  look_again();
  EXPECT_TRUE(accepts(two_));
  EXPECT_FALSE(accepts(one_));
  std::ofstream(path, std::ios::trunc) << "half a fi";
  look_again();
  EXPECT_TRUE(accepts(two_));
  EXPECT_EQ(issuer_.count(), 0);
}

TEST(AgentStart, OptionsThatCannotBeAreRefused) {
  const auto refused = [](const std::vector<std::string>& names) {
    AgentOptions options;
    for (const std::string& name : names) {
      options.issuers.push_back({.trust = {.issuer = name, .audience = AudienceRule::must_include("api")}});
    }
    return !Agent::start(std::move(options)).has_value();
  };
  EXPECT_TRUE(refused({}));
  EXPECT_TRUE(refused({""}));
  EXPECT_TRUE(refused({"http://127.0.0.1:1", "http://127.0.0.1:1"}));
  EXPECT_FALSE(refused({"http://127.0.0.1:1", "http://127.0.0.1:2"}));
}

}  // namespace
}  // namespace jeton::agent
