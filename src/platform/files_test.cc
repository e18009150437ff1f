#include "platform/files.h"

#include <gtest/gtest.h>

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <filesystem>
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
  static std::string content(const fs::path& path) {
    std::ifstream file{path};
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static unsigned mode_of(const fs::path& path) {
    struct stat status{};
    return ::stat(path.c_str(), &status) == 0 ? static_cast<unsigned>(status.st_mode) & 07777U : 0;
  }

  fs::path directory_;
};

TEST_F(Files, PrivateFileIsWrittenWholeWithMode0600WhateverTheUmask) {
  for (const mode_t mask : {0, 0777}) {
    const mode_t before = ::umask(mask);
    const auto written = write_private_file(at("key"), "one", Existing::replace);
    ::umask(before);
    EXPECT_TRUE(written.has_value());
    EXPECT_EQ(mode_of(at("key")), 0600U);
    EXPECT_EQ(content(at("key")), "one");
  }
  EXPECT_EQ(names(), std::vector<std::string>{"key"});
}

TEST_F(Files, ReplacedFileThatWasOpenToAllIsClosed) {
  put(at("key"), "old");
  ASSERT_EQ(::chmod(at("key").c_str(), 0644), 0);
  EXPECT_TRUE(write_private_file(at("key"), "new", Existing::replace).has_value());
  EXPECT_EQ(content(at("key")), "new");
  EXPECT_EQ(mode_of(at("key")), 0600U);
}

TEST_F(Files, FileThatIsThereIsNotOverwrittenUnasked) {
  put(at("key"), "mine");
  const auto refused = write_private_file(at("key"), "other", Existing::keep, "Do this.");
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().text(), at("key").string() + ": exists and was left as it is. Do this.");
  EXPECT_EQ(content(at("key")), "mine");
  EXPECT_EQ(names(), std::vector<std::string>{"key"});
}

TEST_F(Files, OfManyExclusiveWritersExactlyOneWins) {
  for (int round = 0; round < 20; ++round) {
    std::atomic<int> winners = 0;
    std::atomic<int> winner = -1;
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&, i] {
        if (!write_private_file(at("key"), std::to_string(i), Existing::keep)) return;
        ++winners;
        winner = i;
      });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(winners, 1);
    EXPECT_EQ(content(at("key")), std::to_string(winner));
    fs::remove(at("key"));
  }
}

TEST_F(Files, SymbolicLinkIsNotWrittenThrough) {
  put(at("target"), "untouched");
  fs::create_symlink(at("target"), at("link"));
  EXPECT_FALSE(write_private_file(at("link"), "x", Existing::keep).has_value());
  EXPECT_TRUE(write_private_file(at("link"), "x", Existing::replace).has_value());
  EXPECT_EQ(content(at("target")), "untouched");
  EXPECT_FALSE(fs::is_symlink(at("link")));
  fs::create_symlink(at("nowhere"), at("dangling"));
  EXPECT_FALSE(write_private_file(at("dangling"), "x", Existing::keep).has_value());
  EXPECT_FALSE(fs::exists(at("nowhere")));
}

TEST_F(Files, FileThatCannotBeWrittenWholeLeavesTheOldOneAndNothingElse) {
  put(at("key"), "old");
  const pid_t child = ::fork();
  if (child == 0) {
    // A limit on the size of files stands for a full disk: the write stops half-way.
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit small{4096, 4096};
    ::setrlimit(RLIMIT_FSIZE, &small);
    const auto written = write_private_file(at("key"), std::string(100'000, 'x'), Existing::replace);
    ::_exit(!written && written.error().what == at("key").string() + ": cannot be written: File too large." ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(content(at("key")), "old");
  EXPECT_EQ(names(), std::vector<std::string>{"key"});
}

TEST_F(Files, ProcessThatIsKilledWhileWritingLeavesTheOldFileOrTheNewOne) {
  const std::string old_content(200'000, 'a');
  const std::string new_content(200'000, 'b');
  ASSERT_TRUE(write_private_file(at("key"), old_content, Existing::replace).has_value());
  for (int round = 0; round < 20; ++round) {
    const pid_t child = ::fork();
    if (child == 0) {
      while (true) {
        if (!write_private_file(at("key"), new_content, Existing::replace)) ::_exit(1);
        if (!write_private_file(at("key"), old_content, Existing::replace)) ::_exit(1);
      }
    }
    ::usleep(static_cast<useconds_t>(1'000 + 700 * round));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    const std::string found = content(at("key"));
    EXPECT_TRUE(found == old_content || found == new_content);
  }
}

TEST_F(Files, FailuresNameTheFileAndWhatToDo) {
  EXPECT_EQ(write_private_file(at("no/k"), "x", Existing::keep).error().text(),
            at("no/k").string() + ": its directory does not exist. Make the directory first.");
  for (const Existing existing : {Existing::keep, Existing::replace}) {
    EXPECT_EQ(write_private_file(directory_, "x", existing).error().text(),
              directory_.string() + ": is a directory. Name a file in it.");
  }
}

}  // namespace
}  // namespace jeton::platform
