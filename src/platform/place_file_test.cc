#include "platform/place_file.h"

#include <gtest/gtest.h>

#include <unistd.h>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace jeton::platform {
namespace {

class Places : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "places-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    const std::string command = "python3 tests/places/make_places.py " + file();
    ASSERT_EQ(std::system(command.c_str()), 0);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string file() const { return (folder_ / "places.mmdb").string(); }

  std::filesystem::path folder_;
};

TEST_F(Places, AnAddressHasTheCityAndCountryThatTheFileSays) {
  const auto places = PlaceFile::open(file());
  ASSERT_TRUE(places.has_value()) << places.error().text();
  EXPECT_EQ((*places)->place_of("192.0.2.7"), "Utrecht, NL");
  EXPECT_EQ((*places)->place_of("203.0.113.9"), "BR");
  EXPECT_EQ((*places)->place_of("2001:db8::1"), "Zürich");
  for (const char* unknown : {"198.51.100.1", "::1", "127.0.0.1", "", "nowhere", "localhost", "192.0.2.7 "})
    EXPECT_EQ((*places)->place_of(unknown), "") << unknown;
}

TEST_F(Places, WhatIsNoSuchFileIsNamed) {
  std::ofstream(folder_ / "text") << "hello";
  for (const std::string& path : {(folder_ / "absent").string(), (folder_ / "text").string()}) {
    const auto places = PlaceFile::open(path);
    ASSERT_FALSE(places.has_value());
    EXPECT_NE(places.error().text().find(path), std::string::npos);
  }
}

TEST_F(Places, ADamagedFileGivesNoPlaceAndNoCrash) {
  std::filesystem::resize_file(file(), std::filesystem::file_size(file()) / 2);
  const auto places = PlaceFile::open(file());
  if (places.has_value()) {
    EXPECT_EQ((*places)->place_of("192.0.2.7"), "");
  }
}

}  // namespace
}  // namespace jeton::platform
