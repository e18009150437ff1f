#include "gateway/proxy/rewrite.h"

#include "gateway/token_shape.h"

#include <algorithm>
#include <array>
#include <span>

namespace jeton::gateway {
namespace {

using http::same_field_name;

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
constexpr char folded(char c) noexcept {
  const char small = lower(c);
  return is_digit(small) || (small >= 'a' && small <= 'z') ? small : '-';
}

constexpr std::array<std::string_view, 29> left_out = {"Connection",
                                                       "Keep-Alive",
                                                       "Proxy-Connection",
                                                       "TE",
                                                       "Trailer",
                                                       "Transfer-Encoding",
                                                       "Upgrade",
                                                       "HTTP2-Settings",
                                                       "Expect",
                                                       "Proxy-Authorization",
                                                       "Content-Length",
                                                       "Host",
                                                       "Forwarded",
                                                       "X-Real-IP",
                                                       "X-Original-URL",
                                                       "X-Rewrite-URL",
                                                       "X-Original-URI",
                                                       "X-HTTP-Method",
                                                       "X-Request-Id",
                                                       "X-HTTP-Method-Override",
                                                       "X-Original-Method",
                                                       "X-Method-Override",
                                                       "Proxy",
                                                       "traceparent",
                                                       "Proxy-Authenticate",
                                                       "Via",
                                                       "X-Client-IP",
                                                       "True-Client-IP",
                                                       "X-Cluster-Client-IP"};

constexpr std::array<std::string_view, 9> left_out_of_answers = {"Connection", "Keep-Alive", "Proxy-Connection",
                                                                 "TE",         "Trailer",    "Transfer-Encoding",
                                                                 "Upgrade",    "Alt-Svc",    "Proxy-Authenticate"};

constexpr std::array<std::string_view, 2> refresh_cookies = {"__Host-jeton_refresh", "jeton_refresh"};

bool is_one_of(std::string_view name, std::span<const std::string_view> names) noexcept {
  return std::ranges::any_of(names, [&](std::string_view one) { return are_twins(name, one); });
}

bool is_forwarded_field(std::string_view name) noexcept {
  constexpr std::string_view prefix = "X-Forwarded-";
  return name.size() >= prefix.size() && are_twins(name.substr(0, prefix.size()), prefix);
}

bool is_access_control_field(std::string_view name) noexcept {
  constexpr std::string_view prefix = "Access-Control-";
  return name.size() >= prefix.size() && are_twins(name.substr(0, prefix.size()), prefix);
}

// The fields that Connection names.
std::vector<std::string_view> named_by_connection(const http::Headers& headers) {
  std::vector<std::string_view> named;
  for (const std::string_view list : headers.all("Connection"))
    http::for_each_option(list, [&](std::string_view option) { named.push_back(option); });
  return named;
}

constexpr std::string_view trim(std::string_view text) noexcept {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

// Appends the cookies of one field but for the refresh tokens.
void append_cookies(std::string& kept, std::string_view cookies, bool with_refresh_tokens) {
  while (!cookies.empty()) {
    const std::size_t end = std::min(cookies.find(';'), cookies.size());
    const std::string_view cookie = trim(cookies.substr(0, end));
    cookies.remove_prefix(std::min(end + 1, cookies.size()));
    const std::string_view name = trim(cookie.substr(0, cookie.find('=')));
    const bool is_refresh_token =
        std::ranges::any_of(refresh_cookies, [&](std::string_view one) { return same_field_name(name, one); });
    if (cookie.empty() || (is_refresh_token && !with_refresh_tokens)) continue;
    if (!kept.empty()) kept += "; ";
    kept += cookie;
  }
}

class HeadWriter {
 public:
  explicit HeadWriter(std::string room) : text_(std::move(room)) {
    text_.clear();
    text_.reserve(1'024);
  }
  std::string& text() noexcept { return text_; }
  // False: it cannot be sent.
  bool add(std::string_view name, std::string_view value) {
    if (!http::is_field_name(name) || !http::is_field_value(value)) return false;
    add_good(name, value);
    return true;
  }
  void add_good(std::string_view name, std::string_view value) {
    text_.append(name).append(": ").append(value).append("\r\n");
  }

 private:
  std::string text_;
};

// What the client sent and may go on.
void add_passed_fields(HeadWriter& writer, const http::RequestHead& head, const Forward& forward, const Trace& trace) {
  const std::vector<std::string_view> named = named_by_connection(head.request.headers);
  std::string cookies;
  for (const auto& [name, value] : head.request.headers.fields()) {
    const auto is_twin = [&](std::string_view one) { return are_twins(name, one); };
    if (is_one_of(name, left_out) || is_forwarded_field(name)) continue;
    if (std::ranges::any_of(named, is_twin) || std::ranges::any_of(forward.remove, is_twin)) continue;
    if (std::ranges::any_of(forward.set, [&](const auto& field) { return are_twins(name, field.first); })) continue;
    if (!forward.passes_authorization && are_twins(name, "Authorization")) continue;
    if (!trace.has_parent && are_twins(name, "tracestate")) continue;
    if (are_twins(name, "Cookie"))
      append_cookies(cookies, value, forward.passes_refresh_cookies);
    else
      writer.add_good(name, value);
  }
  if (!cookies.empty()) writer.add_good("Cookie", cookies);
}

// What says where the body ends, from what was parsed.
void add_framing(HeadWriter& writer, const http::RequestHead& head) {
  switch (head.framing) {
    case http::BodyFraming::counted: writer.add_good("Content-Length", std::to_string(head.body_bytes)); break;
    case http::BodyFraming::chunked: writer.add_good("Transfer-Encoding", "chunked"); break;
    case http::BodyFraming::none: {
      // RFC 9110, section 8.6: said where a body could be expected.
      const http::Method method = head.request.method;
      const bool expects_body =
          method == http::Method::post || method == http::Method::put || method == http::Method::patch;
      if (expects_body) writer.add_good("Content-Length", "0");
      break;
    }
  }
}

bool is_request_id(std::string_view id) noexcept {
  return !id.empty() && id.size() <= 128 && !holds_token(id) && std::ranges::all_of(id, [](char c) {
    return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z') || c == '.' || c == '_' || c == '-';
  });
}

constexpr std::size_t traceparent_bytes = 55;
constexpr std::size_t own_answer_fields_max = 8;  // X-Request-Id, Upgrade, those of a rule for other origins

// W3C Trace Context, section 3.2: version "-" trace-id "-" parent-id "-" trace-flags, in lower-case hexadecimal,
// neither id all zero, the version not ff; of a version that is not known yet more may follow, behind a dash.
bool is_traceparent(std::string_view text) noexcept {
  if (text.size() < traceparent_bytes || text[2] != '-' || text[35] != '-' || text[52] != '-') return false;
  const auto is_hex = [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); };
  const std::string_view version = text.substr(0, 2), flags = text.substr(53, 2);
  const std::string_view trace_id = text.substr(3, 32), parent_id = text.substr(36, 16);
  if (version == "ff" || (text.size() > traceparent_bytes && (version == "00" || text[traceparent_bytes] != '-')))
    return false;
  return std::ranges::all_of(version, is_hex) && std::ranges::all_of(trace_id, is_hex) &&
         std::ranges::all_of(parent_id, is_hex) && std::ranges::all_of(flags, is_hex) &&
         trace_id.find_first_not_of('0') != std::string_view::npos &&
         parent_id.find_first_not_of('0') != std::string_view::npos;
}

void append_hex(std::string& text, std::uint64_t value) {
  std::array<char, 16> digits;
  for (char& digit : digits) {
    digit = "0123456789abcdef"[value >> 60];
    value <<= 4;
  }
  text.append(digits.data(), digits.size());
}

// 16 bytes in base64.
bool is_websocket_key(std::string_view key) noexcept {
  return key.size() == 24 && key.ends_with("==") && std::ranges::all_of(key.substr(0, 22), [](char c) {
           return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z') || c == '+' || c == '/';
         });
}

std::string_view only(const http::Headers& headers, std::string_view name) {
  const auto values = headers.all(name);
  return values.size() == 1 ? values.front() : std::string_view();
}

}  // namespace

bool are_twins(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return folded(x) == folded(y); });
}

