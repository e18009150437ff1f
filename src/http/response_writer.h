// head_of: the status line and header fields of an answer, ready to be sent. Framing is the connection's own affair:
// fields named Content-Length, Transfer-Encoding, Connection or X-Request-Id that a handler set are left out.
#pragma once

#include "http/message.h"

#include <string>
#include <string_view>

namespace jeton::http {

// Whether every field can be sent as it is. Control characters in a name or value would split the answer in two.
bool is_sendable(const Response& response) noexcept;

// A status that never has a body or a Content-Length: 1xx, 204, 304.
bool is_bodiless(int status) noexcept;

struct AnswerFraming {
  bool keep_alive = true;
  bool http_1_0 = false;  // the peer's version: it must be told when the connection stays open
  bool streamed = false;  // the length is not known: chunks, or to HTTP/1.0 until the connection closes
  std::string_view request_id{};
};
std::string head_of(const Response& response, const AnswerFraming& framing);

std::string_view reason_of(int status) noexcept;

// `{"error":"…"}` from static text that needs no escaping.
Response error_response(int status, std::string_view error);

}  // namespace jeton::http
