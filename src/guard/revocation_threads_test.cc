// Many readers of a revocation table while its one writer changes it: what is revoked all along is found at every
// look, and what never was is not. A program of its own, so that it is soon built with the thread sanitizer.
#include "guard/feed/reader.h"
#include "guard/reader_count.h"

#include <jeton/jws.h>
#include <jeton/revocation_table.h>
#include <jeton/verifier.h>

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace jeton {
namespace {

constexpr char issuer[] = "https://as.example";
constexpr std::int64_t now = 1'700'000'000;

VerifiedToken token_of(const std::string& jti) {
  static const SigningKey key = SigningKey::generate(Algorithm::hs256);
  static const Verifier verifier({.issuer = issuer,
                                  .audience = AudienceRule::accept_any_because("a test"),
                                  .keys = KeySet({key.verification_key()})});
  const std::string payload =
      R"({"iss":"https://as.example","sub":"u","exp":1700000600,"ver":1,"jti":")" + jti + R"("})";
  return verifier.verify(jws_sign(key, payload, {.typ = "at+jwt"}).value(), from_unix_seconds(now)).value();
}

feed::Entry entry(std::string jti, std::int64_t expires_at) {
  return {.number = 1, .revocation = {.subject = std::move(jti), .expires_at = expires_at}};
}

TEST(RevocationThreads, ReadersSeeWholeVersionsWhileTheWriterChangesThem) {
  RevocationTable table({.issuers = {{issuer}}});
  const VerifiedToken revoked = token_of("revoked"), good = token_of("good");
  const auto apply = [&](feed::Proved proved) {
    proved.head.time = now * 1000;
    proved.kids = {std::string(revoked.key_id())};
    table.apply(issuer, proved, std::chrono::sys_seconds(std::chrono::seconds(now)), std::chrono::nanoseconds(0));
  };
  apply({.replaces = true, .begins_history = true, .entries = {entry("revoked", now + 900)}});
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0}, looks{0};
  std::vector<std::jthread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      while (!stop.load(std::memory_order_relaxed)) {
        if (table.find(revoked) != RevocationReason::revoked || table.find(good)) ++wrong;
        (void)table.staleness(issuer, std::chrono::nanoseconds(1));
        (void)table.counts();
        ++looks;
      }
    });
  }
  for (int step = 0; step < 2'000 || looks < 3'000; ++step) {
    const bool replaces = step % 50 == 0;
    std::vector<feed::Entry> entries{entry("other-" + std::to_string(step), now - step % 2)};
    if (replaces) entries.push_back(entry("revoked", now + 900));
    apply({.replaces = replaces, .begins_history = step % 100 == 0, .entries = std::move(entries)});
  }
  stop = true;
  readers.clear();
  apply({});
  apply({});
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(table.counts().waiting_for_readers, 0U) << "what nobody reads is given back";
}

// What is put aside is given back, and not while a reader has it: that would be an access after the end of its life.
TEST(RevocationThreads, NothingIsGivenBackWhileItIsRead) {
  ReaderCount readers;
  PutAside<std::unique_ptr<int>> put_aside;
  auto current = std::make_unique<int>(0);
  std::atomic<int*> pointer{current.get()};
  std::atomic<bool> stop{false};
  std::atomic<long> sum{0};
  std::vector<std::jthread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      while (!stop.load(std::memory_order_relaxed)) {
        const ReaderCount::Reading reading(readers);
        sum += *pointer.load();
      }
    });
  }
  for (int i = 1; i < 20'000; ++i) {
    auto next = std::make_unique<int>(i);
    pointer.store(next.get());
    put_aside.add(std::exchange(current, std::move(next)));
    put_aside.give_back(readers);
  }
  stop = true;
  threads.clear();
  for (int i = 0; i < 2; ++i) put_aside.give_back(readers);
  EXPECT_EQ(put_aside.size(), 0U);
}

TEST(RevocationThreads, AReaderKeepsWhatWasReplacedMeanwhile) {
  ReaderCount readers;
  PutAside<std::unique_ptr<int>> put_aside;
  {
    const ReaderCount::Reading reading(readers);
    put_aside.add(std::make_unique<int>(1));
    for (int i = 0; i < 5; ++i) put_aside.give_back(readers);
    EXPECT_EQ(put_aside.size(), 1U);
  }
  for (int i = 0; i < 2; ++i) put_aside.give_back(readers);
  EXPECT_EQ(put_aside.size(), 0U);
}

}  // namespace
}  // namespace jeton
