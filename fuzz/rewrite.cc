// A request that was taken, written anew for the upstream, is one request: our own strict reading takes it, sees the
// same method, query and body, and nothing that was to be removed.
// Parts: gateway/proxy/rewrite gateway/token_shape
#include "target.h"

#include "gateway/proxy/rewrite.h"

#include <algorithm>

namespace jeton {

JETON_FUZZ_TARGET(rewrite) {
  if (input.size() > 16 * 1024) return;
  std::size_t scanned = 0;
  const auto end = http::find_head_end(input, scanned);
  if (!end || *end == 0) return;
  auto head = http::parse_request_head(input.substr(0, *end), http::PathReading::raw);
  if (!head) return;
  head->request.peer_address = "192.0.2.7";
  head->request.scheme = "http";
  head->request.id = "id-1";
  if (const std::string* host = head->request.headers.find("Host")) head->request.host = *host;
  const gateway::Forward forward{.upstream = nullptr,
                                 .path = "/a",
                                 .remove = {"X-Auth-User", "X-Auth-Roles"},
                                 .set = {{"X-Auth-User", "dev_1"}},
                                 .passes_authorization = false};
  const gateway::Trace trace = gateway::trace_of(head->request, {1, 2, 3});
  const auto text = gateway::upstream_head(*head, forward, trace, "origin");
  JETON_PROPERTY(text.has_value());
  scanned = 0;
  const auto size = http::find_head_end(*text, scanned);
  JETON_PROPERTY(size.has_value() && *size == text->size());
  const auto again = http::parse_request_head(*text);
  // Fields of ours can make one that was at a limit too many.
  if (!again) {
    JETON_PROPERTY(again.error().status == 431);
    return;
  }
  JETON_PROPERTY(again->method_name() == head->method_name());
  JETON_PROPERTY(again->request.query == head->request.query && again->request.path == "/a");
  JETON_PROPERTY(again->framing == head->framing && again->body_bytes == head->body_bytes);
  JETON_PROPERTY(!again->expects_continue && !again->http_1_0 && again->keep_alive);
  std::size_t users = 0;
  for (const auto& [name, value] : again->request.headers.fields()) {
    if (gateway::are_twins(name, "X-Auth-User")) JETON_PROPERTY(++users == 1 && value == "dev_1");
    JETON_PROPERTY(!gateway::are_twins(name, "X-Auth-Roles") && !gateway::are_twins(name, "Authorization"));
    if (gateway::are_twins(name, "X-Forwarded-For")) JETON_PROPERTY(value == "192.0.2.7");
    if (gateway::are_twins(name, "Content-Length")) JETON_PROPERTY(name == "Content-Length");
    if (gateway::are_twins(name, "Transfer-Encoding")) JETON_PROPERTY(name == "Transfer-Encoding");
  }
}
}  // namespace jeton
