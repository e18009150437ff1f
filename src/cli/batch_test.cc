#include "cli/batch.h"

#include <gtest/gtest.h>

#include <sstream>

namespace jeton::cli {
namespace {

constexpr const char* bad = "{\"ok\":false,\"error\":\"bad_input\"}\n";

struct Answered {
  std::string out;
  int exit_code;
  int asked;  // how many lines reached the command
};

// Answers "ok" for every object that holds "good".
Answered answers_to(const std::string& input) {
  std::istringstream in{input};
  std::ostringstream out, err;
  Console console{.in = in, .out = out, .err = err};
  int asked = 0;
  run_batch(console, [&](const Value& line) {
    ++asked;
    return line.find("good") != nullptr ? accepted("line", line.to_json()) : refused(Error{Errc::expired, "exp"});
  });
  EXPECT_EQ(err.str(), "");
  return {out.str(), console.exit_code, asked};
}

TEST(Batch, EachLineIsAnsweredInOrder) {
  const Answered result = answers_to("{\"good\":1}\n{}\n{\"good\":2}\n");
  EXPECT_EQ(result.out,
            "{\"ok\":true,\"line\":{\"good\":1}}\n{\"ok\":false,\"error\":\"expired\",\"claim\":\"exp\"}\n"
            "{\"ok\":true,\"line\":{\"good\":2}}\n");
  EXPECT_EQ(result.exit_code, exit_bad);
}

TEST(Batch, AllGoodExitsZeroAndNoInputIsAllGood) {
  EXPECT_EQ(answers_to("{\"good\":1}").exit_code, exit_good);
  EXPECT_EQ(answers_to("").exit_code, exit_good);
  EXPECT_EQ(answers_to("").out, "");
}

TEST(Batch, UnreadableLinesAreBadInputAndNothingElseIsLost) {
  for (const std::string line : {"", " ", "null", "[]", "3", "\"x\"", "{", "{\"good\":1}x", "{\"good\":1,\"good\":1}",
                                 "{\"good\":01}", "\xef\xbb\xbf{}", "{\"a\":\"\xff\"}", "{\"a\":1e400}", "nonsense"}) {
    const Answered result = answers_to(line + "\n{\"good\":1}\n");
    EXPECT_EQ(result.out, std::string(bad) + "{\"ok\":true,\"line\":{\"good\":1}}\n") << line;
    EXPECT_EQ(result.asked, 1) << line;
  }
}

TEST(Batch, NulBytesAreBadInput) {
  EXPECT_EQ(answers_to(std::string("\0\n", 2)).out, bad);
  EXPECT_EQ(answers_to(std::string("{}\0\n", 4)).out, bad);
}

TEST(Batch, CarriageReturnBeforeTheLineFeedIsWhiteSpace) {
  EXPECT_EQ(answers_to("{\"good\":1}\r\n").out, "{\"ok\":true,\"line\":{\"good\":1}}\n");
}

TEST(Batch, DeepNestingIsBadInputAndNoCrash) {
  const std::string deep(1'000'000, '[');
  EXPECT_EQ(answers_to("{\"a\":" + deep + "\n{\"good\":1}\n").out,
            std::string(bad) + "{\"ok\":true,\"line\":{\"good\":1}}\n");
}

TEST(Batch, LineOfFourMebibytesIsReadAndALongerOneIsBadInput) {
  const std::string frame = "{\"good\":\"\"}";
  const std::string longest = "{\"good\":\"" + std::string(batch_line_bytes_max - frame.size(), 'x') + "\"}";
  ASSERT_EQ(longest.size(), batch_line_bytes_max);
  EXPECT_EQ(answers_to(longest + "\n").exit_code, exit_good);
  EXPECT_EQ(answers_to(longest + " \n{\"good\":1}\n").out, std::string(bad) + "{\"ok\":true,\"line\":{\"good\":1}}\n");
}

TEST(Batch, OutputThatCannotBeWrittenEndsItWithFailure) {
  std::istringstream in{"{\"good\":1}\n{\"good\":2}\n"};
  std::ostringstream out, err;
  out.setstate(std::ios::badbit);
  Console console{.in = in, .out = out, .err = err};
  int asked = 0;
  run_batch(console, [&](const Value&) {
    ++asked;
    return accepted("a", "1");
  });
  EXPECT_EQ(console.exit_code, exit_bad);
  EXPECT_EQ(asked, 1);
}

TEST(Batch, AnswerIsOneLineWhateverWhiteSpaceTheJsonHolds) {
  EXPECT_EQ(accepted("claims", "{\"a\":1,\r\n \"b\":\"x\\n\"}").json, R"({"ok":true,"claims":{"a":1,   "b":"x\n"}})");
}

TEST(Batch, RefusalNamesTheClaimOnlyWhereThereIsOne) {
  EXPECT_EQ(refused(Error{Errc::bad_signature}).json, R"({"ok":false,"error":"bad_signature"})");
  EXPECT_EQ(refused(Error{Errc::wrong_audience, "aud", "api"}).json,
            R"({"ok":false,"error":"wrong_audience","claim":"aud"})");
}

TEST(RequestReader, AbsentMembersAreNoFault) {
  const Value line = Value::object();
  RequestReader reader{line, {"a"}};
  EXPECT_FALSE(reader.text("a").has_value());
  EXPECT_FALSE(reader.integer("a").has_value());
  EXPECT_FALSE(reader.texts("a").has_value());
  EXPECT_FALSE(reader.object("a").has_value());
  EXPECT_TRUE(reader.good());
}

TEST(RequestReader, UnknownMembersAreAFault) {
  const Value line = Value::parse(R"({"a":1,"b":2})").value();
  EXPECT_FALSE((RequestReader{line, {"a"}}.good()));
  EXPECT_TRUE((RequestReader{line, {"a", "b"}}.good()));
}

TEST(RequestReader, TypesAreStrict) {
  const auto is_good = [](std::string_view json, auto read) {
    const Value line = Value::parse(json).value();
    RequestReader reader{line, {"a"}};
    read(reader);
    return reader.good();
  };
  const auto text = [](RequestReader& r) { (void)r.text("a"); };
  const auto integer = [](RequestReader& r) { (void)r.integer("a"); };
  const auto texts = [](RequestReader& r) { (void)r.texts("a"); };
  const auto either = [](RequestReader& r) { (void)r.text_or_texts("a"); };
  const auto object = [](RequestReader& r) { (void)r.object("a"); };
  EXPECT_TRUE(is_good(R"({"a":"x"})", text));
  EXPECT_FALSE(is_good(R"({"a":1})", text));
  EXPECT_FALSE(is_good(R"({"a":null})", text));
  EXPECT_TRUE(is_good(R"({"a":1})", integer));
  EXPECT_FALSE(is_good(R"({"a":1.0})", integer));
  EXPECT_FALSE(is_good(R"({"a":"1"})", integer));
  EXPECT_TRUE(is_good(R"({"a":[]})", texts));
  EXPECT_FALSE(is_good(R"({"a":"x"})", texts));
  EXPECT_FALSE(is_good(R"({"a":["x",1]})", texts));
  EXPECT_TRUE(is_good(R"({"a":"x"})", either));
  EXPECT_TRUE(is_good(R"({"a":["x"]})", either));
  EXPECT_FALSE(is_good(R"({"a":{}})", either));
  EXPECT_TRUE(is_good(R"({"a":{}})", object));
  EXPECT_FALSE(is_good(R"({"a":[]})", object));
  EXPECT_FALSE(is_good(R"({"a":"{}"})", object));
}

}  // namespace
}  // namespace jeton::cli
