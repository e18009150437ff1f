#include "jose/json.h"

#include <jeton/value.h>

#include <gtest/gtest.h>

#include <string>

namespace jeton::jose {
namespace {

bool accepts(std::string_view text, JsonLimits limits = {}) {
  JsonBuffer buffer{.text = std::string(text)};
  return parse_json(buffer, limits);
}

TEST(Json, ReadsEveryKindOfValue) {
  JsonBuffer buffer{
      .text = R"({"a":null,"b":true,"c":-12,"d":1.5e3,"e":"x\n\u00e9\ud83d\ude00","f":[1,[],{}],"g":{"h":false}})"};
  ASSERT_TRUE(parse_json(buffer));
  const JsonView root(buffer);
  ASSERT_EQ(root.size(), 7u);
  EXPECT_TRUE(root.find("a")->is(JsonType::null));
  EXPECT_TRUE(root.find("b")->boolean());
  EXPECT_EQ(root.find("c")->integer(), -12);
  EXPECT_EQ(root.find("d")->number(), 1500.0);
  EXPECT_EQ(root.find("e")->string(), "x\n\xc3\xa9\xf0\x9f\x98\x80");
  EXPECT_EQ(root.find("f")->size(), 3u);
  EXPECT_FALSE(root.find("g")->find("h")->boolean());
  EXPECT_FALSE(root.find("h"));
}

TEST(Json, AcceptsWhatRfc8259Allows) {
  for (const std::string_view text : {"{}",
                                      "[]",
                                      " { } ",
                                      "\t[\r\n1 , 2\n]",
                                      "0",
                                      "-0",
                                      "10.25",
                                      "1E5",
                                      "1e-5",
                                      "\"\"",
                                      "\"\\/\"",
                                      "true",
                                      "null",
                                      "{\"\":1}",
                                      "\"\\u0000\"",
                                      "[[[]]]",
                                      "9223372036854775807",
                                      "-9223372036854775808",
                                      "\"\xc2\x80\"",
                                      "\"\xf4\x8f\xbf\xbf\""}) {
    EXPECT_TRUE(accepts(text)) << text;
  }
}

TEST(Json, RefusesWhatIsNoJson) {
  for (const std::string_view text :
       {"",       " ",       "{",        "}",          "[",      "[1",      "[1,",           "[1,]",      "[,1]",
        "{,}",    "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}",  "{'a':1}", "[1 2]",         "01",        "-",
        "+1",     "1.",      ".5",       "1e",         "1e+",    "0x10",    "NaN",           "Infinity",  "-Infinity",
        "tru",    "nul",     "True",     "\"",         "\"a",    "\"\\",    "\"\\x\"",       "\"\\u12\"", "\"\\u12g4\"",
        "\"\t\"", "\"\n\"",  "[1]x",     "{}{}",       "{}/**/", "//x\n{}", "\xef\xbb\xbf{}"}) {
    EXPECT_FALSE(accepts(text)) << text;
  }
  EXPECT_FALSE(accepts(std::string_view("{}\0", 3)));
  EXPECT_FALSE(accepts(std::string_view("[1]\0", 4)));
  EXPECT_FALSE(accepts(std::string_view("\"a\0b\"", 5)));
}

TEST(Json, RefusesBadUtf8AndLoneSurrogates) {
  for (const std::string_view text :
       {"\"\xff\"", "\"\x80\"", "\"\xc0\x80\"", "\"\xc1\xbf\"", "\"\xe0\x80\x80\"", "\"\xed\xa0\x80\"",
        "\"\xf0\x80\x80\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xf5\x80\x80\x80\"", "\"\xc3\"", "\"\xe2\x82\"",
        "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "\"\\ud83dx\"", "\"\\n\xff\""}) {
    EXPECT_FALSE(accepts(text)) << text;
  }
}

TEST(Json, DuplicateNamesAreRefusedAtEveryLevelAfterUnescaping) {
  EXPECT_FALSE(accepts(R"({"a":1,"a":1})"));
  EXPECT_FALSE(accepts(R"({"sub":1,"su\u0062":1})"));
  EXPECT_FALSE(accepts(R"({"x":{"a":1,"b":2,"a":3}})"));
  EXPECT_FALSE(accepts(R"([{"\u0061":1,"a":3}])"));
  EXPECT_TRUE(accepts(R"({"a":{"a":{"a":1}},"b":[{"a":1},{"a":1}]})"));
  EXPECT_TRUE(accepts(R"({"a":1,"A":1})"));
}

TEST(Json, NamesWithNulAreRefused) {
  EXPECT_FALSE(accepts(R"({"sub\u0000x":1})"));
  EXPECT_TRUE(accepts(R"({"sub":"\u0000"})"));
}

TEST(Json, DepthIsBounded) {
  const auto nested = [](int depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(accepts(nested(16)));
  EXPECT_FALSE(accepts(nested(17)));
  EXPECT_FALSE(accepts(nested(100'000)));
  EXPECT_FALSE(accepts(std::string(100'000, '[')));
  EXPECT_TRUE(accepts(nested(3), {.depth_max = 3}));
}

TEST(Json, MembersOfTheWholeDocumentAreBounded) {
  const auto list = [](int count) {
    std::string text = "[0";
    for (int i = 1; i < count; ++i) text += ",0";
    return text + "]";
  };
  EXPECT_TRUE(accepts(list(512)));
  EXPECT_FALSE(accepts(list(513)));
  EXPECT_FALSE(accepts("[" + list(300) + "," + list(300) + "]"));
}

TEST(Json, NumbersOutOfRangeAreToldApart) {
  for (const std::string_view text :
       {"9223372036854775808", "-9223372036854775809", "99999999999999999999999", "1e400", "-1e400"}) {
    JsonBuffer buffer{.text = std::string(text)};
    ASSERT_TRUE(parse_json(buffer)) << text;
    EXPECT_TRUE(buffer.has_out_of_range_number) << text;
    EXPECT_TRUE(JsonView(buffer).is(JsonType::out_of_range)) << text;
    EXPECT_FALSE(Value::parse(text)) << text;
  }
}

TEST(Json, ABufferUsedAgainHoldsNothingOfTheLastDocument) {
  JsonBuffer buffer{.text = R"({"a":1e999,"b":"\n"})"};
  ASSERT_TRUE(parse_json(buffer));
  buffer.text = "{}";
  ASSERT_TRUE(parse_json(buffer));
  EXPECT_FALSE(buffer.has_out_of_range_number);
  EXPECT_EQ(JsonView(buffer).size(), 0u);
}

TEST(Value, WhatIsWrittenReadsBackTheSame) {
  Value value = Value::object();
  value.set("text", "quote \" slash \\ tab \t nul " + std::string(1, '\0') + " é 😀");
  value.set("integer", -42)
      .set("yes", true)
      .set("nothing", nullptr)
      .set("real", 0.1)
      .set("whole", 3.0)
      .set("big", 1e300);
  value.set("list", Value::Array{1, "two", Value::object()});
  const auto read = Value::parse(value.to_json());
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, value);
  EXPECT_EQ(read->to_json(), value.to_json());
}

TEST(Value, SettingAMemberTwiceReplacesIt) {
  Value value = Value::object();
  value.set("a", 1).set("b", 2).set("a", 3);
  EXPECT_EQ(value.to_json(), R"({"a":3,"b":2})");
}

}  // namespace
}  // namespace jeton::jose
