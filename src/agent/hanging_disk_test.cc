// A disk that hangs keeps nobody from knowing what is revoked.
#include "agent/feed_client.h"
#include "agent/scripted_issuer.h"
#include "guard/feed/entry.h"
#include "guard/feed/event_stream.h"
#include "guard/feed/head.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t entries_an_event = 200, entries = 150'000;  // in all more than may wait for the disk
constexpr std::size_t waiting_bytes_max = 4 * 1024 * 1024;

// Goes on where the loop has nothing to do: in a wait, and faster than time.
struct SteppedClock final : platform::MonotonicSource {
  std::chrono::milliseconds at{1'000'000};
  std::chrono::milliseconds ticks() const override { return at; }
};
constexpr auto step = 10ms, pause = 2ms;

std::string snapshot_of(const SigningKey& feed_key, const std::string& issuer, std::int64_t now_seconds) {
  feed::Snapshot end{.head = {issuer, "AAAA", entries, {}, now_seconds * 1000}, .entries = entries, .kids = {"a"}};
  std::string text = feed::event_text({"reset", {""}, ""});
  for (std::uint64_t number = 1; number <= entries;) {
    feed::Event event{"entries", {}, ""};
    for (; number <= entries && event.data.size() < entries_an_event; ++number) {
      const Revocation one{.subject = "token " + std::to_string(number), .expires_at = now_seconds + 900};
      event.data.push_back(feed::entry_text(number, one));
      end.digest = chained(end.digest, number, one);
    }
    text += feed::event_text(event);
  }
  return text + feed::event_text({"snapshot", {*feed::sign(feed_key, end)}, ""});
}

TEST(HangingDisk, SnapshotIsTakenOverAfterOneWaitForIt) {
  std::string folder = (std::filesystem::temp_directory_path() / "jeton-disk-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const platform::SystemClock clock;
  const SigningKey feed_key = SigningKey::generate(feed::feed_algorithm);
  ScriptedIssuer issuer;
  const std::string snapshot = snapshot_of(feed_key, issuer.url(), clock.now().time_since_epoch().count() / 1000);
  ASSERT_GT(snapshot.size(), waiting_bytes_max * 3 / 2);
  issuer.answer("/oauth2/token", "200 OK", "",
                R"({"access_token":"a-token","token_type":"Bearer","expires_in":900})");
  issuer.script("/api/feed", [&](ScriptedIssuer::Peer& peer) {
    peer.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + snapshot);
    while (!issuer.stopping()) std::this_thread::sleep_for(1ms);
  });

  SteppedClock monotonic;
  platform::Metrics metrics;
  const AgentFeed feed{.pinned = KeySet({feed_key.verification_key()}),
                       .client_id = "verifier",
                       .client_secret = SecretBytes::from_text("secret")};
  AgentOptions options{.state_directory = folder, .precompute = false};
  options.agent_limits.feed_silence_max = 60s;
  RevocationTable table({.issuers = {{issuer.url()}}});
  std::vector<std::function<void()>> jobs;  // the disk takes them, and does none
  {
    boost::asio::io_context loop{1};
    http::StreamingClient http(loop.get_executor(), "");
    const Parts parts{.executor = loop.get_executor(),
                      .http = http,
                      .clock = clock,
                      .monotonic = monotonic,
                      .metrics = metrics,
                      .options = options,
                      .on_disk = [&](std::function<void()> job) {
                        jobs.push_back(std::move(job));
                        return true;
                      }};
    FeedClient client(parts, issuer.url(), feed, table,
                      {.keys_changed = [](const std::vector<std::string>*) {}, .changed = [] {}});
    boost::asio::co_spawn(loop, client.run(), boost::asio::detached);
    while (client.snapshots() == 0 && client.problem().empty()) {
      if (loop.poll_one() != 0) continue;
      monotonic.at += step;
      loop.run_one_for(pause);
    }
    EXPECT_EQ(client.problem(), "");
    EXPECT_EQ(client.snapshots(), 1u);
    EXPECT_EQ(table.counts().entries, entries);
    EXPECT_LT(jobs.size(), entries / entries_an_event) << "it was not given up";
    issuer.stop();
  }
  jobs.clear();
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace jeton::agent
