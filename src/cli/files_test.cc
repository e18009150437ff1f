#include "cli/files.h"

#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

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

  fs::path directory_;
  std::istringstream in_;
};

TEST_F(Files, FailuresNameTheFileAndWhatToDo) {
  EXPECT_EQ(read_file(path("none"), in_, 10).error().text(),
            path("none") + ": no such file. Check the name; relative names begin where the command runs.");
  EXPECT_EQ(read_file(directory_.string(), in_, 10).error().text(),
            directory_.string() + ": is a directory. Name a file in it.");
}

TEST_F(Files, FileOfExactlyTheLimitIsReadAndALongerOneIsNot) {
  std::ofstream(path("f")) << "12345678";
  EXPECT_EQ(read_file(path("f"), in_, 8).value(), "12345678");
  EXPECT_FALSE(read_file(path("f"), in_, 7).has_value());
  std::ofstream(path("long")) << std::string(100'000, 'y');
  EXPECT_EQ(read_file(path("long"), in_, 200'000).value(), std::string(100'000, 'y'));
  EXPECT_FALSE(read_file("/dev/zero", in_, 50'000).has_value());
}

TEST_F(Files, FileWhoseSizeIsNotKnownIsReadWhole) {
  EXPECT_TRUE(read_file("/proc/self/status", in_, 100'000).value().starts_with("Name:"));
}

TEST_F(Files, FileOfItsOwnerAloneIsToldFromOneThatOthersMayRead) {
  std::ofstream(path("k")) << "secret";
  for (const auto& [mode, is_readable] : {std::pair(0600, false), {0640, true}, {0604, true}, {0622, false}}) {
    ASSERT_EQ(::chmod(path("k").c_str(), static_cast<mode_t>(mode)), 0);
    EXPECT_EQ(is_readable_by_others(path("k")), is_readable) << mode;
  }
  EXPECT_FALSE(is_readable_by_others(path("none")));
  EXPECT_FALSE(is_readable_by_others("/dev/null"));
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
