// The revocation feed as a verifier sees it: over HTTP, with a reader that believes only what the feed key has signed.
#include "crypto/digest.h"
#include "guard/feed/reader.h"
#include "http/chunk_reader.h"
#include "issuer/completion.h"
#include "issuer/feed/feed_hub.h"
#include "issuer/oauth/oauth_fixture.h"
#include "issuer/running_issuer.h"
#include "jose/base64url.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jeton::issuer::testing {
namespace {

using feed::Fault;
using feed::Proved;

// A token as a service is given for itself.
std::string service_token(RunningIssuer& running, std::string_view scope, std::string_view client = "gateway") {
  return exchange(running.port(), "POST", "/oauth2/token",
                  {{"Content-Type", "application/x-www-form-urlencoded"}, {"Authorization", basic(client, "s3cret")}},
                  form_of({{"grant_type", "client_credentials"}, {"scope", std::string(scope)}}))
      .text("access_token");
}

// A verifier's connection to the feed. Every read ends: with bytes, or with the connection's end.
class Following {
 public:
  Following(const RunningIssuer& running, const std::string& token, const HeaderList& headers = {})
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(running.port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval patience{60, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return;
    std::string request = "GET /api/feed HTTP/1.1\r\nHost: h\r\n";
    if (!token.empty()) request += "Authorization: Bearer " + token + "\r\n";
    for (const auto& [name, value] : headers) request.append(name).append(": ").append(value).append("\r\n");
    request += "\r\n";
    if (::send(fd_, request.data(), request.size(), MSG_NOSIGNAL) < 0) return;
    read_head();
  }
  ~Following() { ::close(fd_); }
  Following(const Following&) = delete;
  Following& operator=(const Following&) = delete;

  int status() const { return status_; }
  const std::string& head() const { return head_; }

  // The next event; nothing at the end of the stream.
  std::optional<feed::Event> next() {
    while (events_.empty()) {
      std::string body;
      const auto taken = chunks_.take(received_, body);
      if (!taken.has_value() || !parser_.take(body, events_)) return std::nullopt;
      received_.erase(0, *taken);
      if (!events_.empty()) break;
      if (chunks_.complete() || !receive()) return std::nullopt;
    }
    feed::Event event = std::move(events_.front());
    events_.erase(events_.begin());
    return event;
  }

 private:
  bool receive() {
    char bytes[4096];
    const auto size = ::recv(fd_, bytes, sizeof bytes, 0);
    if (size <= 0) return false;
    received_.append(bytes, static_cast<std::size_t>(size));
    return true;
  }
  void read_head() {
    std::size_t end = std::string::npos;
    while ((end = received_.find("\r\n\r\n")) == std::string::npos) {
      if (!receive()) return;
    }
    head_ = received_.substr(0, end + 2);
    received_.erase(0, end + 4);
    status_ = std::stoi(head_.substr(9, 3));
  }

  int fd_;
  int status_ = 0;
  std::string head_;
  std::string received_;
  http::ChunkReader chunks_{64 * 1024 * 1024};
  feed::EventParser parser_{4 * 1024 * 1024};
  std::vector<feed::Event> events_;
};

class Feed : public ::testing::Test {
 protected:
  Feed() {
    running_.register_user(email, password);
    store::Client gateway{.id = "gateway",
                          .name = "A verifier",
                          .is_public = false,
                          .secret_hash = crypto::sha256("s3cret"),
                          .grants = "client_credentials",
                          .scopes = "feed:read feed:write",
                          .audiences = "api"};
    EXPECT_EQ(waited<store::ClientAddition>(
                  [&](auto done) { running_.store().clients().add_client(std::move(gateway), std::move(done)); }),
              store::ClientAddition::added);
  }

