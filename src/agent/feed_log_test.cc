// What lies on disk of a feed is proved anew when it is read, wherever it was cut off and whoever wrote it.
#include "agent/feed_log.h"
#include "guard/feed/head.h"

#include <gtest/gtest.h>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;

constexpr char issuer[] = "https://as.example";

const SigningKey& feed_key() {
  static const SigningKey key = SigningKey::generate(feed::feed_algorithm);
  return key;
}

feed::Reader reader(const std::string& name = issuer, const SigningKey& key = feed_key()) {
  return feed::Reader({.issuer = name, .pinned = KeySet({key.verification_key()})});
}

// An issuer and a verifier that follows it, and what that one keeps.
struct Followed {
  explicit Followed(FeedLog& kept) : log(kept) {}

  Revocation append(const std::string& jti) {
    Revocation revocation{.subject = jti, .expires_at = 1'700'000'900};
    head.hash = chained(head.hash, ++head.number, revocation);
    entries.push_back({head.number, revocation});
    return revocation;
  }
  void snapshot() {
    feed::Proved proved{.replaces = true, .begins_history = true, .head = head, .entries = entries, .kids = {"kid"}};
    feed::Snapshot signed_one{.head = head, .entries = entries.size(), .kids = {"kid"}};
    for (const auto& [number, one] : entries) signed_one.digest = chained(signed_one.digest, number, one);
    keep(proved, *feed::sign(feed_key(), signed_one));
  }
  void revoke(const std::string& jti) {
    append(jti);
    keep({.head = head, .entries = {entries.back()}}, *feed::sign(feed_key(), head));
  }
  void heartbeat() {
    head.time += 1000;
    keep({.head = head}, *feed::sign(feed_key(), head));
  }
  void keep(const feed::Proved& proved, const std::string& statement) {
    at += 1s;
    good = log.keep(proved, statement, at).has_value();
  }

  FeedLog& log;
  feed::Head head{issuer, "first", 0, {}, 1'700'000'000'000};
  std::vector<feed::Entry> entries{};
  std::chrono::milliseconds at{0};
  bool good = true;
};

class FeedLogTest : public testing::Test {
 protected:
  FeedLogTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "jeton-feed-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    path_ = folder_ + "/feed.log";
  }
  ~FeedLogTest() override { std::filesystem::remove_all(folder_); }

