// Webhooks and the courier, against a receiver that is a real HTTP server.
#include "issuer/courier/courier.h"

#include "crypto/mac.h"
#include "http/server.h"
#include "issuer/base64.h"
#include "issuer/running_issuer.h"
#include "issuer/webhooks/webhook.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace jeton::issuer::testing {
namespace {

using namespace std::chrono_literals;

class Receiver {
 public:
  Receiver() { open(0); }
  ~Receiver() { close(); }

  void open(std::uint16_t port) {
    http::Router router;
    router.add(http::Method::post, "/hook",
               [this](const http::Request& request) -> boost::asio::awaitable<http::Response> {
                 const std::lock_guard lock(mutex_);
                 requests.push_back(request);
                 http::Response response;
                 response.status = status;
                 if (status == 302) response.headers.add("Location", "/hook");
                 co_return response;
               });
    server_ = *http::Server::listen({.port = port}, std::move(router));
    port_ = server_->port();
    thread_ = std::thread([this] { server_->run(); });
  }
  void close() {
    if (!server_) return;
    server_->stop();
    thread_.join();
    server_.reset();
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/hook"; }
  std::uint16_t port() const { return port_; }

  std::atomic<int> status = 204;
  std::vector<http::Request> requests;

 private:
  std::mutex mutex_;
  std::unique_ptr<http::Server> server_;
  std::thread thread_;
  std::uint16_t port_ = 0;
};

class Webhooks : public ::testing::Test {
 protected:
  void SetUp() override {
    begin();
    sub_ = running_->register_user(email, password).text("sub");
  }
  void begin() {
    running_.reset();
    RunningOptions options{.database = directory_.file("jeton.db")};
    options.outgoing = [this] {
      OutgoingOptions outgoing;
      outgoing.webhook.emplace(
          WebhookOptions{.url = receiver_.url(), .secret = SecretBytes::from_text(key), .time_max = 20s});
      return outgoing;
    };
    running_ = std::make_unique<RunningIssuer>(clock_, std::move(options));
    ASSERT_TRUE(running_->is_running()) << running_->fault();
  }
  void change_password() {
    const auto changed = waited<bool>([&](auto done) {
      running_->store().users().change_password(sub_, "$argon2id$new", std::nullopt, std::move(done));
    });
    ASSERT_EQ(changed, true);
  }
  std::string attempts(std::string_view outcome) {
    return running_->metric("jeton_outbox_attempts_total{channel=\"webhook\",outcome=\"" + std::string(outcome) +
                            "\"}");
  }

