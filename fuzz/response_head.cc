// An upstream's answer is read the same however its bytes arrive; what is taken has one end, and what of it goes to a
// client holds nothing that could be read otherwise.
// Parts: http/response_head http/head_view
#include "target.h"

#include "http/response_head.h"

#include <algorithm>

namespace jeton::http {
namespace {

void check_answer(const ResponseHead& head, bool to_head) {
  using Framing = ResponseHead::Framing;
  JETON_PROPERTY(head.response.status >= 100 && head.response.status <= 599);
  const auto& headers = head.response.headers;
  const auto lengths = headers.all("Content-Length").size(), codings = headers.all("Transfer-Encoding").size();
  JETON_PROPERTY(lengths + codings <= 1);
  const bool bodiless = to_head || head.is_interim() || head.response.status == 204 || head.response.status == 304;
  JETON_PROPERTY(!bodiless || head.framing == Framing::none);
  JETON_PROPERTY((head.framing == Framing::chunked) == (!bodiless && codings == 1));
  JETON_PROPERTY(head.framing != Framing::counted || (lengths == 1 && head.body_bytes > 0));
  JETON_PROPERTY(head.framing == Framing::counted || head.body_bytes == 0);
  JETON_PROPERTY(head.framing != Framing::until_close || !head.keep_alive);
  JETON_PROPERTY(headers.fields().size() <= header_fields_max);
  for (const auto& [name, value] : headers.fields()) JETON_PROPERTY(is_field_name(name) && is_field_value(value));
}

}  // namespace

JETON_FUZZ_TARGET(response_head) {
  if (input.size() > 16 * 1024) return;
  std::size_t scanned = 0;
  const auto end = find_head_end(input, scanned);
  if (!end || *end == 0) return;
  for (const bool to_head : {false, true}) {
    const auto head = parse_response_head(input.substr(0, *end), to_head);
    if (head) check_answer(*head, to_head);
  }
}
}  // namespace jeton::http