  // The numbers of all entries that the file proves; a snapshot begins anew.
  std::vector<std::uint64_t> proved(FeedLog& log, feed::Reader& by) {
    std::vector<std::uint64_t> numbers;
    log.load(by, [&](const feed::Proved& one, const std::string&) {
      if (one.replaces) numbers.clear();
      for (const feed::Entry& entry : one.entries) numbers.push_back(entry.number);
    });
    return numbers;
  }
  std::vector<std::uint64_t> proved() {
    FeedLog log(path_, {});
    feed::Reader by = reader();
    return proved(log, by);
  }
  std::string content() {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void write(const std::string& text) { std::ofstream(path_, std::ios::binary | std::ios::trunc) << text; }

  std::string folder_, path_;
};

using Numbers = std::vector<std::uint64_t>;

TEST_F(FeedLogTest, WhatWasKeptIsProvedAgain) {
  FeedLog log(path_, {});
  Followed followed(log);
  followed.append("a");
  followed.snapshot();
  followed.revoke("b");
  followed.heartbeat();
  followed.revoke("c");
  EXPECT_EQ(proved(), (Numbers{1, 2, 3}));
  struct stat status{};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  FeedLog again(path_, {});
  feed::Reader by = reader();
  proved(again, by);
  EXPECT_EQ(*by.proved(), followed.head);
}

TEST_F(FeedLogTest, ASnapshotIsWrittenAsItComesAndCountsOnceItIsProved) {
  FeedLog log(path_, {});
  Followed followed(log);
  followed.append("a");
  followed.snapshot();
  const std::string before = content();
  followed.append("b");
  const auto lines = [&](std::size_t from, std::size_t to) {
    std::vector<std::string> out;
    for (std::size_t i = from; i < to; ++i)
      out.push_back(feed::entry_text(followed.entries[i].number, followed.entries[i].revocation));
    return out;
  };
  log.begin_snapshot();
  log.add_to_snapshot(lines(0, 1));
  log.begin_snapshot();  // it broke off, and comes again
  log.add_to_snapshot(lines(0, 1));
  log.add_to_snapshot(lines(1, 2));
  EXPECT_EQ(content(), before);
  feed::Snapshot end{.head = followed.head, .entries = 2, .kids = {"kid"}};
  for (const auto& [number, one] : followed.entries) end.digest = chained(end.digest, number, one);
  const feed::Proved proof{.replaces = true, .is_staged = true, .head = followed.head, .kids = {"kid"}};
  EXPECT_TRUE(log.keep(proof, *feed::sign(feed_key(), end), 1s).has_value());
  followed.revoke("c");
  EXPECT_EQ(proved(), (Numbers{1, 2, 3}));
  // Forgotten on the way there is nothing to keep, and what was there stays.
  log.begin_snapshot();
  log.drop_snapshot();
  EXPECT_FALSE(log.keep(proof, *feed::sign(feed_key(), end), 2s).has_value());
  EXPECT_EQ(proved(), (Numbers{1, 2, 3}));
}

TEST_F(FeedLogTest, WhatAKilledProcessLeftBehindIsRemoved) {
  const std::string left = path_ + ".0011223344556677.new", other = folder_ + "/other.log.00.new";
  for (const std::string& path : {left, other}) std::ofstream(path) << "reset";
  FeedLog log(path_, {});
  feed::Reader by = reader();
  proved(log, by);
  EXPECT_FALSE(std::filesystem::exists(left));
  EXPECT_TRUE(std::filesystem::exists(other));
}

TEST_F(FeedLogTest, ThereIsNothingBeforeTheFirstSnapshot) {
  FeedLog log(path_, {});
  Followed followed(log);
  followed.heartbeat();
  followed.revoke("a");
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_EQ(proved(), Numbers{});
}

TEST_F(FeedLogTest, HeartbeatsTakeNoRoomAndTellHowFreshItIs) {
  FeedLog log(path_, {.head_interval = 1s});
  Followed followed(log);
  followed.snapshot();
  followed.heartbeat();
  const auto size = content().size();
  for (int i = 0; i < 50; ++i) followed.heartbeat();
  EXPECT_EQ(content().size(), size);
  FeedLog again(path_, {});
  feed::Reader by = reader();
  proved(again, by);
  EXPECT_EQ(by.proved()->time, followed.head.time);
}

// kill -9 at any byte, and a disk that lost the end.
TEST_F(FeedLogTest, WhereverItIsCutOffTheWholePartBeforeIsProvedAndItGoesOn) {
  {
    FeedLog log(path_, {});
    Followed followed(log);
    followed.append("a");
    followed.snapshot();
    followed.revoke("b");
    followed.heartbeat();
  }
  const std::string whole = content();
  std::size_t most = 0;
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    write(whole.substr(0, size));
    FeedLog log(path_, {});
    feed::Reader by = reader();
    const Numbers numbers = proved(log, by);
    EXPECT_GE(numbers.size(), most) << size;
    most = std::max(most, numbers.size());
    if (numbers.empty()) continue;
    // What is written next follows what was proved, whatever lay behind it.
    Followed followed(log);
    followed.head = *by.proved();
    followed.revoke("c");
    EXPECT_EQ(proved().size(), numbers.size() + 1) << size;
  }
  EXPECT_EQ(most, 2U);
}

TEST_F(FeedLogTest, AnyByteThatIsAnotherProvesNothingFalse) {
  {
    FeedLog log(path_, {});
    Followed followed(log);
    followed.append("a");
    followed.snapshot();
    followed.revoke("b");
  }
  const std::string whole = content();
  for (std::size_t at = 0; at < whole.size(); at += 3) {
    std::string spoiled = whole;
    spoiled[at] = static_cast<char>(spoiled[at] ^ 1);
    write(spoiled);
    const Numbers numbers = proved();
    EXPECT_TRUE(numbers == Numbers{} || numbers == Numbers{1} || numbers == (Numbers{1, 2})) << at;
  }
}