  static constexpr std::string_view key = "a webhook secret of 32 bytes....";
  TemporaryDirectory directory_;
  MovedClock clock_;
  Receiver receiver_;
  std::unique_ptr<RunningIssuer> running_;
  std::string sub_;
};

std::string field(const http::Request& request, std::string_view name) {
  const std::string* value = request.headers.find(name);
  return value == nullptr ? std::string() : *value;
}

TEST_F(Webhooks, AnEventArrivesWithASignatureOverItsExactBytes) {
  change_password();
  EXPECT_EQ(running_->deliver(), 1U);
  EXPECT_EQ(running_->deliver(), 0U);
  ASSERT_EQ(receiver_.requests.size(), 1U);
  const http::Request& request = receiver_.requests[0];
  const Value body = *Value::parse(request.body);
  EXPECT_EQ(*body.find("type"), Value("user.password_changed"));
  EXPECT_EQ(*body.find("timestamp"), Value("2023-11-14T22:13:20.000Z"));
  EXPECT_EQ(*body.find("data")->find("sub"), Value(sub_));
  EXPECT_EQ(field(request, "content-type"), "application/json");
  EXPECT_EQ(field(request, "webhook-timestamp"), "1700000000");
  EXPECT_EQ(field(request, "webhook-id").size(), 32U);
  const std::string signed_text = field(request, "webhook-id") + ".1700000000." + request.body;
  const auto mac =
      crypto::hmac_sha256(SecretBytes::from_text(key), {std::as_bytes(std::span(std::string_view(signed_text)))});
  EXPECT_EQ(field(request, "webhook-signature"),
            "v1," + base64({reinterpret_cast<const char*>(mac.data()), mac.size()}));
}

TEST_F(Webhooks, AReceiverThatFailsIsTriedAgainLaterWithTheSameId) {
  change_password();
  receiver_.status = 500;
  EXPECT_EQ(running_->deliver(), 1U);
  EXPECT_EQ(running_->deliver(), 0U) << "not at once";
  EXPECT_EQ(attempts("failed"), "1");
  clock_.move(5s);
  receiver_.status = 302;  // followed nowhere
  EXPECT_EQ(running_->deliver(), 1U);
  clock_.move(10s);
  receiver_.status = 200;
  EXPECT_EQ(running_->deliver(), 1U);
  ASSERT_EQ(receiver_.requests.size(), 3U);
  EXPECT_EQ(field(receiver_.requests[0], "webhook-id"), field(receiver_.requests[2], "webhook-id"));
  EXPECT_EQ(receiver_.requests[0].body, receiver_.requests[2].body);
  EXPECT_NE(field(receiver_.requests[0], "webhook-signature"), field(receiver_.requests[2], "webhook-signature"));
  EXPECT_EQ(attempts("delivered"), "1");
  clock_.move(72h);
  EXPECT_EQ(running_->deliver(), 0U);
}

TEST_F(Webhooks, AReceiverThatGoesAwayGetsItsEventsWhenItComesBack) {
  const std::uint16_t port = receiver_.port();
  receiver_.close();
  change_password();
  change_password();
  EXPECT_EQ(running_->deliver(), 2U);
  clock_.move(5s);
  receiver_.open(port);
  EXPECT_EQ(running_->deliver(), 2U);
  EXPECT_EQ(receiver_.requests.size(), 2U);
}

TEST_F(Webhooks, EventsOfAProcessThatWasKilledBeforeTheirDeliveryAreDeliveredByTheNext) {
  change_password();
  begin();
  EXPECT_EQ(running_->deliver(), 1U);
  EXPECT_EQ(receiver_.requests.size(), 1U);
}

TEST_F(Webhooks, AnEventThatNobodyTakesIsDeadAfterItsTime) {
  receiver_.status = 500;
  change_password();
  EXPECT_EQ(running_->deliver(), 1U);
  clock_.move(72h);
  EXPECT_EQ(running_->deliver(), 0U);
  EXPECT_EQ(attempts("dead"), "1");
  receiver_.status = 204;
  clock_.move(72h);
  EXPECT_EQ(running_->deliver(), 0U);
}

TEST_F(Webhooks, NothingIsSentInClearToAnotherMachine) {
  const store::OutboxMessage message{.message_id = "m", .kind = "user.disabled"};
  const WebhookOptions options{.url = "http://192.0.2.1/hook", .secret = SecretBytes::from_text(key), .time_max = 1s};
  EXPECT_EQ(deliver_to_webhook(options, message, clock_.now_seconds()), Delivery::later);
}

TEST(Courier, WaitsTwiceAsLongEachTimeUpToAnHourLessSomeChance) {
  const CourierOptions options;
  EXPECT_EQ(Courier::delay_after(options, 1, 0), 5s);
  EXPECT_EQ(Courier::delay_after(options, 2, 0), 10s);
  EXPECT_EQ(Courier::delay_after(options, 5, 0), 80s);
  EXPECT_EQ(Courier::delay_after(options, 11, 0), 1h);
  EXPECT_EQ(Courier::delay_after(options, 1'000'000, 0), 1h);
  EXPECT_EQ(Courier::delay_after(options, 2, 1), 7500ms);
}

TEST(Webhook, DetailJoinsTheData) {
  const store::OutboxMessage message{.message_id = "m",
                                     .kind = "session.ended",
                                     .sub = "usr_1",
                                     .sid = store::Sid{},
                                     .detail = R"({"reason":"reuse"})",
                                     .created_at = store::StoreTime{1ms}};
  EXPECT_EQ(webhook_body(message), R"({"type":"session.ended","timestamp":"1970-01-01T00:00:00.001Z",)"
                                   R"("data":{"sub":"usr_1","sid":"AAAAAAAAAAAAAAAAAAAAAA","reason":"reuse"}})");
}

}  // namespace
}  // namespace jeton::issuer::testing