  RunningOptions options() const {
    return {.database = directory_.file("jeton.db"), .issuer_url = "https://as.example"};
  }
  std::string token(RunningIssuer& running) { return service_token(running, "feed:read"); }
  std::string token() { return token(running_); }
  feed::Reader::Options pinning() const {
    const auto keys = KeySet::parse(running_.get("/.well-known/jeton-feed-keys.json").body);
    return {.issuer = "https://as.example", .pinned = *keys};
  }
  // The next statement that the reader proves; nothing at the stream's end or on a fault.
  static std::optional<Proved> proved(Following& from, feed::Reader& reader) {
    while (const auto event = from.next()) {
      if (!event->id.empty()) last_id_ = event->id;
      if (event->type == "head") last_head_ = event->data.front();
      auto outcome = reader.take(*event);
      EXPECT_TRUE(outcome.has_value()) << "fault " << static_cast<int>(outcome.error());
      if (!outcome.has_value()) return std::nullopt;
      if (outcome->has_value()) return *std::move(*outcome);
    }
    return std::nullopt;
  }
  // The same, until it brings entries.
  static std::optional<Proved> entries(Following& from, feed::Reader& reader) {
    while (auto statement = proved(from, reader)) {
      if (!statement->entries.empty()) return statement;
    }
    return std::nullopt;
  }
  std::string sid_of(const std::string& access) const {
    return std::string(*running_.claims_of(access).find("sid")->if_string());
  }
  static std::string sid_text(const Revocation& one) { return jose::base64url::encode(one.subject); }

