// WebSocketFrames: where a stream of WebSocket frames (RFC 6455, section 5.2) stands that goes by: only between two of
// them can one of ours be put, without which the peer could not tell it from what is under way. Reads headers and
// counts; payloads are not looked at. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace jeton::gateway {

class WebSocketFrames {
 public:
  // What has gone by, in any pieces.
  void note(std::string_view bytes) noexcept;
  // A frame may follow: the last one is whole, it was no Close, and all so far were frames at all.
  bool may_follow() const noexcept { return have_ == 0 && left_ == 0 && !closed_ && !malformed_; }

 private:
  std::size_t header_bytes() const noexcept;  // as far as is known from what is here
  void begin_payload() noexcept;

  std::array<unsigned char, 14> header_{};
  std::size_t have_ = 0;    // of the header
  std::uint64_t left_ = 0;  // of the payload
  bool closed_ = false, malformed_ = false;
};

// 1008 of section 7.4.1: what the peer does, or is, is not allowed.
inline constexpr std::uint16_t policy_violation = 1008;
// As a server sends it; `reason`: at most 123 bytes of UTF-8.
std::string close_frame(std::uint16_t code, std::string_view reason);

}  // namespace jeton::gateway
