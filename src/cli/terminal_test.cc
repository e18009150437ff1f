#include "cli/terminal.h"

#include <gtest/gtest.h>

namespace jeton::cli {
namespace {

TEST(Terminal, ColourIsForTerminalsThatWantIt) {
  EXPECT_TRUE(terminal_takes_colour(true, nullptr, "xterm"));
  EXPECT_TRUE(terminal_takes_colour(true, "", "xterm"));
  EXPECT_FALSE(terminal_takes_colour(false, nullptr, "xterm"));
  EXPECT_FALSE(terminal_takes_colour(true, "1", "xterm"));
  EXPECT_FALSE(terminal_takes_colour(true, nullptr, "dumb"));
  EXPECT_FALSE(terminal_takes_colour(true, nullptr, nullptr));
}

TEST(Terminal, PaintLeavesNoTraceWithoutColour) {
  EXPECT_EQ(painted("refused", Tone::bad, false), "refused");
  EXPECT_EQ(painted("refused", Tone::bad, true), "\033[1;31mrefused\033[0m");
}

TEST(Terminal, ControlCharactersAreMadeVisible) {
  EXPECT_EQ(harmless("a\033[2Jb"), "a\\u001b[2Jb");
  EXPECT_EQ(harmless(std::string_view("\0\r\n\x7f", 4)), "\\u0000\\u000d\\u000a\\u007f");
  EXPECT_EQ(harmless("\xc2\x9b"
                     "31m"),
            "\\u009b31m");  // C1: one character that begins an escape sequence
  EXPECT_EQ(harmless("a\nb", true), "a\nb");
}

TEST(Terminal, TextThatReordersOrHidesItselfIsMadeVisible) {
  EXPECT_EQ(harmless("admin\u202egnp.exe"), "admin\\u202egnp.exe");
  EXPECT_EQ(harmless("a\u2066b\u200bc\ufeff"), "a\\u2066b\\u200bc\\ufeff");
  EXPECT_EQ(harmless("\U000e0041"), "\\udb40\\udc41");
}

TEST(Terminal, OrdinaryTextStaysAsItIs) { EXPECT_EQ(harmless("Zoë 李 🎵 ~!\"\\"), "Zoë 李 🎵 ~!\"\\"); }

TEST(Terminal, BytesThatAreNoCharactersAreShownAsBytes) {
  EXPECT_EQ(harmless("\xff"), "\\xff");
  EXPECT_EQ(harmless("\xc0\xaf"), "\\xc0\\xaf");           // overlong
  EXPECT_EQ(harmless("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // surrogate
  EXPECT_EQ(harmless("\xe2\x82"), "\\xe2\\x82");           // cut off
}

TEST(Terminal, ShorteningCountsCharactersNotBytes) {
  EXPECT_EQ(shortened("abcdef", 6), "abcdef");
  EXPECT_EQ(shortened("abcdefg", 6), "abcde…");
  EXPECT_EQ(shortened("ééééé", 3), "éé…");
  EXPECT_EQ(shortened("", 3), "");
}

TEST(Terminal, PrettyJsonIsTheSameJson) {
  const auto value = Value::parse(R"({"a":[1,{"b":"x\u001by"}],"e":[],"o":{}})").value();
  EXPECT_EQ(pretty_json(value),
            "{\n  \"a\": [\n    1,\n    {\n      \"b\": \"x\\u001by\"\n    }\n  ],\n  \"e\": [],\n  \"o\": {}\n}");
  EXPECT_EQ(Value::parse(pretty_json(value)).value(), value);
}

}  // namespace
}  // namespace jeton::cli
