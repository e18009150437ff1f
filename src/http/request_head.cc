#include "http/request_head.h"

#include <string>

namespace jeton::http {

RequestHead request_head_of(const HeadView& view) {
  RequestHead head;
  head.request.method = view.method;
  head.request.target = view.target;
  head.request.path = view.path;
  head.request.query = view.query;
  head.request.headers.reserve(view.fields().size());
  for (const auto& [name, value] : view.fields()) head.request.headers.add(std::string(name), std::string(value));
  head.framing = view.framing;
  head.body_bytes = view.body_bytes;
  head.http_1_0 = view.http_1_0;
  head.keep_alive = view.keep_alive;
  head.expects_continue = view.expects_continue;
  if (view.method == Method::other) head.other_method = view.method_name;
  return head;
}

std::expected<RequestHead, Refusal> parse_request_head(std::string_view head, PathReading paths) {
  HeadView view;
  if (const auto refused = read_head_view(head, view, paths)) return std::unexpected(*refused);
  return request_head_of(view);
}

}  // namespace jeton::http
