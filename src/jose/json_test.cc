#include "jose/json.h"

#include <jeton/value.h>

#include <gtest/gtest.h>

#include <limits>
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

// Nothing else can stand where a bracket, a colon, a comma or a quote does.
TEST(Json, EveryOtherByteInPlaceOfAStructuralOneIsRefused) {
  const std::string good = R"({"a":["b",{"c":"d"},"e"],"f":"g"})";
  ASSERT_TRUE(accepts(good));
  for (std::size_t at = 0; at < good.size(); ++at) {
    if (!std::string_view(R"({}[]:,")").contains(good[at])) continue;
    for (int byte = 0; byte < 256; ++byte) {
      std::string wrong = good;
      wrong[at] = static_cast<char>(byte);
      if (wrong == good) continue;
      EXPECT_FALSE(accepts(wrong)) << at << " " << byte;
    }
  }
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

// Whatever stands at the border of two blocks, and wherever the document ends.
TEST(Json, StringsAreReadTheSameAtEveryPlace) {
  for (const std::string_view middle :
       {"", "x", "\\n", "\\u0041", "\xc3\xa9", "\xf0\x9f\x98\x80", "\x7f", "\\\\", "\\\""}) {
    for (std::size_t before = 0; before < 140; ++before) {
      const std::string spelled = std::string(before, 'a') + std::string(middle) + std::string(before % 67, 'b');
      JsonBuffer buffer{.text = "[\"" + spelled + "\"]"};
      ASSERT_TRUE(parse_json(buffer)) << before << middle;
      std::string meant = std::string(before, 'a');
      if (middle == "\\n")
        meant += '\n';
      else if (middle == "\\u0041")
        meant += 'A';
      else if (middle == "\\\\" || middle == "\\\"")
        meant += middle[1];
      else
        meant += middle;
      meant += std::string(before % 67, 'b');
      const JsonView text = *JsonView(buffer).children().begin();
      EXPECT_EQ(text.string(), meant) << before << middle;
      EXPECT_EQ(text.has_control_characters(), middle == "\\n" || middle == "\x7f");
      for (const std::string_view wrong : {"\x1f", "\\x", "\\u12g4", "\xc3", "\xed\xa0\x80", "\xff"}) {
        EXPECT_FALSE(accepts("[\"" + std::string(before, 'a') + std::string(wrong) + "bbb\"]")) << before;
        EXPECT_FALSE(accepts("[\"" + std::string(before, 'a') + std::string(wrong)));
      }
      EXPECT_FALSE(accepts("[\"" + spelled));
      EXPECT_FALSE(accepts("[\"" + spelled + "\""));
    }
  }
}

// What is unescaped lies behind the document and is not read as part of it.
TEST(Json, ADocumentEndsWhereItEndsWhateverWasUnescaped) {
  EXPECT_TRUE(accepts(R"(["\u007d\u005d","a"])"));
  EXPECT_FALSE(accepts(R"(["\u005d\u005d\u005d")"));
  EXPECT_FALSE(accepts(R"({"a":"\u007d\u007d")"));
  EXPECT_FALSE(accepts(R"(["\u0022\u0022","a)"));
  EXPECT_FALSE(accepts(R"(["1\u0031",1)"));
}

TEST(Json, ManyNamesOfOneObjectAreToldApartAndEachOnlyOnce) {
  std::string members;
  for (int i = 0; i < 300; ++i)
    members += "\"" + std::string(i % 3 == 0 ? "" : "name-") + std::to_string(i) + "\":" + std::to_string(i) + ",";
  EXPECT_TRUE(accepts("{" + members + "\"last\":0}"));
  for (int i = 0; i < 300; i += 7) {
    const std::string name = std::string(i % 3 == 0 ? "" : "name-") + std::to_string(i);
    EXPECT_FALSE(accepts("{" + members + "\"" + name + "\":0}")) << name;
    EXPECT_FALSE(accepts("{" + members + "\"\\u00" + (i % 3 == 0 ? "3" : "6") + name.substr(0, 0) +
                         (i % 3 == 0 ? name.substr(0, 1) : "e") + name.substr(1) + "\":0}"))
        << name;
  }
}

TEST(Json, NumbersAreReadToTheLastDigit) {
  for (const std::int64_t number : {std::int64_t{0}, std::int64_t{7}, std::int64_t{12345678}, std::int64_t{123456789},
                                    std::int64_t{1234567890123456}, std::int64_t{12345678901234567},
                                    std::int64_t{999999999999999999}, std::int64_t{1000000000000000000},
                                    std::numeric_limits<std::int64_t>::max()}) {
    for (const std::string& spelled : {std::to_string(number), std::to_string(-number)}) {
      for (const std::string_view behind : {"", " ", "         "}) {
        JsonBuffer buffer{.text = spelled + std::string(behind)};
        ASSERT_TRUE(parse_json(buffer)) << spelled;
        ASSERT_TRUE(JsonView(buffer).is(JsonType::integer)) << spelled;
        EXPECT_EQ(std::to_string(JsonView(buffer).integer()), spelled == "-0" ? "0" : spelled);
      }
      EXPECT_FALSE(accepts(spelled + "a"));
      EXPECT_FALSE(accepts(spelled + "/        "));
      EXPECT_FALSE(accepts(spelled + ":        "));
    }
  }
  EXPECT_FALSE(accepts("00"));
  EXPECT_FALSE(accepts("01234567890"));
  EXPECT_FALSE(accepts("-"));
}

TEST(Json, TheKeyOfANameIsTheSameWhereverItIsFormed) {
  std::string name;
  for (std::size_t size = 0; size < 300; ++size, name += static_cast<char>('a' + size % 26)) {
    EXPECT_EQ(name_key(name), name_key_bytewise(name)) << size;
    JsonBuffer buffer{.text = "{\"" + name + "\":1}"};
    ASSERT_TRUE(parse_json(buffer));
    EXPECT_EQ((*JsonView(buffer).children().begin()).key(), name_key(name));
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

TEST(Value, ACopyIsOfItsOwnAndOneOfItselfChangesNothing) {
  Value from = Value::object();
  from.set("a", Value(Value::Array{1, "two", 3.5}));
  Value copy(false);
  copy = from;
  EXPECT_EQ(copy.to_json(), R"({"a":[1,"two",3.5]})");
  copy.set("a", nullptr);
  EXPECT_EQ(from.to_json(), R"({"a":[1,"two",3.5]})");
  const Value& itself = from;
  from = itself;
  EXPECT_EQ(from.to_json(), R"({"a":[1,"two",3.5]})");
}

TEST(Value, SettingAMemberTwiceReplacesIt) {
  Value value = Value::object();
  value.set("a", 1).set("b", 2).set("a", 3);
  EXPECT_EQ(value.to_json(), R"({"a":3,"b":2})");
}

}  // namespace
}  // namespace jeton::jose
