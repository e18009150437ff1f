#include "gateway/introspection/introspector.h"

#include "agent/scripted_issuer.h"

#include <jeton/signer.h>
#include <jeton/verifier.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace jeton::gateway {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using agent::ScriptedIssuer;

constexpr UnixTime noon = from_unix_seconds(1'700'000'000);
constexpr const char* name = "https://id.example.com";
constexpr const char* place = "/oauth2/introspect";
constexpr std::chrono::nanoseconds long_ago = 10s;

struct StoppedClock final : platform::ClockSource {
  std::chrono::sys_time<std::chrono::milliseconds> now() const override { return noon; }
};

class IntrospectorTest : public testing::Test {
 protected:
  IntrospectorTest() { begin({}); }
  ~IntrospectorTest() override {
    work_.reset();
    loop_.stop();
    thread_.join();
  }
  void begin(IntrospectionLimits limits) {
    introspector_ = std::make_unique<Introspector>(clock_, metrics_, limits);
    introspector_->use(endpoints());
  }
  std::vector<IntrospectionEndpoint> endpoints(std::string url = "") {
    std::vector<IntrospectionEndpoint> all;
    all.push_back({.issuer = name,
                   .url = url.empty() ? issuer_.url(place) : std::move(url),
                   .client_id = "gate way",
                   .client_secret = SecretBytes::from_text("a&b=c"),
                   .answer_time_max = time_max_,
                   .answer_age_max = 1h});
    return all;
  }
  std::string compact(const std::string& subject = "u1") {
    const Signer signer{key_, {.issuer = name, .audiences = {"api"}, .lifetime = 900s}};
    return signer.sign(Claims{subject}, noon).value();
  }
  std::future<Introspection> begin_asking(const std::string& text, std::chrono::nanoseconds age_max = long_ago) {
    return asio::co_spawn(loop_, introspector_->ask(*verifier_.verify(text, noon), text, age_max), asio::use_future);
  }
  Introspection ask(const std::string& text, std::chrono::nanoseconds age_max = long_ago) {
    return begin_asking(text, age_max).get();
  }
  void says(std::string body) {
    issuer_.answer(place, "200 OK", "Content-Type: application/json\r\n", std::move(body));
  }
  bool counts(const std::string& line) { return metrics_.text().find(line + "\n") != std::string::npos; }
  // Until it is so.
  void until(const std::string& line) {
    while (!counts(line)) std::this_thread::yield();
  }

  const std::chrono::milliseconds time_max_ = 20s;  // of real time, so that no slow machine makes an answer late
  StoppedClock clock_;
  platform::Metrics metrics_;
  ScriptedIssuer issuer_;
  SigningKey key_ = SigningKey::generate(Algorithm::es256);
  Verifier verifier_{
      {.issuer = name, .audience = AudienceRule::must_include("api"), .keys = KeySet({key_.verification_key()})}};
  asio::io_context loop_{1};
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work_{loop_.get_executor()};
  std::thread thread_{[this] { loop_.run(); }};
  std::unique_ptr<Introspector> introspector_;
};

TEST_F(IntrospectorTest, AsksAsAClientAndBelievesTheAnswer) {
  std::promise<std::string> asked;
  issuer_.script(place, [&](ScriptedIssuer::Peer& peer) {
    asked.set_value(peer.head);
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{\"active\":true}");
  });
  const std::string text = compact();
  EXPECT_EQ(ask(text), Introspection::active);
  const std::string head = asked.get_future().get();
  EXPECT_TRUE(head.starts_with("POST /oauth2/introspect HTTP/1.1\r\n")) << head;
  EXPECT_TRUE(head.ends_with("\r\n\r\ntoken=" + text +
                             "&token_type_hint=access_token&client_id=gate%20way&client_secret=a%26b%3Dc"))
      << head;
  says(R"({"active":false})");
  EXPECT_EQ(ask(compact("u2")), Introspection::inactive);
  EXPECT_TRUE(counts("jeton_gateway_introspections_total{issuer=\"https://id.example.com\",answer=\"inactive\"} 1"));
}

TEST_F(IntrospectorTest, WhatWasSaidIsKeptForThatTokenAloneAndNotLongerThanItMay) {
  says(R"({"active":true})");
  const std::string text = compact(), other = compact("u2");
  EXPECT_EQ(ask(text), Introspection::active);
  says(R"({"active":false})");
  EXPECT_EQ(ask(text), Introspection::active);
  EXPECT_EQ(introspector_->recall(*verifier_.verify(text, noon), text, long_ago), Introspection::active);
  EXPECT_EQ(introspector_->recall(*verifier_.verify(other, noon), other, long_ago), std::nullopt);
  EXPECT_EQ(issuer_.count(place), 1);
  EXPECT_EQ(ask(other), Introspection::inactive);
  // A route that bears no age at all has it asked anew.
  EXPECT_EQ(ask(text, 0ns), Introspection::inactive);
  EXPECT_EQ(issuer_.count(place), 3);
  EXPECT_EQ(ask(text), Introspection::inactive);  // the newer answer is the one that is kept
}

TEST_F(IntrospectorTest, AnswerIsNotKeptBeyondItsOwnEnd) {
  says(R"({"active":true,"exp":1700000001})");
  const std::string text = compact();
  EXPECT_EQ(ask(text), Introspection::active);
  struct Later final : platform::ClockSource {
    std::chrono::sys_time<std::chrono::milliseconds> now() const override { return noon + 1s; }
  } later;
  Introspector other(later, metrics_);
  other.use(endpoints());
  const auto asked = [&] {
    return asio::co_spawn(loop_, other.ask(*verifier_.verify(text, noon), text, long_ago), asio::use_future).get();
  };
  EXPECT_EQ(asked(), Introspection::inactive);
}

TEST_F(IntrospectorTest, OneQuestionATokenIsUnderWay) {
  const auto go = std::make_shared<std::latch>(1);
  issuer_.script(place, [=](ScriptedIssuer::Peer& peer) {
    go->wait();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{\"active\":true}");
  });
  const std::string text = compact();
  std::vector<std::future<Introspection>> all;
  for (int i = 0; i < 20; ++i) all.push_back(begin_asking(text));
  until("jeton_gateway_introspections_not_asked_total{reason=\"under_way\"} 19");
  go->count_down();
  for (auto& one : all) EXPECT_EQ(one.get(), Introspection::active);
  EXPECT_EQ(issuer_.count(place), 1);
}

// A route that bears no age must not be answered with what was asked before its request came.
TEST_F(IntrospectorTest, QuestionThatWasUnderWayBeforeIsTooOldForARouteThatBearsNoAge) {
  const auto asked = std::make_shared<std::latch>(1);
  const auto go = std::make_shared<std::latch>(1);
  std::atomic<int> times = 0;
  issuer_.script(place, [&times, asked, go](ScriptedIssuer::Peer& peer) {
    if (times++ == 0) {
      asked->count_down();
      go->wait();
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{\"active\":true}");
    } else {
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{\"active\":false}");
    }
  });
  const std::string text = compact();
  auto before = begin_asking(text, 0ns);
  asked->wait();
  auto after = begin_asking(text, 0ns);  // the token was revoked in between
  until("jeton_gateway_introspections_not_asked_total{reason=\"under_way\"} 1");
  go->count_down();
  EXPECT_EQ(before.get(), Introspection::active);
  EXPECT_EQ(after.get(), Introspection::inactive);
}

TEST_F(IntrospectorTest, HostileAnswersHaveFailedAndAreNotKept) {
  begin({.failures_max = 1000});
  const std::string text = compact();
  const std::string json = "Content-Type: application/json\r\n";
  const auto expect_failed = [&](const char* what) { EXPECT_EQ(ask(text), Introspection::failed) << what; };
  issuer_.answer(place, "200 OK", json, "garbage");
  expect_failed("garbage");
  issuer_.answer(place, "200 OK", json, R"({"active":true,"sub":"u2"})");
  expect_failed("another subject's");
  issuer_.answer(place, "200 OK", json, R"({"active":true,"x":")" + std::string(200'000, 'x') + "\"}");
  expect_failed("large");
  for (const char* status : {"201 Created", "204 No Content", "301 Moved", "302 Found", "401 Unauthorized",
                             "403 Forbidden", "404 Not Found", "429 Too Many", "500 Error", "503 Away"}) {
    issuer_.answer(place, status, json + "Location: " + issuer_.url("/elsewhere") + "\r\n", R"({"active":true})");
    expect_failed(status);
  }
  EXPECT_EQ(issuer_.count("/elsewhere"), 0);
  issuer_.script(place,
                 [](ScriptedIssuer::Peer& peer) { peer.send("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"); });
  expect_failed("cut");
  issuer_.script(place, [](ScriptedIssuer::Peer& peer) { peer.send("\x16\x03\x01"); });
  expect_failed("no HTTP");
  issuer_.script(place, [](ScriptedIssuer::Peer&) {});
  expect_failed("silent");
  says(R"({"active":true})");
  EXPECT_EQ(ask(text), Introspection::active);
}

