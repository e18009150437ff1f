// ResponseHead: the status line and fields of an upstream's answer (RFC 9112), read as strictly as a request's head is
// and by the same reader of fields. An answer that two readers could end at different places would let whoever wrote it
// put words into the next client's mouth, so it is refused, whatever its author meant.
//
// Refused: bare LF and CR, folded lines, control characters, versions but 1.0 and 1.1, a status outside 100–599, more
// than one Content-Length, Content-Length beside Transfer-Encoding, any coding but exactly `chunked`, a coding in an
// answer of HTTP/1.0.
#pragma once

#include "http/head_view.h"
#include "http/message.h"

#include <cstdint>
#include <expected>
#include <string_view>

namespace jeton::http {

struct ResponseHead {
  // Where the body ends (RFC 9112, section 6.3).
  enum class Framing : std::uint8_t { none, counted, chunked, until_close };

  Response response;  // status and fields as received, without body
  Framing framing = Framing::none;
  std::uint64_t body_bytes = 0;  // when counted
  bool has_length = false;       // Content-Length was given; to HEAD it says what a GET would have got
  std::uint64_t length = 0;
  bool keep_alive = true;

  bool is_interim() const noexcept { return response.status < 200; }
};

// `head` is exactly the bytes that find_head_end counted; `to_head`: it answers a HEAD request. The error is static
// text that says what is wrong with it, for the log.
std::expected<ResponseHead, std::string_view> parse_response_head(std::string_view head, bool to_head);

}  // namespace jeton::http
