// A feed that is right, and feeds that are forged, silent, endless, refused and gone back.
#include "agent/scripted_issuer.h"
#include "agent/upkeep.h"
#include "guard/feed/entry.h"
#include "guard/feed/event_stream.h"
#include "guard/feed/head.h"
#include "platform/log.h"

#include <jeton/jws.h>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;

constexpr char feed_path[] = "/api/feed", token_path[] = "/oauth2/token", jwks_path[] = "/jwks";
constexpr char stream_head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";

std::int64_t now_milliseconds() { return platform::SystemClock().now().time_since_epoch().count(); }

// Goes on, and is put forward.
struct MovedClock final : platform::MonotonicSource {
  std::atomic<std::int64_t> ahead{0};
  std::atomic<bool> stands{false};
  std::chrono::milliseconds ticks() const override {
    if (stands) return std::chrono::milliseconds(ahead);
    return platform::SteadyClock().ticks() + std::chrono::milliseconds(ahead);
  }
};

class FeedClientTest : public testing::Test {
 protected:
  FeedClientTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "jeton-agent-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    head_ = {issuer_.url(), "AAAA", 0, {}, now_milliseconds()};
    issuer_.answer(jwks_path, "200 OK", "", KeySet({key_.verification_key()}).to_jwks());
    issuer_.answer(token_path, "200 OK", "", R"({"access_token":"a-token","token_type":"Bearer","expires_in":900})");
  }
  ~FeedClientTest() override {
    issuer_.stop();
    upkeep_.reset();
    std::filesystem::remove_all(folder_);
  }

  void start() {
    upkeep_.reset();
    metrics_ = std::make_unique<platform::Metrics>();
    AgentOptions options{.state_directory = folder_, .precompute = false};
    options.agent_limits.feed_silence_max = silence_max_;
    options.agent_limits.feed_reconnect_min = 1ms;
    options.agent_limits.feed_reconnect_max = 20ms;
    options.agent_limits.feed_event_bytes_max = 64 * 1024;
    options.issuers.push_back(
        {.trust = {.issuer = issuer_.url(), .audience = AudienceRule::must_include("api")},
         .keys = KeysFrom::url(issuer_.url(jwks_path)),
         .feed = AgentFeed{.pinned = KeySet({feed_key_.verification_key()}),
                           .client_id = "verifier",
                           .client_secret = SecretBytes::from_text("a secret with & and = in it")}});
    upkeep_ = std::make_unique<Upkeep>(std::move(options), clock_, monotonic_, *metrics_);
    upkeep_->start();
  }
  void wait_until(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + 60s;
    while (!condition()) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "never happened";
      std::this_thread::sleep_for(1ms);
    }
  }
  // Each connection is written down, and served by `serve`.
  void serve_feed(std::function<void(ScriptedIssuer::Peer&)> serve) {
    issuer_.script(feed_path, [this, serve = std::move(serve)](ScriptedIssuer::Peer& peer) {
      {
        const std::lock_guard lock(mutex_);
        requests_.push_back(peer.head);
      }
      serve(peer);
    });
  }
  std::string request(std::size_t number) {
    wait_until([&] { return connections() > number; });
    const std::lock_guard lock(mutex_);
    return requests_[number];
  }
  std::size_t connections() {
    const std::lock_guard lock(mutex_);
    return requests_.size();
  }
  std::uint64_t faults(const char* fault) {
    return metrics_->counter("jeton_agent_feed_faults_total", "", {{"issuer", issuer_.url()}, {"fault", fault}})
        .value();
  }

  std::string staleness_shown() {
    const std::string text = upkeep_->feed_metrics();
    const std::string begin = "jeton_agent_feed_staleness_milliseconds{issuer=\"" + issuer_.url() + "\"} ";
    const auto at = text.find(begin);
    if (at == text.npos) return "not shown";
    return text.substr(at + begin.size(), text.size() - at - begin.size() - 1);
  }

  std::string snapshot() const {
    feed::Snapshot end{.head = head_, .entries = entries_.size(), .kids = {std::string(key_.kid())}};
    std::string text = feed::event_text({"reset", {""}, ""});
    for (const auto& [number, revocation] : entries_) {
      text += feed::event_text({"entries", {feed::entry_text(number, revocation)}, ""});
      end.digest = chained(end.digest, number, revocation);
    }
    return text + feed::event_text({"snapshot", {*feed::sign(feed_key_, end)}, ""});
  }
  // The event of an entry that is new.
  std::string revoke(const std::string& jti) {
    const Revocation revocation{.subject = jti, .expires_at = now_milliseconds() / 1000 + 900};
    head_.hash = chained(head_.hash, ++head_.number, revocation);
    entries_.push_back({head_.number, revocation});
    return feed::event_text({"entries", {feed::entry_text(head_.number, revocation)}, ""});
  }
  std::string statement(const SigningKey& key) const { return *feed::sign(key, head_); }
  std::string signed_head() const { return feed::event_text({"head", {statement(feed_key_)}, ""}); }
  std::string place() const { return feed::place_text({head_.epoch, head_.number, head_.hash}); }
  void stay(const ScriptedIssuer::Peer&) const {
    while (!issuer_.stopping()) std::this_thread::sleep_for(1ms);
  }

  VerifiedToken token(const std::string& jti) {
    const std::string payload = R"({"iss":")" + issuer_.url() + R"(","aud":"api","sub":"u","ver":1,"jti":")" + jti +
                                R"(","exp":)" + std::to_string(now_milliseconds() / 1000 + 600) + "}";
    const Verifier verifier({.issuer = issuer_.url(),
                             .audience = AudienceRule::must_include("api"),
                             .keys = KeySet({key_.verification_key()})});
    return verifier.verify(jws_sign(key_, payload, {.typ = "at+jwt"}).value(), clock_.now_seconds()).value();
  }
  bool refuses(const std::string& jti) { return upkeep_->table().find(token(jti)).has_value(); }

  std::chrono::milliseconds silence_max_{20'000};  // for those who are not about silence
  std::string folder_;
  platform::SystemClock clock_;
  MovedClock monotonic_;
  std::mutex mutex_;
  std::vector<std::string> requests_;
  std::atomic<std::size_t> sent_{0};
  ScriptedIssuer issuer_;
  const SigningKey key_ = SigningKey::generate(Algorithm::es256);
  const SigningKey feed_key_ = SigningKey::generate(feed::feed_algorithm);
  const SigningKey other_key_ = SigningKey::generate(feed::feed_algorithm);
  feed::Head head_;
  std::vector<feed::Entry> entries_;
  std::unique_ptr<platform::Metrics> metrics_;
  std::unique_ptr<Upkeep> upkeep_;
};

