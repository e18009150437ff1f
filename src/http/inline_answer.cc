#include "http/inline_answer.h"

#include "http/response_writer.h"
#include "platform/log.h"

#include <array>
#include <charconv>

namespace jeton::http {
namespace {

void append_number(std::string& out, std::size_t number) {
  std::array<char, 20> digits{};
  out.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr);
}

}  // namespace

void InlineAnswer::status(int status) {
  status_ = status;
  if (status == 200) {
    out_.append("HTTP/1.1 200 OK\r\n");
    return;
  }
  out_.append("HTTP/1.1 ");
  append_number(out_, static_cast<std::size_t>(status));
  out_.append(" ").append(reason_of(status)).append("\r\n");
}

void InlineAnswer::field(std::string_view name, std::string_view value) {
  if (!is_field_value(value)) broken_ = true;
  out_.append(name).append(": ", 2).append(value).append("\r\n", 2);
}

void InlineAnswer::end_head(std::size_t body_bytes) {
  head_ended_ = true;
  out_.append("X-Request-Id: ").append(framing_.request_id);
  if (!is_bodiless(status_)) {
    out_.append("\r\nContent-Length: ");
    append_number(out_, body_bytes);
  }
  if (!framing_.keep_alive)
    out_.append("\r\nConnection: close");
  else if (framing_.http_1_0)
    out_.append("\r\nConnection: keep-alive");
  out_.append("\r\n\r\n");
}

void InlineAnswer::body(std::string_view text) {
  end_head(text.size());
  if (framing_.with_body && !is_bodiless(status_)) out_.append(text);
}

void InlineAnswer::fail() {
  out_.resize(begin_);
  broken_ = head_ended_ = false;
  status(500);
  field("Content-Type", "application/json");
  field("Cache-Control", "no-store");
  body(R"({"error":"Internal error"})");
}

void InlineAnswer::finish() {
  if (broken_) {
    platform::log_error("handler made an answer that cannot be sent", {{"request", framing_.request_id}});
    fail();
  }
  if (!head_ended_) end_head(0);
}

}  // namespace jeton::http