TEST_F(FeedLogTest, OfAnotherIssuerOrByAnotherKeyNothingIsProved) {
  {
    FeedLog log(path_, {});
    Followed followed(log);
    followed.append("a");
    followed.snapshot();
  }
  FeedLog log(path_, {});
  feed::Reader other = reader("https://other.example"),
               otherwise = reader(issuer, SigningKey::generate(feed::feed_algorithm));
  EXPECT_EQ(proved(log, other), Numbers{});
  EXPECT_EQ(proved(log, otherwise), Numbers{});
  EXPECT_EQ(proved(), Numbers{1});
}

TEST_F(FeedLogTest, NoLinkIsFollowedAndNoDirectoryRead) {
  {
    FeedLog log(path_, {});
    Followed followed(log);
    followed.append("a");
    followed.snapshot();
  }
  std::filesystem::rename(path_, folder_ + "/elsewhere");
  std::filesystem::create_symlink(folder_ + "/elsewhere", path_);
  EXPECT_EQ(proved(), Numbers{});
  std::filesystem::remove(path_);
  std::filesystem::create_directory(path_);
  EXPECT_EQ(proved(), Numbers{});
}

TEST_F(FeedLogTest, ALineWithoutEndIsNotReadForEver) {
  write(std::string(1'000'000, 'a'));
  FeedLog log(path_, {.event_bytes_max = 10'000});
  feed::Reader by = reader();
  EXPECT_EQ(proved(log, by), Numbers{});
}

// No write beyond this size succeeds, as on a full disk.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) : before_handler_(::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit now = before_;
    now.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &now);
  }
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, before_handler_);
  }

 private:
  rlimit before_{};
  void (*before_handler_)(int);
};

TEST_F(FeedLogTest, WhatDidNotFitOnAFullDiskIsWrittenLater) {
  FeedLog log(path_, {});
  Followed followed(log);
  followed.append("a");
  followed.snapshot();
  ASSERT_TRUE(followed.good);
  {
    const FullDisk full(content().size() + 100);
    followed.revoke("b");
    EXPECT_FALSE(followed.good);
    followed.revoke("c");
    EXPECT_FALSE(followed.good);
    EXPECT_EQ(proved(), Numbers{1}) << "an earlier moment, and true";
  }
  followed.heartbeat();
  EXPECT_TRUE(followed.good);
  EXPECT_EQ(proved(), (Numbers{1, 2, 3}));
}

TEST_F(FeedLogTest, ASnapshotThatDoesNotFitLeavesWhatWasThere) {
  FeedLog log(path_, {});
  Followed followed(log);
  followed.append("a");
  followed.snapshot();
  for (int i = 0; i < 100; ++i) followed.append("more-" + std::to_string(i));
  {
    const FullDisk full(1000);
    followed.snapshot();
    EXPECT_FALSE(followed.good);
  }
  EXPECT_EQ(proved(), Numbers{1});
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) EXPECT_EQ(entry.path().string(), path_);
  followed.snapshot();
  EXPECT_EQ(proved().size(), 101U);
}

TEST_F(FeedLogTest, WhatCannotBeWrittenForLongIsLeftOutUntilTheNextSnapshot) {
  FeedLog log(path_, {.pending_bytes_max = 300});
  Followed followed(log);
  followed.append("a");
  followed.snapshot();
  {
    const FullDisk full(content().size());
    followed.revoke("b");
    EXPECT_FALSE(followed.good);
  }
  followed.revoke("c");
  EXPECT_EQ(proved(), Numbers{1});
  followed.snapshot();
  EXPECT_EQ(proved(), (Numbers{1, 2, 3}));
}

}  // namespace
}  // namespace jeton::agent
