#include "http/request_head.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace jeton::http {
namespace {

using Check = std::optional<Refusal>;

std::unexpected<Refusal> bad(std::string_view error) { return std::unexpected(Refusal{400, error}); }

constexpr bool is_alpha(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_hex(char c) noexcept { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

constexpr bool is_token_char(char c) noexcept {
  return is_alpha(c) || is_digit(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

constexpr bool is_path_char(char c) noexcept {  // RFC 3986 pchar without percent-encoding, and the slash
  return is_alpha(c) || is_digit(c) || std::string_view("-._~!$&'()*+,;=:@/").find(c) != std::string_view::npos;
}

constexpr std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

Method method_named(std::string_view name) noexcept {
  for (const Method method :
       {Method::get, Method::head, Method::post, Method::put, Method::patch, Method::del, Method::options}) {
    if (name == name_of(method)) return method;
  }
  return Method::other;
}

// A segment that a less careful reader behind or before us could take for a dot segment: ".", "..", and both with
// parameters ("..;x").
bool is_dot_segment(std::string_view segment) noexcept {
  const std::string_view name = segment.substr(0, segment.find(';'));
  return name == "." || name == "..";
}

Check check_path(std::string_view path) {
  if (path.find('%') != std::string_view::npos) return Refusal{400, "Percent-encoding in the path is not accepted"};
  if (!std::all_of(path.begin(), path.end(), is_path_char)) return Refusal{400, "Malformed path"};
  if (path.find("//") != std::string_view::npos) return Refusal{400, "Doubled slash in the path is not accepted"};
  for (std::size_t begin = 1; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    if (is_dot_segment(path.substr(begin, end - begin)))
      return Refusal{400, "Dot segments in the path are not accepted"};
    begin = end + 1;
  }
  return std::nullopt;
}

Check read_target(std::string_view target, Request& request) {
  if (target.empty() || target.front() != '/') return Refusal{400, "The request target must be a path"};
  const std::size_t mark = target.find('?');
  const std::string_view path = target.substr(0, mark);
  const std::string_view query = mark == std::string_view::npos ? std::string_view{} : target.substr(mark + 1);
  if (Check refused = check_path(path)) return refused;
  const auto is_query_char = [](char c) { return c > ' ' && c <= '~' && c != '#'; };
  if (!std::all_of(query.begin(), query.end(), is_query_char)) return Refusal{400, "Malformed query"};
  request.target = target;
  request.path = path;
  request.query = query;
  return std::nullopt;
}

Check read_request_line(std::string_view line, RequestHead& head) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return Refusal{400, "Malformed request line"};
  const std::string_view method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (!is_field_name(method) || target.find(' ') != std::string_view::npos)
    return Refusal{400, "Malformed request line"};
  const bool is_version = version.size() == 8 && version.starts_with("HTTP/") && is_digit(version[5]) &&
                          version[6] == '.' && is_digit(version[7]);
  if (!is_version) return Refusal{400, "Malformed request line"};
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return Refusal{505, "Only HTTP/1.1 is spoken here"};
  head.http_1_0 = version == "HTTP/1.0";
  head.request.method = method_named(method);
  return read_target(target, head.request);
}

// host [":" port]; no user information, no list, no space.
bool is_host(std::string_view host) noexcept {
  if (host.empty()) return false;
  std::size_t end = 0;
  if (host.front() == '[') {
    end = host.find(']');
    if (end == std::string_view::npos || end < 3) return false;
    const auto in_brackets = host.substr(1, end - 1);
    if (!std::all_of(in_brackets.begin(), in_brackets.end(), [](char c) { return is_hex(c) || c == ':' || c == '.'; }))
      return false;
    ++end;
  } else {
    end = std::min(host.find(':'), host.size());
    const auto is_name_char = [](char c) {
      return is_alpha(c) || is_digit(c) || std::string_view("-._~!$&'()*+;=").find(c) != std::string_view::npos;
    };
    if (end == 0 || !std::all_of(host.begin(), host.begin() + static_cast<std::ptrdiff_t>(end), is_name_char))
      return false;
  }
  if (end == host.size()) return true;
  const std::string_view port = host.substr(end + 1);
  return host[end] == ':' && port.size() <= 5 && std::all_of(port.begin(), port.end(), is_digit);
}

Check read_fields(std::string_view lines, Headers& headers) {
  std::size_t count = 0;
  while (!lines.empty()) {
    const std::size_t end = lines.find("\r\n");
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(end + 2);
    if (line.front() == ' ' || line.front() == '\t') return Refusal{400, "Folded header lines are not accepted"};
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !is_field_name(line.substr(0, colon)))
      return Refusal{400, "Malformed header field"};
    const std::string_view value = trim(line.substr(colon + 1));
    if (!is_field_value(value)) return Refusal{400, "Control character in a header field"};
    if (++count > header_fields_max) return Refusal{431, "Too many header fields"};
    headers.add(std::string(line.substr(0, colon)), std::string(value));
  }
  return std::nullopt;
}

Check read_length(std::string_view text, RequestHead& head) {
  const bool is_number = !text.empty() && text.size() <= 19 && std::all_of(text.begin(), text.end(), is_digit);
  if (!is_number) return Refusal{400, "Malformed Content-Length"};
  std::uint64_t value = 0;  // 19 digits cannot overflow 64 bits
  for (const char digit : text) value = value * 10 + static_cast<std::uint64_t>(digit - '0');
  head.framing = value == 0 ? BodyFraming::none : BodyFraming::counted;
  head.body_bytes = value;
  return std::nullopt;
}

Check read_framing(RequestHead& head) {
  const auto codings = head.request.headers.all("Transfer-Encoding");
  const auto lengths = head.request.headers.all("Content-Length");
  if (!codings.empty() && !lengths.empty()) return Refusal{400, "Content-Length and Transfer-Encoding together"};
  if (lengths.size() > 1) return Refusal{400, "More than one Content-Length"};
  if (lengths.size() == 1) return read_length(lengths.front(), head);
  if (codings.empty()) return std::nullopt;
  if (codings.size() > 1 || !same_field_name(codings.front(), "chunked") || head.http_1_0) {
    return Refusal{400, "Transfer-Encoding other than chunked is not accepted"};
  }
  head.framing = BodyFraming::chunked;
  return std::nullopt;
}

// Connection: a list of tokens, of which two matter here (RFC 9110, section 7.6.1).
Check read_connection(RequestHead& head) {
  bool close = false;
  bool keep_alive = !head.http_1_0;
  for (std::string_view list : head.request.headers.all("Connection")) {
    while (!list.empty()) {
      const std::size_t comma = std::min(list.find(','), list.size());
      const std::string_view option = trim(list.substr(0, comma));
      if (!option.empty() && !is_field_name(option)) return Refusal{400, "Malformed Connection"};
      if (same_field_name(option, "close")) close = true;
      if (same_field_name(option, "keep-alive")) keep_alive = true;
      list.remove_prefix(std::min(comma + 1, list.size()));
    }
  }
  head.keep_alive = keep_alive && !close;
  return std::nullopt;
}

Check read_semantics(RequestHead& head) {
  const Headers& headers = head.request.headers;
  const auto hosts = headers.all("Host");
  if (hosts.size() > 1) return Refusal{400, "More than one Host"};
  if (hosts.empty() && !head.http_1_0) return Refusal{400, "Host is missing"};
  if (!hosts.empty() && !is_host(hosts.front())) return Refusal{400, "Malformed Host"};
  if (Check refused = read_framing(head)) return refused;
  if (Check refused = read_connection(head)) return refused;
  if (const auto expectations = headers.all("Expect"); !expectations.empty() && !head.http_1_0) {
    if (expectations.size() > 1 || !same_field_name(expectations.front(), "100-continue")) {
      return Refusal{417, "Only the expectation 100-continue is known"};
    }
    head.expects_continue = head.framing != BodyFraming::none;
  }
  return std::nullopt;
}

}  // namespace

bool is_field_name(std::string_view name) noexcept {
  return !name.empty() && std::all_of(name.begin(), name.end(), is_token_char);
}

bool is_field_value(std::string_view value) noexcept {
  return std::all_of(value.begin(), value.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
  });
}

bool same_field_name(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

std::expected<std::size_t, Refusal> find_head_end(std::string_view bytes, std::size_t& scanned) {
  std::size_t at = scanned;
  for (; at < bytes.size(); ++at) {
    const char c = bytes[at];
    if (c == '\0') return bad("NUL in the request head");
    if (c == '\n' && (at == 0 || bytes[at - 1] != '\r')) return bad("Lines must end in CR LF");
    if (c != '\r') continue;
    if (at + 1 == bytes.size()) break;  // its LF may still come; look again
    if (bytes[at + 1] != '\n') return bad("Lines must end in CR LF");
    if (at >= 2 && bytes[at - 1] == '\n') return at + 2;
  }
  scanned = at;
  return 0;
}

std::expected<RequestHead, Refusal> parse_request_head(std::string_view head_bytes) {
  RequestHead head;
  const std::size_t line_end = head_bytes.find("\r\n");
  if (line_end == std::string_view::npos || head_bytes.size() < line_end + 4) return bad("Malformed request line");
  if (Check refused = read_request_line(head_bytes.substr(0, line_end), head)) return std::unexpected(*refused);
  const std::string_view fields = head_bytes.substr(line_end + 2, head_bytes.size() - line_end - 4);
  if (Check refused = read_fields(fields, head.request.headers)) return std::unexpected(*refused);
  if (Check refused = read_semantics(head)) return std::unexpected(*refused);
  return head;
}

}  // namespace jeton::http