TEST_F(FeedClientTest, WhatTheFeedProvesIsRefusedAndNothingElse) {
  const std::string first = revoke("before");
  const std::string begin = snapshot(), more = revoke("after"), end = signed_head();
  serve_feed([=, this](ScriptedIssuer::Peer& peer) {
    peer.send(stream_head + begin + more + end);
    stay(peer);
  });
  start();
  wait_until([&] { return refuses("after"); });
  EXPECT_TRUE(refuses("before"));
  EXPECT_FALSE(refuses("another"));
  EXPECT_NE(request(0).find("Authorization: Bearer a-token\r\n"), std::string::npos);
  EXPECT_EQ(request(0).find("Last-Event-ID"), std::string::npos);
}

TEST_F(FeedClientTest, ItGoesOnFromWhereItWasAndShowsTheLastHead) {
  const std::string begin = snapshot(), more = revoke("one"), end = signed_head();
  serve_feed([=](ScriptedIssuer::Peer& peer) { peer.send(stream_head + begin + more + end); });
  start();
  const std::string again = request(1);
  EXPECT_NE(again.find("Last-Event-ID: " + place() + "\r\n"), std::string::npos) << again;
  EXPECT_NE(again.find("Jeton-Feed-Head: " + statement(feed_key_) + "\r\n"), std::string::npos) << again;
}