TEST_F(IntrospectorTest, SlowAnswerHasFailedInItsTime) {
  const auto done = std::make_shared<std::latch>(1);
  issuer_.script(place, [=](ScriptedIssuer::Peer& peer) {
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{\"active\":");
    done->wait();
  });
  auto slow = endpoints();
  slow[0].answer_time_max = 50ms;
  introspector_->use(std::move(slow));
  EXPECT_EQ(ask(compact()), Introspection::failed);
  done->count_down();
}

TEST_F(IntrospectorTest, IssuerThatFailsIsLeftAloneForAWhile) {
  begin({.failures_max = 3, .failure_pause = 1h});
  issuer_.answer(place, "500 Error", "", "");
  for (int i = 0; i < 10; ++i) EXPECT_EQ(ask(compact("u" + std::to_string(i))), Introspection::failed);
  EXPECT_EQ(issuer_.count(place), 3);
  EXPECT_TRUE(counts("jeton_gateway_introspections_not_asked_total{reason=\"failure_pause\"} 7"));
  says(R"({"active":true})");
  introspector_->use(endpoints());  // a reload begins anew
  EXPECT_EQ(ask(compact()), Introspection::active);
}

// Whoever holds a token may have caused it.
TEST_F(IntrospectorTest, AnswerAboutOneTokenDoesNotEndTheQuestionsAboutOthers) {
  begin({.failures_max = 3, .failure_pause = 1h});
  const std::string json = "Content-Type: application/json\r\n";
  for (const char* body : {R"({"active":true,"sub":"another"})", R"({"active":true,"exp":1.5})", "garbage"}) {
    says(body);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(ask(compact()), Introspection::failed) << body;
  }
  for (const char* status : {"400 Bad Request", "401 Unauthorized", "302 Found"}) {
    issuer_.answer(place, status, json, R"({"active":true})");
    EXPECT_EQ(ask(compact()), Introspection::failed) << status;
  }
  says(R"({"active":true})");
  EXPECT_EQ(ask(compact()), Introspection::active);
  issuer_.script(place, [](ScriptedIssuer::Peer&) {});  // gone, and that concerns everybody
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ask(compact()), Introspection::failed);
  const int asked = issuer_.count(place);
  EXPECT_EQ(ask(compact()), Introspection::failed);
  EXPECT_EQ(issuer_.count(place), asked);
}

