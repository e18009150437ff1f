#include "platform/log.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <thread>
#include <vector>

namespace jeton::platform {
namespace {

std::string json(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

class Log : public testing::Test {
 protected:
  Log() {
    set_log_sink([this](std::string_view line) { lines_.emplace_back(line); });
  }
  ~Log() override {
    set_log_sink({});
    set_log_level(LogLevel::info);
  }
  std::vector<std::string> lines_;
};

TEST_F(Log, LineIsOneJsonObjectWithItsFields) {
  log_info("signed in", {{"user", "u1"},
                         {"count", 3},
                         {"big", std::numeric_limits<std::uint64_t>::max()},
                         {"ratio", 0.5},
                         {"good", true},
                         {"text", std::string("t")}});
  ASSERT_EQ(lines_.size(), 1U);
  const std::string& line = lines_.front();
  EXPECT_TRUE(line.starts_with(R"({"time":"2)")) << line;
  EXPECT_TRUE(line.ends_with(
      R"(Z","level":"info","event":"signed in","user":"u1","count":3,"big":18446744073709551615,)"
      R"("ratio":0.5,"good":true,"text":"t"})"))
      << line;
  EXPECT_EQ(line.find("T"), 19U) << line;  // {"time":"2026-11-23T…
}

TEST_F(Log, LinesBelowTheLevelAreNotWritten) {
  log_debug("a");
  set_log_level(LogLevel::warning);
  log_info("b");
  log_warning("c");
  ASSERT_EQ(lines_.size(), 1U);
  EXPECT_NE(lines_.front().find(R"("level":"warning","event":"c")"), std::string::npos);
}

TEST_F(Log, NumberThatJsonLacksIsNull) {
  log_info("a", {{"x", std::numeric_limits<double>::infinity()}});
  EXPECT_TRUE(lines_.front().ends_with(R"("x":null})"));
}

TEST_F(Log, HostileTextCannotForgeALineOrAField) {
  log_info("login", {{"agent", "x\"}\n{\"level\":\"error\",\"event\":\"forged\r\n\x1b[2J"}});
  ASSERT_EQ(lines_.size(), 1U);
  EXPECT_EQ(lines_.front().find_first_of("\r\n\x1b"), std::string::npos);
  EXPECT_TRUE(
      lines_.front().ends_with(R"("agent":"x\"}\u000a{\"level\":\"error\",\"event\":\"forged\u000d\u000a\u001b[2J"})"))
      << lines_.front();
}

TEST_F(Log, LongTextIsCut) {
  log_info("a", {{"x", std::string(3 * log_text_bytes_max, 'y')}});
  EXPECT_LT(lines_.front().size(), log_text_bytes_max + 200);
  EXPECT_TRUE(lines_.front().ends_with("y…\"}"));
}

TEST_F(Log, LinesOfManyThreadsDoNotMix) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      for (int n = 0; n < 250; ++n) log_info("n", {{"x", std::string(50, 'x')}});
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(lines_.size(), 1000U);
  for (const std::string& line : lines_) EXPECT_TRUE(line.starts_with("{\"time\"") && line.ends_with("x\"}"));
}

TEST(JsonString, PlainTextIsKeptAsItIs) { EXPECT_EQ(json("Zoë said 你好 🙂"), "\"Zoë said 你好 🙂\""); }

TEST(JsonString, ControlsAndInvisibleCharactersAreEscaped) {
  EXPECT_EQ(json(std::string_view("a\0b", 3)), R"("a\u0000b")");
  EXPECT_EQ(json("\t\n\x7f"), R"("\u0009\u000a\u007f")");
  EXPECT_EQ(json("\xc2\x80\xc2\x85\xc2\x9b\xc2\x9f"), R"("\u0080\u0085\u009b\u009f")");  // C1
  EXPECT_EQ(json("\u202a\u202e\u2066\u2069\u200e\u200f\u061c"), R"("\u202a\u202e\u2066\u2069\u200e\u200f\u061c")");
  EXPECT_EQ(json("\u2028\u2029\ufeff\u200b"), R"("\u2028\u2029\ufeff\u200b")");
  EXPECT_EQ(json("\U000e0041"), R"("\udb40\udc41")");
  EXPECT_EQ(json("\"\\/"), R"("\"\\/")");
}

TEST(JsonString, BytesThatAreNotUtf8AreReplaced) {
  EXPECT_EQ(json("a\xff"), R"("a\ufffd")");
  EXPECT_EQ(json("\xc0\xaf"), R"("\ufffd\ufffd")");            // overlong
  EXPECT_EQ(json("\xed\xa0\x80"), R"("\ufffd\ufffd\ufffd")");  // surrogate
  EXPECT_EQ(json("\xf4\x90\x80\x80"), R"("\ufffd\ufffd\ufffd\ufffd")");
  EXPECT_EQ(json("\xe2\x80"), R"("\ufffd\ufffd")");  // cut off
}

TEST(LogLevel, NamesAreRead) {
  EXPECT_EQ(log_level_named("debug"), LogLevel::debug);
  EXPECT_EQ(log_level_named("error"), LogLevel::error);
  EXPECT_EQ(log_level_named("Info"), std::nullopt);
}

}  // namespace
}  // namespace jeton::platform