TEST_F(FeedClientTest, AHeadOfAnotherKeyProvesNothing) {
  const std::string begin = snapshot(), more = revoke("one");
  const std::string forged = feed::event_text({"head", {statement(other_key_)}, ""});
  serve_feed([=](ScriptedIssuer::Peer& peer) { peer.send(stream_head + begin + more + forged); });
  start();
  wait_until([&] { return faults("bad_signature") >= 2; });
  EXPECT_FALSE(refuses("one"));
}

TEST_F(FeedClientTest, AnEntryThatWasKeptBackAsksForASnapshot) {
  const std::string begin = snapshot();
  revoke("kept back");
  const std::string more = revoke("sent"), end = signed_head(), whole = snapshot();
  serve_feed([=, this](ScriptedIssuer::Peer& peer) {
    if (peer.head.find("Last-Event-ID") == std::string::npos && connections() > 1) {
      peer.send(stream_head + whole);
      stay(peer);
    } else {
      peer.send(stream_head + begin + more + end);
    }
  });
  start();
  wait_until([&] { return refuses("kept back"); });
  EXPECT_TRUE(refuses("sent"));
  EXPECT_GE(faults("broken_chain"), 1U);
}

TEST_F(FeedClientTest, ADatabaseThatWentBackChangesNothingAndIsShownTheLaterHead) {
  const feed::Head before = head_;
  const std::string begin = snapshot(), more = revoke("one"), end = signed_head();
  const std::string back = feed::event_text({"head", {*feed::sign(feed_key_, before)}, ""});
  serve_feed([=](ScriptedIssuer::Peer& peer) { peer.send(stream_head + begin + more + end + back); });
  start();
  wait_until([&] { return faults("went_back") >= 1; });
  EXPECT_TRUE(refuses("one"));
  EXPECT_NE(request(1).find("Jeton-Feed-Head: " + statement(feed_key_)), std::string::npos);
}

TEST_F(FeedClientTest, SilenceAndDrippedCommentsAreGivenUp) {
  silence_max_ = 200ms;
  serve_feed([this](ScriptedIssuer::Peer& peer) {
    peer.send(stream_head);
    const bool is_silent = connections() % 2 == 0;
    while (!issuer_.stopping() && (is_silent ? connections() % 2 == 0 : peer.send(":\n"))) {
      std::this_thread::sleep_for(5ms);
    }
  });
  start();
  wait_until([&] { return connections() >= 4; });
  EXPECT_EQ(upkeep_->table().staleness(issuer_.url(), monotonic_.ticks()), std::chrono::nanoseconds::max());
  EXPECT_EQ(staleness_shown(), "+Inf");
  EXPECT_FALSE(upkeep_->is_ready()) << "its keys are known, its revocations are not";
}

