#include "cli/line_reader.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

namespace jeton::cli {
namespace {

constexpr std::size_t small_line_bytes_max = 8;

// Every line of `input`; "<too long>" for one that is.
std::vector<std::string> lines_of(const std::string& input, std::size_t line_bytes_max = small_line_bytes_max) {
  std::istringstream in{input};
  LineReader reader{in, line_bytes_max};
  std::vector<std::string> lines;
  for (;;) {
    const auto got = reader.next();
    if (got == LineReader::Got::end) return lines;
    lines.push_back(got == LineReader::Got::line ? std::string(reader.line()) : "<too long>");
  }
}

using Lines = std::vector<std::string>;

TEST(LineReader, NoInputHasNoLine) { EXPECT_EQ(lines_of(""), Lines{}); }
TEST(LineReader, FinalLineWithoutLineFeedCounts) { EXPECT_EQ(lines_of("a\nb"), (Lines{"a", "b"})); }
TEST(LineReader, FinalLineFeedMakesNoFurtherLine) { EXPECT_EQ(lines_of("a\nb\n"), (Lines{"a", "b"})); }
TEST(LineReader, EmptyLinesAreLines) { EXPECT_EQ(lines_of("\n\na\n\n"), (Lines{"", "", "a", ""})); }
TEST(LineReader, NulAndCarriageReturnAreBytesLikeOthers) {
  EXPECT_EQ(lines_of(std::string("a\0b\r\nc", 6)), (Lines{std::string("a\0b\r", 4), "c"}));
}
TEST(LineReader, LineOfExactlyTheLimitIsRead) { EXPECT_EQ(lines_of("12345678\n1\n"), (Lines{"12345678", "1"})); }
TEST(LineReader, LongerLineIsReportedOnceAndTheStreamStaysInStep) {
  EXPECT_EQ(lines_of("123456789\nnext\n"), (Lines{"<too long>", "next"}));
  EXPECT_EQ(lines_of("123456789"), (Lines{"<too long>"}));
}
// Gives "a\nb" and then fails, as read(2) may.
class FailingInput : public std::streambuf {
 public:
  FailingInput() { setg(text_.data(), text_.data(), text_.data() + text_.size()); }

 protected:
  int_type underflow() override { throw std::ios_base::failure("read"); }

 private:
  std::string text_ = "a\nb";
};

TEST(LineReader, InputThatFailsIsNotItsEnd) {
  FailingInput source;
  std::istream in{&source};
  LineReader reader{in, small_line_bytes_max};
  EXPECT_EQ(reader.next(), LineReader::Got::line);
  EXPECT_EQ(reader.line(), "a");
  EXPECT_EQ(reader.next(), LineReader::Got::failed);
  EXPECT_EQ(reader.next(), LineReader::Got::failed);
}

TEST(LineReader, LinesAcrossChunksAreWhole) {
  const std::string longest(300'000, 'x');
  EXPECT_EQ(lines_of(longest + "\n" + longest + "y\nz\n", longest.size()), (Lines{longest, "<too long>", "z"}));
}

}  // namespace
}  // namespace jeton::cli