  static inline std::string last_id_, last_head_;
  MovedClock clock_;
  TemporaryDirectory directory_;
  RunningIssuer running_{clock_, options()};
};

TEST_F(Feed, OnlyAServiceWithTheScopeMayFollow) {
  EXPECT_EQ(Following(running_, "").status(), 401);
  EXPECT_EQ(Following(running_, running_.login(email, password).text("accessToken")).status(), 403);
  EXPECT_EQ(Following(running_, service_token(running_, "feed:write")).status(), 403);
  const Following good(running_, token());
  EXPECT_EQ(good.status(), 200);
  EXPECT_NE(good.head().find("Content-Type: text/event-stream\r\n"), std::string::npos);
  EXPECT_NE(good.head().find("Transfer-Encoding: chunked\r\n"), std::string::npos);
  EXPECT_NE(good.head().find("Cache-Control: no-store\r\n"), std::string::npos);
}

TEST_F(Feed, ServiceThatWasDisabledFollowsNoMore) {
  const std::string service = token();
  ASSERT_EQ(Following(running_, service).status(), 200);
  ASSERT_TRUE(waited<bool>(
      [&](auto done) { running_.store().clients().set_client_disabled("gateway", true, std::move(done)); }));
  clock_.move(client_age_max);
  EXPECT_EQ(Following(running_, service).status(), 401);
}

// What is told of the client ends its stream, wherever it was changed; another client's goes on.
TEST_F(Feed, StreamEndsWithItsClientOrItsToken) {
  store::Client other{.id = "other", .name = "", .is_public = false, .secret_hash = crypto::sha256("s3cret")};
  other.grants = "client_credentials";
  other.scopes = "feed:read";
  ASSERT_EQ(waited<store::ClientAddition>(
                [&](auto done) { running_.store().clients().add_client(std::move(other), std::move(done)); }),
            store::ClientAddition::added);
  RunningIssuer elsewhere(clock_, options());
  ASSERT_TRUE(elsewhere.is_running()) << elsewhere.fault();
  Following bystander(running_, service_token(running_, "feed:read", "other"));
  feed::Reader reader(pinning());
  ASSERT_TRUE(proved(bystander, reader).has_value());

  const std::string revoked = token();
  Following first(running_, revoked), second(running_, token());
  ASSERT_EQ(first.status(), 200);
  ASSERT_TRUE(first.next() && second.next());
  const HttpAnswer answer =
      exchange(elsewhere.port(), "POST", "/oauth2/revoke",
               {{"Content-Type", "application/x-www-form-urlencoded"}, {"Authorization", basic("gateway", "s3cret")}},
               form_of({{"token", revoked}}));
  ASSERT_EQ(answer.status, 200) << answer.body;
  while (first.next()) {
  }
  EXPECT_EQ(Following(running_, revoked).status(), 401);
  ASSERT_TRUE(second.next()) << "another token of the same client";
  ASSERT_TRUE(waited<bool>(
      [&](auto done) { elsewhere.store().clients().set_client_disabled("gateway", true, std::move(done)); }));
  while (second.next()) {
  }
  EXPECT_TRUE(entries(bystander, reader).has_value());
}

TEST_F(Feed, StreamEndsWhenItsTokenExpires) {
  const std::string service = token();
  clock_.move(options().rules.access_lifetime - std::chrono::milliseconds(1500));
  Following stream(running_, service);
  ASSERT_EQ(stream.status(), 200);
  while (stream.next()) {
  }
  SUCCEED() << "the stream came to its end, with the database at rest";
}

TEST_F(Feed, TokenForAnotherAudienceIsNotTaken) {
  const HttpAnswer refused =
      exchange(running_.port(), "POST", "/oauth2/token",
               {{"Content-Type", "application/x-www-form-urlencoded"}, {"Authorization", basic("gateway", "s3cret")}},
               form_of({{"grant_type", "client_credentials"}, {"scope", "feed:read"}, {"audience", "api"}}));
  EXPECT_EQ(refused.status, 400) << "a service that is shown such a token could follow with it";
  EXPECT_EQ(refused.text("error"), "invalid_scope");
}

TEST_F(Feed, LogoutReachesTheVerifierAndNamesTheSession) {
  const HttpAnswer login = running_.login(email, password);
  Following stream(running_, token());
  feed::Reader reader(pinning());
  const auto first = proved(stream, reader);
  ASSERT_TRUE(first.has_value());
  EXPECT_TRUE(first->replaces);
  EXPECT_EQ(first->kids.size(), 2U) << "the key that signs, and the next";
  EXPECT_EQ(first->head.time, clock_.now().time_since_epoch().count());
  ASSERT_EQ(running_.logout(login.text("refreshToken")).status, 204);
  const auto news = entries(stream, reader);
  ASSERT_TRUE(news.has_value());
  ASSERT_EQ(news->entries.size(), 1U);
  EXPECT_EQ(news->entries[0].revocation.kind, RevocationKind::session);
  EXPECT_EQ(sid_text(news->entries[0].revocation), sid_of(login.text("accessToken")));
  EXPECT_EQ(running_.metric("jeton_feed_subscribers"), "1");
}

TEST_F(Feed, HeartbeatComesWithoutNewsAndItsTimeIsTheDatabases) {
  Following stream(running_, token());
  feed::Reader reader(pinning());
  ASSERT_TRUE(proved(stream, reader).has_value());
  clock_.move(std::chrono::seconds(5));
  const auto now = clock_.now().time_since_epoch().count();
  auto statement = proved(stream, reader);
  while (statement && statement->head.time < now) statement = proved(stream, reader);
  ASSERT_TRUE(statement.has_value());
  EXPECT_EQ(statement->head.time, now);
  EXPECT_TRUE(statement->entries.empty());
}

TEST_F(Feed, VerifierGoesOnFromWhereItWasAndIsSentNothingTwice) {
  const auto first_login = running_.login(email, password);
  const auto second_login = running_.login(email, password);
  feed::Reader reader(pinning());
  {
    Following stream(running_, token());
    ASSERT_TRUE(proved(stream, reader).has_value());
    running_.logout(first_login.text("refreshToken"));
    ASSERT_TRUE(entries(stream, reader).has_value());
  }
  running_.logout(second_login.text("refreshToken"));
  reader.reconnect();
  Following again(running_, token(), {{"Last-Event-ID", last_id_}, {"Jeton-Feed-Head", last_head_}});
  const auto news = proved(again, reader);
  ASSERT_TRUE(news.has_value());
  EXPECT_FALSE(news->replaces);
  ASSERT_EQ(news->entries.size(), 1U);
  EXPECT_EQ(news->entries[0].number, 2U);
}

TEST_F(Feed, PlaceThatIsNotInThisHistoryIsAnsweredByASnapshot) {
  running_.logout(running_.login(email, password).text("refreshToken"));
  const std::string hash(43, 'A');
  for (const std::string& place : {std::string("AAAA.0.") + hash, std::string("nonsense"), std::string()}) {
    Following stream(running_, token(), {{"Last-Event-ID", place}});
    feed::Reader reader(pinning());
    const auto first = proved(stream, reader);
    ASSERT_TRUE(first.has_value()) << place;
    EXPECT_TRUE(first->replaces);
    EXPECT_EQ(first->entries.size(), 1U);
  }
}

TEST_F(Feed, TwoNodesOnOneDatabaseServeOneFeed) {
  RunningIssuer other(clock_, options());
  ASSERT_TRUE(other.is_running()) << other.fault();
  const auto login = running_.login(email, password);
  const auto next_login = running_.login(email, password);
  feed::Reader reader(pinning());
  {
    Following stream(other, token(other));
    ASSERT_TRUE(proved(stream, reader).has_value());
    running_.logout(login.text("refreshToken"));
    const auto news = entries(stream, reader);
    ASSERT_TRUE(news.has_value());
    EXPECT_EQ(sid_text(news->entries[0].revocation), sid_of(login.text("accessToken")));
  }
  other.logout(next_login.text("refreshToken"));
  reader.reconnect();
  Following moved(running_, token(), {{"Last-Event-ID", last_id_}});
  const auto news = proved(moved, reader);
  ASSERT_TRUE(news.has_value());
  EXPECT_FALSE(news->replaces);
  EXPECT_EQ(news->entries.size(), 1U);
}

TEST_F(Feed, StreamEndsWhenTheFeedStops) {
  Following stream(running_, token());
  feed::Reader reader(pinning());
  ASSERT_TRUE(proved(stream, reader).has_value());
  running_.issuer().stop_feed();
  while (stream.next()) {
  }
  SUCCEED() << "the stream came to its end";
}

TEST_F(Feed, MoreVerifiersThanAllowedAreToldToComeAgain) {
  RunningOptions one = options();
  one.feed.subscribers_max = 1;
  RunningIssuer small(clock_, one);
  ASSERT_TRUE(small.is_running()) << small.fault();
  Following first(small, token(small));
  ASSERT_EQ(first.status(), 200);
  const Following second(small, token(small));
  EXPECT_EQ(second.status(), 503);
  EXPECT_NE(second.head().find("Retry-After: "), std::string::npos);
  EXPECT_EQ(small.metric("jeton_feed_limits_hit_total{limit=\"subscribers_max\"}"), "1");
}

// A verifier that holds a head signed by this issuer proves that there were revocations which are no longer there.
TEST_F(Feed, SignedHeadThatIsAheadOfTheLogStopsTheIssuerUntilTheDatabaseIsAccepted) {
  const auto login = running_.login(email, password);
  std::string ahead;
  TemporaryDirectory copy;
  {
    const auto path = directory_.file("jeton.db");
    for (const char* suffix : {"", "-wal"}) {
      if (std::filesystem::exists(path + suffix))
        std::filesystem::copy_file(path + suffix, copy.file("jeton.db") + suffix);
    }
    Following stream(running_, token());
    feed::Reader reader(pinning());
    ASSERT_TRUE(proved(stream, reader).has_value());
    running_.logout(login.text("refreshToken"));
    ASSERT_TRUE(entries(stream, reader).has_value());
    ahead = last_head_;
  }
  RunningOptions old = options();
  old.database = copy.file("jeton.db");
  RunningIssuer put_back(clock_, old);
  ASSERT_TRUE(put_back.is_running()) << put_back.fault();
  EXPECT_EQ(put_back.get("/healthz").status, 200);
  const std::string service = token(put_back);
  {
    Following honest(put_back, service);
    feed::Reader reader(pinning());
    ASSERT_TRUE(proved(honest, reader).has_value());
  }
  Following stream(put_back, service, {{"Jeton-Feed-Head", ahead}});
  EXPECT_EQ(stream.next(), std::nullopt);
  EXPECT_EQ(put_back.get("/healthz").status, 503);
  EXPECT_EQ(put_back.refresh(login.text("refreshToken")).status, 503);
  EXPECT_EQ(put_back.get("/metrics").status, 200);
  // Noted for the other processes and for the next start, by a transaction that may be under way still.
  const auto is_noted = [&] {
    return waited<store::HistoryMark>([&](auto done) { put_back.store().history().read_mark(std::move(done)); })
        ->has_gone_back;
  };
  while (!is_noted()) {
  }
}

TEST_F(Feed, HeadOfAnotherKeyOrHistoryProvesNothing) {
  const SigningKey stranger = SigningKey::generate(feed::feed_algorithm);
  const auto forged = feed::sign(stranger, feed::Head{.issuer = "https://as.example",
                                                      .epoch = running_.issuer().foundation().store_epoch,
                                                      .number = 1000,
                                                      .time = 1});
  Following stream(running_, token(), {{"Jeton-Feed-Head", *forged}});
  feed::Reader reader(pinning());
  EXPECT_TRUE(proved(stream, reader).has_value());
  EXPECT_EQ(running_.get("/healthz").status, 200);
}

TEST_F(Feed, DatabaseThatOneProcessFoundGoneBackIsServedByNone) {
  RunningIssuer other(clock_, options());
  ASSERT_TRUE(other.is_running()) << other.fault();
  Following stream(other, token(other));
  feed::Reader reader(pinning());
  ASSERT_TRUE(proved(stream, reader).has_value());
  ASSERT_TRUE(
      waited<bool>([&](auto done) { running_.store().history().note_gone_back("a test says so", std::move(done)); }));
  while (stream.next()) {
  }
  EXPECT_EQ(other.login(email, password).status, 503);
}

TEST_F(Feed, RefreshTokenOfAFormerHistoryIsToldSoAndAForgedOneIsNot) {
  const std::string old = running_.login(email, password).text("refreshToken");
  ASSERT_TRUE(waited<store::HistoryMark>(
      [&](auto done) { running_.store().history().begin_history("second-history", std::move(done)); }));
  RunningIssuer restored(clock_, options());
  ASSERT_TRUE(restored.is_running()) << restored.fault();
  const HttpAnswer told = restored.refresh(old);
  EXPECT_EQ(told.status, 401);
  EXPECT_EQ(told.body, R"({"error":"Invalid refresh token","reason":"restored"})");
  std::string forged = old;
  forged.back() = forged.back() == 'A' ? 'E' : 'A';
  EXPECT_EQ(restored.refresh(forged).body, R"({"error":"Invalid refresh token"})");
  const HttpAnswer again = restored.login(email, password);
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(restored.refresh(again.text("refreshToken")).status, 200);
}

// What next() gives, on a loop of its own.
class Taken {
 public:
  explicit Taken(FeedSubscriber& from) {
    boost::asio::co_spawn(
        io_,
        [this, &from]() -> boost::asio::awaitable<void> {
          piece_ = co_await from.next();
          done_ = true;
        },
        boost::asio::detached);
    io_.poll();
  }
  bool done() {
    io_.restart();
    io_.poll();
    return done_;
  }
  const FeedSubscriber::Piece& piece() const { return piece_; }

