// A snapshot of many entries costs the reader the table that it fills, and little more: nobody holds it twice.
#include "agent/scripted_issuer.h"
#include "agent/upkeep.h"
#include "guard/feed/entry.h"
#include "guard/feed/event_stream.h"
#include "guard/feed/head.h"

#include <gtest/gtest.h>

#include <malloc.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <thread>

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t entries_an_event = 1000;
// The table has 34; what is staged of a block, 32 each, goes as that block is made.
constexpr std::uint64_t bytes_an_entry_max = 70;
constexpr std::uint64_t bytes_beside_max = 12 * 1024 * 1024;  // pieces on their way, and what the allocator keeps

std::uint64_t resident_bytes(const char* field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(field)) return std::stoull(line.substr(line.find(':') + 1)) * 1024;
  }
  return 0;
}

bool forget_peak() {
  std::ofstream clear("/proc/self/clear_refs");
  clear << "5" << std::flush;
  return clear.good();
}

Revocation entry_of(std::uint64_t number, std::int64_t now) {
  return {.kind = RevocationKind::session,
          .subject = std::string(8, '\0') + std::string(reinterpret_cast<const char*>(&number), sizeof number),
          .expires_at = now + 900};
}

void follow_a_snapshot_of(std::uint64_t count) {
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  GTEST_SKIP() << "a sanitizer keeps what was given back";
#endif
  const platform::SystemClock clock;
  const platform::SteadyClock monotonic;
  const std::int64_t now = clock.now().time_since_epoch().count() / 1000;
  const SigningKey key = SigningKey::generate(Algorithm::es256);
  const SigningKey feed_key = SigningKey::generate(feed::feed_algorithm);
  std::string folder = (std::filesystem::temp_directory_path() / "jeton-snapshot-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  ScriptedIssuer issuer;
  issuer.answer("/jwks", "200 OK", "", KeySet({key.verification_key()}).to_jwks());
  issuer.answer("/oauth2/token", "200 OK", "",
                R"({"access_token":"a-token","token_type":"Bearer","expires_in":900})");
  issuer.script("/api/feed", [&](ScriptedIssuer::Peer& peer) {
    feed::Snapshot end{.head = {issuer.url(), "AAAA", count, {}, now * 1000},
                       .entries = count,
                       .kids = {std::string(key.kid())}};
    peer.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + feed::event_text({"reset", {""}, ""}));
    for (std::uint64_t number = 1; number <= count;) {
      feed::Event event{"entries", {}, ""};
      for (; number <= count && event.data.size() < entries_an_event; ++number) {
        const Revocation one = entry_of(number, now);
        event.data.push_back(feed::entry_text(number, one));
        end.digest = chained(end.digest, number, one);
      }
      if (!peer.send(feed::event_text(event))) return;
    }
    peer.send(feed::event_text({"snapshot", {*feed::sign(feed_key, end)}, ""}));
    while (!issuer.stopping()) std::this_thread::sleep_for(1ms);
  });
  const auto options = [&] {
    AgentOptions made{.state_directory = folder, .precompute = false};
    made.agent_limits.feed_silence_max = 60s;
    made.issuers.push_back({.trust = {.issuer = issuer.url(), .audience = AudienceRule::must_include("api")},
                            .keys = KeysFrom::url(issuer.url("/jwks")),
                            .feed = AgentFeed{.pinned = KeySet({feed_key.verification_key()}),
                                              .client_id = "verifier",
                                              .client_secret = SecretBytes::from_text("secret")}});
    return made;
  };
  platform::Metrics metrics;
  ::malloc_trim(0);
  const std::uint64_t before = resident_bytes("VmRSS");
  ASSERT_TRUE(forget_peak());
  auto upkeep = std::make_unique<Upkeep>(options(), clock, monotonic, metrics);
  upkeep->start();
  for (const auto deadline = std::chrono::steady_clock::now() + 120s; upkeep->table().counts().entries < count;) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    std::this_thread::sleep_for(1ms);
  }
  issuer.stop();
  upkeep.reset();  // and what is to be kept is kept
  const std::uint64_t peak = resident_bytes("VmHWM");
  std::cout << count << " entries: " << (peak - before) / 1024 << " KiB at the peak beyond what was there\n";
  EXPECT_LE(peak - before, count * bytes_an_entry_max + bytes_beside_max);

  // And what lies on disk proves it all again.
  platform::Metrics again_metrics;
  Upkeep again(options(), clock, monotonic, again_metrics);
  again.start();
  EXPECT_EQ(again.table().counts().entries, count);
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    files += entry.path().extension() == ".new" ? 1 : 0;
  }
  EXPECT_EQ(files, 0U);
  std::filesystem::remove_all(folder);
}

TEST(SnapshotMemory, IsThatOfTheTableAndLittleMore) { follow_a_snapshot_of(200'000); }
// For the figure: agent_test --gtest_also_run_disabled_tests --gtest_filter='SnapshotMemory.*Million'
TEST(SnapshotMemory, DISABLED_OfAMillion) { follow_a_snapshot_of(1'000'000); }

}  // namespace
}  // namespace jeton::agent
