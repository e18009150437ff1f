#include "gateway/proxy/websocket_frames.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace jeton::gateway {
namespace {

// As section 5.2 lays it out; `length_form`: 0 the shortest.
std::string frame(unsigned char first, std::size_t payload, bool masked = false) {
  std::string text(1, static_cast<char>(first));
  const auto mask = static_cast<unsigned char>(masked ? 0x80 : 0);
  if (payload < 126) {
    text += static_cast<char>(mask | payload);
  } else if (payload < 65'536) {
    text += static_cast<char>(mask | 126);
    text += static_cast<char>(payload >> 8);
    text += static_cast<char>(payload & 0xff);
  } else {
    text += static_cast<char>(mask | 127);
    for (int shift = 56; shift >= 0; shift -= 8) text += static_cast<char>(payload >> shift & 0xff);
  }
  if (masked) text += "mask";
  return text + std::string(payload, '\x88');  // looks like a Close to who loses count
}

TEST(WebSocketFrames, OnlyBetweenWholeFramesMayOneFollow) {
  for (const bool masked : {false, true}) {
    const std::string stream = frame(0x81, 0, masked) + frame(0x82, 125, masked) + frame(0x01, 126, masked) +
                               frame(0x89, 3, masked) + frame(0x80, 70'000, masked);
    std::vector<std::size_t> ends;
    std::size_t end = 0;
    for (const std::size_t size : {0, 125, 126, 3, 70'000}) ends.push_back(end += frame(0x81, size, masked).size());
    WebSocketFrames frames;
    EXPECT_TRUE(frames.may_follow());
    for (std::size_t i = 0; i < stream.size(); ++i) {  // byte by byte
      frames.note(stream.substr(i, 1));
      EXPECT_EQ(frames.may_follow(), std::ranges::find(ends, i + 1) != ends.end()) << i;
    }
    for (const std::size_t piece : {2UL, 3UL, 7UL, 130UL, 16'384UL}) {
      WebSocketFrames again;
      for (std::size_t at = 0; at < stream.size(); at += piece) again.note(stream.substr(at, piece));
      EXPECT_TRUE(again.may_follow()) << piece;
    }
  }
}

TEST(WebSocketFrames, AfterACloseNothingMayFollow) {
  WebSocketFrames frames;
  frames.note(close_frame(1000, "bye"));
  EXPECT_FALSE(frames.may_follow());
}

TEST(WebSocketFrames, WhatIsNoFrameIsNeverFollowed) {
  for (const std::string& bytes : {frame(0x83, 1), frame(0x8B, 1), frame(0x89, 126), frame(0x09, 1),
                                   std::string("\x82\x7f\xff\0\0\0\0\0\0\0", 10)}) {
    WebSocketFrames frames;
    frames.note(bytes);
    frames.note(frame(0x81, 0));
    EXPECT_FALSE(frames.may_follow());
  }
}

TEST(WebSocketFrames, CloseFrameIsThatOfRfc6455) {
  EXPECT_EQ(close_frame(1008, "expired"), std::string("\x88\x09\x03\xf0", 4) + "expired");
  const std::string longest = close_frame(1008, std::string(200, 'x'));
  EXPECT_EQ(longest.size(), 127U);
  EXPECT_EQ(static_cast<unsigned char>(longest[1]), 125);
}

}  // namespace
}  // namespace jeton::gateway
