#include "cli/files.h"

#include <gtest/gtest.h>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

namespace jeton::cli {
namespace {

namespace fs = std::filesystem;

class Files : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "jeton-files-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
  }
  void TearDown() override { fs::remove_all(directory_); }

  std::string path(const std::string& name) const { return (directory_ / name).string(); }
  static std::string content(const std::string& path) {
    std::ifstream file{path};
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::ptrdiff_t files_here() const {
    return std::distance(fs::directory_iterator(directory_), fs::directory_iterator());
  }

  fs::path directory_;
  std::istringstream in_;
};

TEST_F(Files, PrivateFileIsReadableByItsOwnerAlone) {
  const mode_t before = ::umask(0);
  EXPECT_TRUE(write_private_file(path("k"), "secret", Existing::keep).has_value());
  ::umask(before);
  EXPECT_EQ(content(path("k")), "secret");
  EXPECT_EQ(fs::status(path("k")).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_FALSE(is_readable_by_others(path("k")));
}

TEST_F(Files, ExistingFileIsKeptUnlessItIsToBeReplaced) {
  std::ofstream(path("k")) << "old";
  const auto kept = write_private_file(path("k"), "new", Existing::keep);
  ASSERT_FALSE(kept.has_value());
  EXPECT_EQ(kept.error().text(),
            path("k") + ": exists and was left as it is. Choose another name, or replace it with --force.");
  EXPECT_EQ(content(path("k")), "old");
  EXPECT_TRUE(write_private_file(path("k"), "new", Existing::replace).has_value());
  EXPECT_EQ(content(path("k")), "new");
  EXPECT_EQ(files_here(), 1);  // nothing temporary is left
}

TEST_F(Files, ReplacedFileThatWasOpenToAllIsClosed) {
  std::ofstream(path("k")) << "old";
  ::chmod(path("k").c_str(), 0644);
  EXPECT_TRUE(is_readable_by_others(path("k")));
  EXPECT_TRUE(write_private_file(path("k"), "new", Existing::replace).has_value());
  EXPECT_FALSE(is_readable_by_others(path("k")));
}

TEST_F(Files, SymbolicLinkIsNeverFollowed) {
  std::ofstream(path("target")) << "precious";
  fs::create_symlink(path("target"), path("k"));
  EXPECT_FALSE(write_private_file(path("k"), "new", Existing::keep).has_value());
  EXPECT_TRUE(write_private_file(path("k"), "new", Existing::replace).has_value());
  EXPECT_EQ(content(path("target")), "precious");
  EXPECT_EQ(content(path("k")), "new");
  fs::create_symlink(path("nowhere"), path("dangling"));
  EXPECT_FALSE(write_private_file(path("dangling"), "new", Existing::keep).has_value());
  EXPECT_FALSE(fs::exists(path("nowhere")));
}

TEST_F(Files, FailuresNameTheFileAndWhatToDo) {
  EXPECT_EQ(read_file(path("none"), in_, 10).error().text(),
            path("none") + ": no such file. Check the name; relative names begin where the command runs.");
  EXPECT_EQ(read_file(directory_.string(), in_, 10).error().text(),
            directory_.string() + ": is a directory. Name a file in it.");
  EXPECT_EQ(write_private_file(path("no/k"), "x", Existing::keep).error().text(),
            path("no/k") + ": its directory does not exist. Make the directory first.");
  EXPECT_EQ(write_private_file(directory_.string(), "x", Existing::replace).error().text(),
            directory_.string() + ": is a directory. Name a file in it.");
}

TEST_F(Files, FullDiskLeavesNothingBehind) {
  // A limit on file sizes fails a write half-way, as a full disk does.
  std::ofstream(path("k")) << "old";
  const std::string large(2 * 1024 * 1024, 'x');
  EXPECT_EXIT(
      {
        ::signal(SIGXFSZ, SIG_IGN);
        rlimit limit{};
        limit.rlim_cur = limit.rlim_max = 1024;
        ::setrlimit(RLIMIT_FSIZE, &limit);
        ::_exit(write_private_file(path("k"), large, Existing::replace).has_value() ? 1 : 0);
      },
      testing::ExitedWithCode(0), "");
  EXPECT_EQ(content(path("k")), "old");
  EXPECT_EQ(files_here(), 1);
}

TEST_F(Files, FileOfExactlyTheLimitIsReadAndALongerOneIsNot) {
  std::ofstream(path("f")) << "12345678";
  EXPECT_EQ(read_file(path("f"), in_, 8).value(), "12345678");
  EXPECT_FALSE(read_file(path("f"), in_, 7).has_value());
  std::ofstream(path("long")) << std::string(100'000, 'y');
  EXPECT_EQ(read_file(path("long"), in_, 200'000).value(), std::string(100'000, 'y'));
  EXPECT_FALSE(read_file("/dev/zero", in_, 50'000).has_value());
}

TEST_F(Files, DashIsStandardInput) {
  in_.str(std::string("a\0b\n", 4));
  EXPECT_EQ(read_file("-", in_, 10).value(), std::string("a\0b\n", 4));
  in_.clear();
  in_.str("");
  EXPECT_EQ(read_file("-", in_, 10).value(), "");
}

}  // namespace
}  // namespace jeton::cli
