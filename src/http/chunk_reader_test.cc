#include "http/chunk_reader.h"

#include <gtest/gtest.h>

#include <string>

namespace jeton::http {
namespace {

struct Reading {
  int status = 0;  // of the refusal; 0: none
  bool complete = false;
  std::string body;
  std::size_t consumed = 0;

  friend bool operator==(const Reading&, const Reading&) = default;
};

Reading read(std::string_view bytes, std::size_t step, std::size_t body_bytes_max = 1000) {
  ChunkReader reader(body_bytes_max);
  Reading reading;
  while (reading.consumed < bytes.size() && !reader.complete()) {
    const auto taken = reader.take(bytes.substr(reading.consumed, step), reading.body);
    if (!taken) {
      reading.status = taken.error().status;
      return reading;
    }
    reading.consumed += *taken;
  }
  reading.complete = reader.complete();
  return reading;
}

Reading read(std::string_view bytes) {
  Reading whole = read(bytes, bytes.size());
  const Reading piecewise = read(bytes, 1);
  EXPECT_EQ(whole.status, piecewise.status) << bytes;
  EXPECT_EQ(whole.complete, piecewise.complete) << bytes;
  if (whole.complete) {
    EXPECT_EQ(whole, piecewise) << bytes;
  }
  return whole;
}

TEST(ChunkReader, BodyIsPutTogetherAndWhatFollowsIsLeft) {
  const auto reading = read("5\r\nhello\r\n1;a=b\r\n \r\nA\r\n0123456789\r\n0\r\n\r\nGET /");
  EXPECT_TRUE(reading.complete);
  EXPECT_EQ(reading.body, "hello 0123456789");
  EXPECT_EQ(reading.consumed, std::string_view("5\r\nhello\r\n1;a=b\r\n \r\nA\r\n0123456789\r\n0\r\n\r\n").size());
}

TEST(ChunkReader, TrailerFieldsAreCheckedAndDropped) {
  EXPECT_TRUE(read("0\r\nX: a\r\nY: b\r\n\r\n").complete);
  EXPECT_EQ(read("0\r\nX : a\r\n\r\n").status, 400);
  EXPECT_EQ(read("0\r\n X: a\r\n\r\n").status, 400);
  EXPECT_EQ(read("0\r\nX\r\n\r\n").status, 400);
  EXPECT_EQ(read("0\r\nX: a\n").status, 400);
  EXPECT_EQ(read("0\r\ncontent-length: 3\r\n").status, 400);
  EXPECT_EQ(read("0\r\nTransfer-Encoding: chunked\r\n").status, 400);
  EXPECT_EQ(read("0\r\nConnection: close\r\n").status, 400);
}

TEST(ChunkReader, SizeOfAnotherFormIsRefused) {
  for (const char* bytes : {"\r\n", "x\r\n", " 5\r\n", "5 \r\n", "+5\r\n", "0x5\r\n", "-1\r\n", "5\n", "5\rX", ";a\r\n",
                            "FFFFFFFFFFFFFFFFF\r\n", "000000001\r\n", "5;\x01\r\n", "5;a\n"}) {
    EXPECT_EQ(read(bytes).status, 400) << bytes;
  }
}

TEST(ChunkReader, ExtensionOfAnotherFormIsRefused) {
  for (const char* good : {"1;a", "1;a;b", "1;a=b;c=\"d;\\\"e\"", "1;a=\"\";b"})
    EXPECT_TRUE(read(std::string(good) + "\r\nx\r\n0\r\n\r\n").complete) << good;
  for (const char* bad : {"1;", "1;;a", "1;=b", "1;a=", "1;a b", "1; a", "1;a =b", "1;a=\"b", "1;a=\"b\"c", "1;a=b\"",
                          "1;\x7f", "1;a=\"\x01\""}) {
    EXPECT_EQ(read(std::string(bad) + "\r\nx\r\n0\r\n\r\n").status, 400) << bad;
  }
}

TEST(ChunkReader, DataThatDoesNotEndInCrLfIsRefused) {
  EXPECT_EQ(read("1\r\naX0\r\n\r\n").status, 400);
  EXPECT_EQ(read("1\r\na\n0\r\n\r\n").status, 400);
  EXPECT_EQ(read("1\r\na\rX0\r\n\r\n").status, 400);
  EXPECT_EQ(read("0\r\n\rX").status, 400);
}

TEST(ChunkReader, BodyLargerThanTheLimitIs413BeforeItsDataComes) {
  EXPECT_EQ(read("3e9\r\n", 5).status, 413);
  EXPECT_EQ(read("ffffffff\r\n", 10).status, 413);
  EXPECT_EQ(read("3\r\nabc\r\n2\r\n", 100, 4).status, 413);
  EXPECT_TRUE(read("3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n", 100, 4).complete);
}

TEST(ChunkReader, EndlessExtensionsAndTrailersAreRefused) {
  std::string extensions;
  for (int i = 0; i < 200; ++i) extensions += "1;" + std::string(40, 'x') + "\r\na\r\n";
  EXPECT_EQ(read(extensions, extensions.size()).status, 400);
  EXPECT_EQ(read("0\r\nX: " + std::string(5000, 'x'), 5100).status, 431);
}

}  // namespace
}  // namespace jeton::http
