// A request head is read the same however its bytes arrive, and what is taken holds nothing that could be read
// otherwise.
// Parts: http/request_head http/head_view http/message
#include "target.h"

#include "http/request_head.h"

#include <algorithm>

namespace jeton::http {
namespace {

std::expected<std::size_t, Refusal> arriving_in(std::string_view bytes, std::size_t step) {
  std::size_t scanned = 0;
  for (std::size_t size = 0; size < bytes.size();) {
    size = std::min(size + step, bytes.size());
    const auto end = find_head_end(bytes.substr(0, size), scanned);
    if (!end || *end != 0) return end;
  }
  return 0;
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

void check_head(const RequestHead& head) {
  const Request& request = head.request;
  JETON_PROPERTY(request.target.starts_with('/') || request.target == "*");
  JETON_PROPERTY(std::ranges::none_of(request.target, [](char c) { return is_control(c) || c == ' '; }));
  JETON_PROPERTY(!request.path.contains("//") && !request.path.contains("/../") && !request.path.contains("/./"));
  JETON_PROPERTY(!request.path.contains('%') && !request.path.contains('?') && !request.path.contains('\\'));
  JETON_PROPERTY(!request.path.ends_with("/..") && !request.path.ends_with("/."));
  JETON_PROPERTY(request.headers.all("Host").size() <= 1);
  JETON_PROPERTY(head.http_1_0 || request.headers.all("Host").size() == 1);
  const auto lengths = request.headers.all("Content-Length").size(),
             codings = request.headers.all("Transfer-Encoding").size();
  JETON_PROPERTY(lengths + codings <= 1);
  JETON_PROPERTY(head.framing != BodyFraming::counted || lengths == 1);
  JETON_PROPERTY(head.framing == BodyFraming::counted || head.body_bytes == 0);
  JETON_PROPERTY((head.framing == BodyFraming::chunked) == (codings == 1));
  JETON_PROPERTY(request.headers.fields().size() <= header_fields_max);
  for (const auto& [name, value] : request.headers.fields()) {
    JETON_PROPERTY(is_field_name(name) && is_field_value(value));
    JETON_PROPERTY(value.empty() || (value.front() != ' ' && value.back() != ' '));
  }
}

}  // namespace

JETON_FUZZ_TARGET(http_request) {
  if (input.size() > 16 * 1024) return;
  const auto whole = arriving_in(input, input.size() + 1);
  for (const std::size_t step : {1u, 2u, 7u}) {
    const auto piecewise = arriving_in(input, step);
    JETON_PROPERTY(piecewise.has_value() == whole.has_value());
    if (whole)
      JETON_PROPERTY(*piecewise == *whole);
    else
      JETON_PROPERTY(piecewise.error().status == whole.error().status);
  }
  if (!whole || *whole == 0) return;
  JETON_PROPERTY(*whole <= input.size() && input.substr(0, *whole).ends_with("\r\n\r\n"));
  const auto head = parse_request_head(input.substr(0, *whole));
  if (head)
    check_head(*head);
  else
    JETON_PROPERTY(head.error().status >= 400 && head.error().status < 600);
}
}  // namespace jeton::http