TEST_F(IntrospectorTest, TokenWithinTheLeewayIsActive) {
  struct Later final : platform::ClockSource {
    std::chrono::sys_time<std::chrono::milliseconds> now() const override { return noon + 929s; }
  } later;
  says(R"({"active":true,"exp":1700000900})");
  const std::string text = compact();
  for (const auto& [leeway, said] : {std::pair{30s, Introspection::active}, {29s, Introspection::inactive}}) {
    Introspector other(later, metrics_);
    auto endpoint = endpoints();
    endpoint[0].leeway = leeway;
    other.use(std::move(endpoint));
    const auto token = *verifier_.verify(text, noon);
    EXPECT_EQ(asio::co_spawn(loop_, other.ask(token, text, long_ago), asio::use_future).get(), said);
    if (said == Introspection::active) EXPECT_EQ(other.recall(token, text, long_ago), said) << "it is kept as long";
  }
}

TEST_F(IntrospectorTest, WaitingRequestsHaveABound) {
  begin({.asked_at_once_max = 1, .waiting_requests_max = 2});
  const auto go = std::make_shared<std::latch>(1);
  issuer_.script(place, [=](ScriptedIssuer::Peer& peer) {
    go->wait();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{\"active\":true}");
  });
  auto first = begin_asking(compact("u1")), second = begin_asking(compact("u2"));
  EXPECT_EQ(ask(compact("u3")), Introspection::failed);
  EXPECT_TRUE(counts("jeton_gateway_introspections_not_asked_total{reason=\"waiting_requests_max\"} 1"));
  go->count_down();
  EXPECT_EQ(first.get(), Introspection::active);
  EXPECT_EQ(second.get(), Introspection::active);
  EXPECT_EQ(issuer_.count(place), 2);
}