Trace trace_of(const http::Request& request, const TraceSeed& seed) {
  Trace trace;
  const std::string_view id = only(request.headers, "X-Request-Id");
  trace.request_id = is_request_id(id) ? std::string(id) : request.id;
  const std::string_view parent = only(request.headers, "traceparent");
  trace.has_parent = is_traceparent(parent);
  if (trace.has_parent) {
    trace.traceparent = parent.substr(0, traceparent_bytes);
    if (parent.starts_with("00")) return trace;
    // Of another version what this one knows: the ids, and whether it is sampled.
    trace.traceparent.replace(0, 2, "00");
    const bool is_sampled = std::string_view("13579bdf").find(parent[54]) != std::string_view::npos;
    trace.traceparent.replace(53, 2, is_sampled ? "01" : "00");
    return trace;
  }
  trace.traceparent.reserve(traceparent_bytes);
  trace.traceparent = "00-";
  append_hex(trace.traceparent, seed.trace_high | 1);
  append_hex(trace.traceparent, seed.trace_low);
  trace.traceparent += '-';
  append_hex(trace.traceparent, seed.parent | 1);
  trace.traceparent += "-00";
  return trace;
}

std::expected<std::string, std::string_view> upstream_head(const http::RequestHead& head, const Forward& forward,
                                                           const Trace& trace, std::string_view authority,
                                                           std::optional<std::uint64_t> length, std::string room) {
  const auto is_visible = [](char c) { return c > ' ' && c <= '~' && c != '#' && c != '?'; };
  if (!forward.path.starts_with('/') || !std::ranges::all_of(forward.path, is_visible))
    return std::unexpected(std::string_view("the path cannot be sent"));
  const http::Request& request = head.request;
  HeadWriter writer(std::move(room));
  writer.text().append(head.method_name()).append(" ").append(forward.path);
  if (request.target.size() > request.path.size()) writer.text().append("?").append(request.query);
  writer.text().append(" HTTP/1.1\r\n");
  writer.add_good("Host", request.host.empty() ? authority : std::string_view(request.host));
  add_passed_fields(writer, head, forward, trace);
  if (length)
    writer.add_good("Content-Length", std::to_string(*length));
  else
    add_framing(writer, head);
  writer.add_good("X-Forwarded-For", request.peer_address);
  writer.add_good("X-Forwarded-Proto", request.scheme);
  if (!request.host.empty()) writer.add_good("X-Forwarded-Host", request.host);
  writer.add_good("X-Request-Id", trace.request_id);
  writer.add_good("traceparent", trace.traceparent);
  std::string via;
  for (const std::string_view value : request.headers.all("Via")) via.append(value).append(", ");
  writer.add_good("Via", via.append(head.http_1_0 ? "1.0 jeton" : "1.1 jeton"));
  if (asks_for_websocket(head)) {
    writer.add_good("Connection", "Upgrade");
    writer.add_good("Upgrade", "websocket");
  }
  for (const auto& [name, value] : forward.set) {
    if (!writer.add(name, value)) return std::unexpected(std::string_view("a header of the policy cannot be sent"));
  }
  writer.text().append("\r\n");
  return std::move(writer.text());
}

