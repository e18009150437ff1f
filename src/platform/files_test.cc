#include "platform/files.h"

#include <gtest/gtest.h>

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

namespace jeton::platform {
namespace {

namespace fs = std::filesystem;

class Files : public testing::Test {
 protected:
  Files() {
    std::string name = (fs::temp_directory_path() / "jeton-files-XXXXXX").string();
    if (::mkdtemp(name.data()) != nullptr) directory_ = name;
  }
  ~Files() override { fs::remove_all(directory_); }

  fs::path at(std::string_view name) const { return directory_ / name; }
  void put(const fs::path& path, std::string_view content) const { std::ofstream(path) << content; }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(directory_)) names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  }
  static unsigned mode_of(const fs::path& path) {
    struct stat status{};
    return ::stat(path.c_str(), &status) == 0 ? static_cast<unsigned>(status.st_mode) & 07777U : 0;
  }

  fs::path directory_;
};

TEST_F(Files, FileIsReadWholeUpToTheLimit) {
  put(at("a"), std::string(10'000, 'x'));
  EXPECT_EQ(read_file(at("a"), 10'000).value(), std::string(10'000, 'x'));
  const auto too_large = read_file(at("a"), 9'999);
  ASSERT_FALSE(too_large.has_value());
  EXPECT_EQ(too_large.error().what, at("a").string() + " is larger than 9999 bytes.");
  put(at("empty"), "");
  EXPECT_EQ(read_file(at("empty"), 0).value(), "");
}

TEST_F(Files, FileWhoseSizeIsNotKnownIsReadWhole) {
  EXPECT_TRUE(read_file("/proc/self/status", 100'000).value().starts_with("Name:"));
}

TEST_F(Files, MissingFileIsNamedWithTheReason) {
  const auto missing = read_file(at("none"), 10);
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().what, at("none").string() + ": cannot read: No such file or directory.");
  EXPECT_FALSE(missing.error().remedy.empty());
}

TEST_F(Files, WhatIsNoFileIsNotRead) {
  EXPECT_EQ(read_file(directory_, 10).error().what, directory_.string() + " is a directory, not a file.");
  EXPECT_EQ(read_file("/dev/null", 10).error().what, "/dev/null is not a regular file.");
  ASSERT_EQ(::mkfifo(at("pipe").c_str(), 0600), 0);
  EXPECT_FALSE(read_file(at("pipe"), 10).has_value());  // and does not hang
}

TEST_F(Files, SecretFileThatOthersMayReadIsRefusedWithTheRemedy) {
  put(at("key"), "secret");
  for (const mode_t mode : {0640, 0604, 0660, 0610}) {
    ASSERT_EQ(::chmod(at("key").c_str(), mode), 0);
    const auto read = read_secret_file(at("key"), 100);
    ASSERT_FALSE(read.has_value()) << mode;
    EXPECT_EQ(read.error().remedy, "Run: chmod 600 " + at("key").string());
    EXPECT_EQ(read.error().text().find("secret\""), std::string::npos);
  }
  for (const mode_t mode : {0600, 0400}) {
    ASSERT_EQ(::chmod(at("key").c_str(), mode), 0);
    EXPECT_EQ(read_secret_file(at("key"), 100).value(), "secret");
  }
}

TEST_F(Files, PrivateFileIsWrittenWholeWithMode0600WhateverTheUmask) {
  const mode_t before = ::umask(0);
  EXPECT_TRUE(write_private_file(at("key"), "one", IfPresent::refuse).has_value());
  ::umask(before);
  EXPECT_EQ(mode_of(at("key")), 0600U);
  EXPECT_EQ(read_secret_file(at("key"), 100).value(), "one");
  EXPECT_TRUE(write_private_file(at("key"), "two", IfPresent::replace).has_value());
  EXPECT_EQ(read_file(at("key"), 100).value(), "two");
  EXPECT_EQ(names(), std::vector<std::string>{"key"});
}

TEST_F(Files, FileThatIsThereIsNotOverwrittenUnasked) {
  put(at("key"), "mine");
  const auto refused = write_private_file(at("key"), "other", IfPresent::refuse);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().what, at("key").string() + " is there already and is not overwritten.");
  EXPECT_EQ(read_file(at("key"), 100).value(), "mine");
  EXPECT_EQ(names(), std::vector<std::string>{"key"});
}

TEST_F(Files, OfManyExclusiveWritersExactlyOneWins) {
  for (int round = 0; round < 20; ++round) {
    std::atomic<int> winners = 0;
    std::atomic<int> winner = -1;
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&, i] {
        if (!write_private_file(at("key"), std::to_string(i), IfPresent::refuse)) return;
        ++winners;
        winner = i;
      });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(winners, 1);
    EXPECT_EQ(read_file(at("key"), 100).value(), std::to_string(winner));
    fs::remove(at("key"));
  }
}

TEST_F(Files, SymbolicLinkIsNotWrittenThrough) {
  put(at("target"), "untouched");
  fs::create_symlink(at("target"), at("link"));
  EXPECT_FALSE(write_private_file(at("link"), "x", IfPresent::refuse).has_value());
  EXPECT_TRUE(write_private_file(at("link"), "x", IfPresent::replace).has_value());
  EXPECT_EQ(read_file(at("target"), 100).value(), "untouched");
  EXPECT_FALSE(fs::is_symlink(at("link")));
}

TEST_F(Files, FileThatCannotBeWrittenWholeLeavesTheOldOneAndNothingElse) {
  put(at("key"), "old");
  const pid_t child = ::fork();
  if (child == 0) {
    // A limit on the size of files stands for a full disk: the write stops half-way.
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit small{4096, 4096};
    ::setrlimit(RLIMIT_FSIZE, &small);
    const auto written = write_private_file(at("key"), std::string(100'000, 'x'), IfPresent::replace);
    ::_exit(!written && written.error().what == at("key").string() + ": cannot write: File too large." ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(read_file(at("key"), 100).value(), "old");
  EXPECT_EQ(names(), std::vector<std::string>{"key"});
}

TEST_F(Files, ProcessThatIsKilledWhileWritingLeavesTheOldFileOrTheNewOne) {
  const std::string old_content(200'000, 'a');
  const std::string new_content(200'000, 'b');
  ASSERT_TRUE(write_private_file(at("key"), old_content, IfPresent::replace).has_value());
  for (int round = 0; round < 20; ++round) {
    const pid_t child = ::fork();
    if (child == 0) {
      while (true) {
        if (!write_private_file(at("key"), new_content, IfPresent::replace)) ::_exit(1);
        if (!write_private_file(at("key"), old_content, IfPresent::replace)) ::_exit(1);
      }
    }
    ::usleep(static_cast<useconds_t>(1'000 + 700 * round));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    const std::string content = read_secret_file(at("key"), 1'000'000).value();
    EXPECT_TRUE(content == old_content || content == new_content);
  }
}

TEST_F(Files, MissingDirectoryIsNamed) {
  const auto written = write_private_file(at("none") / "key", "x", IfPresent::refuse);
  ASSERT_FALSE(written.has_value());
  EXPECT_EQ(written.error().what, (at("none") / "key").string() + ": cannot create: No such file or directory.");
  EXPECT_EQ(written.error().remedy, "Check the path, or make " + at("none").string() + " first.");
}

TEST_F(Files, PrivateDirectoryIsMadeOnceWithMode0700) {
  const mode_t before = ::umask(0);
  EXPECT_TRUE(make_private_directory(at("data")).has_value());
  ::umask(before);
  EXPECT_EQ(mode_of(at("data")), 0700U);
  EXPECT_TRUE(make_private_directory(at("data")).has_value());
  put(at("file"), "");
  EXPECT_EQ(make_private_directory(at("file")).error().what, at("file").string() + " is not a directory.");
  EXPECT_FALSE(make_private_directory(at("none") / "data").has_value());
}

TEST_F(Files, DirectoryThatOthersMayWriteToIsRefusedWithTheRemedy) {
  ASSERT_TRUE(make_private_directory(at("data")).has_value());
  ASSERT_EQ(::chmod(at("data").c_str(), 0770), 0);
  const auto made = make_private_directory(at("data"));
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().remedy, "Run: chmod 700 " + at("data").string());
}

}  // namespace
}  // namespace jeton::platform