TEST_F(IntrospectorTest, KeptAnswersHaveABound) {
  begin({.answers_max = 16});  // one in each of its parts
  says(R"({"active":true})");
  for (int i = 0; i < 100; ++i) EXPECT_EQ(ask(compact("u" + std::to_string(i))), Introspection::active);
  int kept = 0;
  for (int i = 0; i < 100; ++i) {
    const std::string text = compact("u" + std::to_string(i));  // another token, of another signature
    kept += introspector_->recall(*verifier_.verify(text, noon), text, long_ago).has_value() ? 1 : 0;
  }
  EXPECT_EQ(kept, 0);
  const std::string last = compact("last");
  ask(last);
  EXPECT_TRUE(introspector_->recall(*verifier_.verify(last, noon), last, long_ago).has_value());
}

TEST_F(IntrospectorTest, AnswerOfAnEndpointThatWasReplacedMeanwhileIsNotKept) {
  const auto asked = std::make_shared<std::latch>(1);
  const auto go = std::make_shared<std::latch>(1);
  issuer_.script(place, [=](ScriptedIssuer::Peer& peer) {
    asked->count_down();
    go->wait();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{\"active\":true}");
  });
  const std::string text = compact();
  auto before = begin_asking(text);
  asked->wait();
  issuer_.answer("/other", "200 OK", "", R"({"active":false})");
  introspector_->use(endpoints(issuer_.url("/other")));
  go->count_down();
  EXPECT_EQ(before.get(), Introspection::active);  // no request fails by a reload
  EXPECT_EQ(ask(text), Introspection::inactive);
  EXPECT_EQ(issuer_.count("/other"), 1);
}

TEST_F(IntrospectorTest, WhoWaitsWhenItEndsIsTold) {
  const auto asked = std::make_shared<std::latch>(1);
  const auto go = std::make_shared<std::latch>(1);
  issuer_.script(place, [=](ScriptedIssuer::Peer&) {
    asked->count_down();
    go->wait();
  });
  auto waits = begin_asking(compact());
  asked->wait();
  introspector_.reset();
  EXPECT_EQ(waits.get(), Introspection::failed);
  go->count_down();
}

TEST_F(IntrospectorTest, NobodyIsAskedOverPlainHttpButThisMachineOrForAnotherIssuer) {
  introspector_->use(endpoints("http://192.0.2.1/oauth2/introspect"));
  EXPECT_EQ(ask(compact()), Introspection::failed);
  introspector_->use({});
  EXPECT_EQ(ask(compact()), Introspection::failed);
  EXPECT_EQ(issuer_.count(), 0);
}

}  // namespace
}  // namespace jeton::gateway