bool asks_for_websocket(const http::RequestHead& head) {
  const http::Headers& headers = head.request.headers;
  if (head.request.method != http::Method::get || head.http_1_0 || head.framing != http::BodyFraming::none)
    return false;
  if (!same_field_name(only(headers, "Upgrade"), "websocket") || !is_websocket_key(only(headers, "Sec-WebSocket-Key")))
    return false;
  const auto named = named_by_connection(headers);
  return std::ranges::any_of(named, [](std::string_view option) { return same_field_name(option, "upgrade"); });
}

bool grants_websocket(const http::ResponseHead& head) {
  const auto named = named_by_connection(head.response.headers);
  return head.response.status == 101 && same_field_name(only(head.response.headers, "Upgrade"), "websocket") &&
         std::ranges::any_of(named, [](std::string_view option) { return same_field_name(option, "upgrade"); });
}

std::size_t hops_of(const http::Request& request) noexcept {
  std::size_t hops = 0;
  for (const auto& [name, value] : request.headers.fields()) {
    if (!same_field_name(name, "Via")) continue;
    for (std::size_t at = value.find(" jeton"); at != std::string::npos; at = value.find(" jeton", at + 1)) ++hops;
  }
  return hops;
}

void add_cors(const http::CorsFields& fields, http::Response& answer) {
  for (const auto& [name, value] : fields) answer.headers.add(name, value);
}

http::Response client_answer(const http::ResponseHead& head, const Forward& forward, const Trace& trace) {
  http::Response answer;
  answer.status = head.response.status;
  const auto named = named_by_connection(head.response.headers);
  answer.headers.reserve(head.response.headers.fields().size() + forward.answer.size() + own_answer_fields_max);
  for (const auto& [name, value] : head.response.headers.fields()) {
    const auto is_twin = [&](std::string_view one) { return are_twins(name, one); };
    if (is_one_of(name, left_out_of_answers) || are_twins(name, "X-Request-Id")) continue;
    if (std::ranges::any_of(named, is_twin)) continue;
    if (std::ranges::any_of(forward.answer, [&](const auto& field) { return are_twins(name, field.first); })) continue;
    if (forward.cors && is_access_control_field(name)) continue;
    answer.headers.add(name, value);
  }
  for (const auto& [name, value] : forward.answer) answer.headers.add(name, value);
  if (forward.cors) add_cors(*forward.cors, answer);
  answer.headers.add("X-Request-Id", trace.request_id);
  return answer;
}

}  // namespace jeton::gateway
