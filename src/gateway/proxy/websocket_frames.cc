#include "gateway/proxy/websocket_frames.h"

#include <algorithm>

namespace jeton::gateway {
namespace {

constexpr unsigned char final_bit = 0x80, mask_bit = 0x80, opcode_bits = 0x0f, length_bits = 0x7f;
constexpr unsigned char close_opcode = 0x8;
constexpr std::size_t mask_bytes = 4;
constexpr std::size_t control_payload_max = 125;

}  // namespace

std::size_t WebSocketFrames::header_bytes() const noexcept {
  if (have_ < 2) return 2;
  const unsigned char length = header_[1] & length_bits;
  const std::size_t more = length == 127 ? 8U : length == 126 ? 2U : 0U;
  return 2 + more + ((header_[1] & mask_bit) != 0 ? mask_bytes : 0);
}

void WebSocketFrames::begin_payload() noexcept {
  const unsigned char opcode = header_[0] & opcode_bits;
  const bool is_control = opcode >= close_opcode;
  left_ = header_[1] & length_bits;
  if (is_control && (left_ > control_payload_max || (header_[0] & final_bit) == 0)) malformed_ = true;
  if (opcode > 0xA || (opcode > 0x2 && !is_control)) malformed_ = true;
  if (left_ >= 126) {
    const std::size_t bytes = left_ == 127 ? 8 : 2;
    left_ = 0;
    for (std::size_t i = 0; i < bytes; ++i) left_ = left_ << 8 | header_[2 + i];
    if (left_ >> 63 != 0) malformed_ = true;
  }
  if (opcode == close_opcode) closed_ = true;
  have_ = 0;
}

void WebSocketFrames::note(std::string_view bytes) noexcept {
  while (!bytes.empty() && !malformed_) {
    if (left_ > 0) {
      const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
      left_ -= size;
      bytes.remove_prefix(size);
      continue;
    }
    header_[have_++] = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    if (have_ >= 2 && have_ == header_bytes()) begin_payload();
  }
}

std::string close_frame(std::uint16_t code, std::string_view reason) {
  reason = reason.substr(0, control_payload_max - 2);
  std::string frame;
  frame += static_cast<char>(final_bit | close_opcode);
  frame += static_cast<char>(2 + reason.size());
  frame += static_cast<char>(code >> 8);
  frame += static_cast<char>(code & 0xff);
  return frame.append(reason);
}

}  // namespace jeton::gateway