TEST_F(FeedClientTest, AnEventWithoutEndIsGivenUp) {
  serve_feed([this](ScriptedIssuer::Peer& peer) {
    peer.send(stream_head);
    const std::string piece = "data: " + std::string(10'000, 'a') + "\n";
    while (!issuer_.stopping() && peer.send(piece)) sent_ = peer.bytes_sent;
  });
  start();
  wait_until([&] { return faults("malformed") >= 1; });
  EXPECT_LT(sent_, 32U * 1024 * 1024);
}

TEST_F(FeedClientTest, ATokenThatIsRefusedIsAskedForAgainAndOneThatIsGoodIsNot) {
  issuer_.answer(feed_path, "503 Service Unavailable", "", "");
  start();
  wait_until([&] { return faults("status") >= 5; });
  EXPECT_EQ(issuer_.count(token_path), 1);
  issuer_.answer(feed_path, "401 Unauthorized", "", "");
  const int before = issuer_.count(token_path);
  wait_until([&] { return issuer_.count(token_path) >= before + 3; });
}

TEST_F(FeedClientTest, NeitherTokenNorFeedFollowARedirect) {
  ScriptedIssuer elsewhere;
  issuer_.answer(feed_path, "307 Temporary Redirect", "Location: " + elsewhere.url(feed_path) + "\r\n", "");
  start();
  wait_until([&] { return faults("status") >= 2; });
  issuer_.answer(feed_path, "401 Unauthorized", "", "");
  issuer_.answer(token_path, "307 Temporary Redirect", "Location: " + elsewhere.url(token_path) + "\r\n", "");
  wait_until([&] { return faults("token") >= 2; });
  EXPECT_EQ(elsewhere.count(), 0) << "the secret goes to nobody else";
}

TEST_F(FeedClientTest, ARestartWithoutTheIssuerRefusesWhatWasRefused) {
  const std::string begin = snapshot(), more = revoke("one"), end = signed_head();
  serve_feed([=, this](ScriptedIssuer::Peer& peer) {
    peer.send(stream_head + begin + more + end);
    stay(peer);
  });
  start();
  wait_until([&] { return refuses("one") && upkeep_->is_ready(); });  // its keys come by another way
  upkeep_.reset();
  issuer_.stop();
  start();
  EXPECT_TRUE(refuses("one"));
  EXPECT_TRUE(upkeep_->is_ready()) << "what lies on disk will do";
  const std::int64_t shown = std::stoll(staleness_shown());
  monotonic_.ahead += 60'000;
  EXPECT_GE(std::stoll(staleness_shown()), shown + 60'000) << "it goes on while nothing is heard";
  EXPECT_FALSE(refuses("another")) << "its key is in the snapshot";
  EXPECT_NE(upkeep_->table().staleness(issuer_.url(), monotonic_.ticks()), std::chrono::nanoseconds::max());
}

TEST_F(FeedClientTest, AnotherTakesOverItsStateWhileItGoesOn) {
  revoke("one");
  const std::string before = snapshot() + signed_head();
  const std::string later = revoke("later") + signed_head(), after = snapshot() + signed_head();
  serve_feed([=, this](ScriptedIssuer::Peer& peer) {
    const bool knows_all = sent_ != 0;
    peer.send(stream_head + (knows_all ? after : before));
    while (sent_ == 0 && !issuer_.stopping()) std::this_thread::sleep_for(1ms);
    if (!knows_all) peer.send(later);
    stay(peer);
  });
  start();
  wait_until([&] { return refuses("one"); });
  ASSERT_TRUE(upkeep_->leave_state(60s));
  const auto metrics = std::move(metrics_);
  const auto former = std::move(upkeep_);
  start();
  EXPECT_TRUE(refuses("one")) << "of what the other had written";
  sent_ = 1;
  wait_until([&] { return former->table().find(token("later")).has_value() && refuses("later"); });
  former->stop();
  EXPECT_TRUE(former->table().find(token("one")).has_value()) << "what it knows stays";
  upkeep_.reset();
  issuer_.stop();
  start();
  EXPECT_TRUE(refuses("one") && refuses("later")) << "the state is of one hand";
}

// The other one has failed: what was not written meanwhile is, and in place of what the other wrote.
TEST_F(FeedClientTest, WhoTakesItsStateBackWritesAgain) {
  const std::string begin_place = "Last-Event-ID: " + place();
  const std::string before = snapshot(), before_head = signed_head();
  const std::string more = revoke("missed"), after_head = signed_head(), after = snapshot();
  const std::string last = revoke("last"), last_head = signed_head();
  serve_feed([=, this](ScriptedIssuer::Peer& peer) {
    const auto send_heads = [&](const std::string& head, std::size_t until) {
      while (sent_ < until && !issuer_.stopping() && peer.send(head)) std::this_thread::sleep_for(20ms);
    };
    const bool goes_on = peer.head.find("Last-Event-ID: ") != std::string::npos;
    const bool knows_begin = peer.head.find(begin_place) != std::string::npos || (!goes_on && sent_ == 0);
    peer.send(stream_head);
    if (!goes_on) peer.send(sent_ == 0 ? before : after);
    if (knows_begin) send_heads(before_head, 1);
    if (knows_begin) peer.send(more + after_head);
    send_heads(after_head, 2);
    peer.send(last + last_head);
    send_heads(last_head, 3);
  });
  start();
  wait_until([&] { return upkeep_->is_ready(); });
  ASSERT_TRUE(upkeep_->leave_state(60s));
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) std::filesystem::remove(entry.path());
  sent_ = 1;
  wait_until([&] { return refuses("missed"); });
  const std::size_t asked = connections();
  upkeep_->take_state();
  wait_until([&] { return connections() > asked; });
  EXPECT_EQ(request(asked).find("Last-Event-ID"), std::string::npos) << "the whole is asked for";
  const auto snapshots = [&] { return !std::filesystem::is_empty(folder_) && refuses("missed"); };
  wait_until(snapshots);
  sent_ = 2;
  wait_until([&] { return refuses("last"); });
  upkeep_.reset();
  issuer_.stop();
  start();
  EXPECT_TRUE(upkeep_->is_ready()) << "its keys and its feed are on disk";
  EXPECT_TRUE(refuses("missed") && refuses("last"));
}

// Without a clock's help: what is not written is not waited for either.
TEST_F(FeedClientTest, WhoHasLeftItsStateWaitsForNoDisk) {
  const std::string filler(200, 'f');
  for (int i = 0; i < 25'000; ++i) revoke(filler + std::to_string(i));
  const std::string large = snapshot();
  serve_feed([=, this](ScriptedIssuer::Peer& peer) {
    while (sent_ == 0 && !issuer_.stopping()) std::this_thread::sleep_for(1ms);
    peer.send(stream_head + large);
    stay(peer);
  });
  start();
  ASSERT_TRUE(upkeep_->leave_state(60s));
  monotonic_.stands = true;
  sent_ = 1;
  wait_until([&] { return refuses(filler + "24999"); });
}

TEST_F(FeedClientTest, ADiskThatHangsIsNotWaitedForAndNothingIsLeft) {
  serve_feed([](ScriptedIssuer::Peer&) {});
  const auto go = std::make_shared<std::promise<void>>();
  platform::set_log_sink([wait = go->get_future().share()](std::string_view line) {
    if (line.find("keys are not stored") != line.npos) wait.wait();
  });
  const std::string keys_path = state_path({.state_directory = folder_}, "keys-", issuer_.url(), ".json");
  std::filesystem::create_directories(keys_path + "/in the way");
  start();
  wait_until([&] { return upkeep_->has_all_keys(); });
  EXPECT_FALSE(upkeep_->leave_state(1ms));
  std::filesystem::remove_all(keys_path);
  go->set_value();
  wait_until([&] { return std::filesystem::is_regular_file(keys_path); });
  upkeep_.reset();
  platform::set_log_sink({});
}

// A key that was published after the snapshot is good, one that only an older set has is not.
TEST_F(FeedClientTest, AKeyPublishedAfterTheSnapshotIsGood) {
  const SigningKey named = SigningKey::generate(Algorithm::es256);
  feed::Snapshot end{.head = head_, .kids = {std::string(named.kid())}};
  const std::string text =
      feed::event_text({"reset", {""}, ""}) + feed::event_text({"snapshot", {*feed::sign(feed_key_, end)}, ""});
  serve_feed([=, this](ScriptedIssuer::Peer& peer) {
    peer.send(stream_head + text);
    stay(peer);
  });
  start();
  // The JWKS has key_, which the snapshot does not name: it is asked for once more, and then counts.
  wait_until([&] { return issuer_.count(jwks_path) >= 2 && !refuses("any"); });
}

}  // namespace
}  // namespace jeton::agent