 private:
  boost::asio::io_context io_;
  FeedSubscriber::Piece piece_;
  bool done_ = false;
};

FeedSubscriber::Piece piece(std::string text) { return std::make_shared<const std::string>(std::move(text)); }

TEST(FeedSubscriber, ThatKeepsUpGetsEveryPieceInOrder) {
  bool was_slow = true;
  {
    FeedSubscriber subscriber(10, {}, {}, [&](bool slow) { was_slow = slow; });
    subscriber.push(piece("news"));
    subscriber.begin({piece("a long beginning that counts for nothing")});
    Taken first(subscriber);
    ASSERT_TRUE(first.done());
    EXPECT_EQ(first.piece()->substr(0, 6), "a long");
    Taken second(subscriber);
    ASSERT_TRUE(second.done());
    EXPECT_EQ(*second.piece(), "news");
    Taken third(subscriber);
    EXPECT_FALSE(third.done());
    subscriber.push(piece("more"));
    ASSERT_TRUE(third.done());
    EXPECT_EQ(*third.piece(), "more");
  }
  EXPECT_FALSE(was_slow);
}

TEST(FeedSubscriber, ThatLagsBehindIsLetGoAndGetsNoHalf) {
  bool was_slow = false;
  {
    FeedSubscriber subscriber(10, {}, {}, [&](bool slow) { was_slow = slow; });
    subscriber.push(piece("12345"));
    subscriber.push(piece("67890"));
    EXPECT_FALSE(subscriber.has_ended());
    subscriber.push(piece("!"));
    EXPECT_TRUE(subscriber.has_ended());
    Taken taken(subscriber);
    ASSERT_TRUE(taken.done());
    EXPECT_EQ(taken.piece(), nullptr);
  }
  EXPECT_TRUE(was_slow);
}

}  // namespace
}  // namespace jeton::issuer::testing
