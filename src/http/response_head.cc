#include "http/response_head.h"

#include <algorithm>
#include <optional>
#include <string>

namespace jeton::http {
namespace {

using Check = std::optional<std::string_view>;  // what is wrong

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

// HTTP-version SP status-code SP [ reason-phrase ]; some leave the last space out when they have no phrase.
Check read_status_line(std::string_view line, ResponseHead& head, bool& http_1_0) {
  if (line.size() < 12 || !line.starts_with("HTTP/1.") || (line[7] != '0' && line[7] != '1') || line[8] != ' ')
    return "malformed status line";
  http_1_0 = line[7] == '0';
  const std::string_view code = line.substr(9, 3);
  if (!std::all_of(code.begin(), code.end(), is_digit)) return "malformed status";
  if (line.size() > 12 && (line[12] != ' ' || !is_field_value(line.substr(13)))) return "malformed reason";
  head.response.status = (code[0] - '0') * 100 + (code[1] - '0') * 10 + (code[2] - '0');
  if (head.response.status < 100 || head.response.status > 599) return "status out of range";
  return std::nullopt;
}

Check read_length(std::string_view text, ResponseHead& head) {
  if (text.empty() || text.size() > 18 || !std::all_of(text.begin(), text.end(), is_digit))
    return "malformed Content-Length";
  for (const char digit : text) head.length = head.length * 10 + static_cast<std::uint64_t>(digit - '0');
  head.has_length = true;
  return std::nullopt;
}

Check read_framing(ResponseHead& head, bool http_1_0, bool to_head) {
  const auto codings = head.response.headers.all("Transfer-Encoding");
  const auto lengths = head.response.headers.all("Content-Length");
  if (!codings.empty() && !lengths.empty()) return "Content-Length and Transfer-Encoding together";
  if (lengths.size() > 1) return "more than one Content-Length";
  if (lengths.size() == 1) {
    if (Check wrong = read_length(lengths.front(), head)) return wrong;
  }
  if (codings.size() > 1 || (codings.size() == 1 && (http_1_0 || !same_field_name(codings.front(), "chunked"))))
    return "Transfer-Encoding other than chunked";
  const int status = head.response.status;
  if (status < 200 || status == 204) {
    // Neither may say that it has a body. One that does may send it too, so nothing can follow it.
    if (!codings.empty() || head.length != 0) head.keep_alive = false;
    head.has_length = false;
    return std::nullopt;
  }
  if (to_head || status == 304) return std::nullopt;
  if (!codings.empty()) {
    head.framing = ResponseHead::Framing::chunked;
  } else if (head.has_length) {
    head.framing = head.length == 0 ? ResponseHead::Framing::none : ResponseHead::Framing::counted;
    head.body_bytes = head.length;
  } else {
    head.framing = ResponseHead::Framing::until_close;
    head.keep_alive = false;
  }
  return std::nullopt;
}

}  // namespace

std::expected<ResponseHead, std::string_view> parse_response_head(std::string_view bytes, bool to_head) {
  ResponseHead head;
  bool http_1_0 = false;
  const std::size_t line_end = bytes.find("\r\n");
  if (line_end == std::string_view::npos || bytes.size() < line_end + 4)
    return std::unexpected(std::string_view("malformed status line"));
  if (const Check wrong = read_status_line(bytes.substr(0, line_end), head, http_1_0)) return std::unexpected(*wrong);
  HeadView view;
  if (const auto refused = read_field_lines(bytes.substr(line_end + 2, bytes.size() - line_end - 4), view))
    return std::unexpected(refused->error);
  bool close = false;
  bool keep_alive = !http_1_0;
  head.response.headers.reserve(view.fields().size());
  for (const auto& [name, value] : view.fields()) {
    head.response.headers.add(std::string(name), std::string(value));
    if (!same_field_name(name, "Connection")) continue;
    for_each_option(value, [&](std::string_view option) {
      close = close || same_field_name(option, "close");
      keep_alive = keep_alive || same_field_name(option, "keep-alive");
    });
  }
  head.keep_alive = keep_alive && !close;
  if (const Check wrong = read_framing(head, http_1_0, to_head)) return std::unexpected(*wrong);
  return head;
}

}  // namespace jeton::http
