#include "http/head_view.h"

#include <algorithm>
#include <bit>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace jeton::http {
namespace {

using Check = std::optional<Refusal>;

std::unexpected<Refusal> bad(std::string_view error) { return std::unexpected(Refusal{400, error}); }

constexpr bool is_alpha(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_hex(char c) noexcept { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Which characters of a set a byte is one of; a table, since every byte of a head is asked for.
struct CharacterSet {
  std::array<bool, 256> in{};
  consteval explicit CharacterSet(std::string_view marks) {
    for (int c = 0; c < 128; ++c) {
      const char character = static_cast<char>(c);
      in[static_cast<std::size_t>(c)] =
          is_alpha(character) || is_digit(character) || marks.find(character) != std::string_view::npos;
    }
  }
  bool holds_all(std::string_view text) const noexcept {
    return std::all_of(text.begin(), text.end(), [this](char c) { return in[static_cast<unsigned char>(c)]; });
  }
};

constexpr CharacterSet token_characters("!#$%&'*+-.^_`|~");
// RFC 3986 pchar without percent-encoding, and the slash.
constexpr CharacterSet path_characters("-._~!$&'()*+,;=:@/");
constexpr CharacterSet host_name_characters("-._~!$&'()*+;=");

bool is_control(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f;
}

// Where the next control character (below space, or DEL) stands from `at` on; the size if there is none. Sixteen bytes
// at a time where the machine can: a head is long, and its only controls are its line ends.
std::size_t next_control(std::string_view text, std::size_t at) noexcept {
#ifdef __SSE2__
  const __m128i last_control = _mm_set1_epi8(0x1f);
  const __m128i del = _mm_set1_epi8(0x7f);
  for (; at + 16 <= text.size(); at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + at));
    const __m128i found =
        _mm_or_si128(_mm_cmpeq_epi8(_mm_min_epu8(bytes, last_control), bytes), _mm_cmpeq_epi8(bytes, del));
    const auto places = static_cast<unsigned>(_mm_movemask_epi8(found));
    if (places != 0) return at + static_cast<std::size_t>(std::countr_zero(places));
  }
#endif
  while (at < text.size() && !is_control(text[at])) ++at;
  return at;
}

// Eight bytes with their capitals made small, each byte by itself: what is past Z, and past A, by a carry into its
// highest bit.
std::uint64_t lower_word(const char* text) noexcept {
  constexpr std::uint64_t ones = 0x0101010101010101U;
  std::uint64_t word = 0;
  std::memcpy(&word, text, sizeof word);
  const std::uint64_t low_bits = word & (ones * 0x7f);
  const std::uint64_t past_z = low_bits + ones * (0x7f - 'Z');
  const std::uint64_t from_a = low_bits + ones * (0x80 - 'A');
  const std::uint64_t capitals = ~word & (past_z ^ from_a) & (ones * 0x80);
  return word | (capitals >> 2);
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
  if (!path_characters.holds_all(path)) return Refusal{400, "Malformed path"};
  if (path.find("//") != std::string_view::npos) return Refusal{400, "Doubled slash in the path is not accepted"};
  for (std::size_t begin = 1; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    if (is_dot_segment(path.substr(begin, end - begin)))
      return Refusal{400, "Dot segments in the path are not accepted"};
    begin = end + 1;
  }
  return std::nullopt;
}

constexpr bool is_visible(char c) noexcept { return c > ' ' && c <= '~' && c != '#'; }

Check read_target(std::string_view target, PathReading paths, HeadView& view) {
  if (target.empty() || target.front() != '/') return Refusal{400, "The request target must be a path"};
  const std::size_t mark = target.find('?');
  const std::string_view path = target.substr(0, mark);
  const std::string_view query = mark == std::string_view::npos ? std::string_view{} : target.substr(mark + 1);
  if (paths == PathReading::raw) {
    if (!std::all_of(path.begin(), path.end(), is_visible)) return Refusal{400, "Malformed path"};
  } else if (Check refused = check_path(path)) {
    return refused;
  }
  if (!std::all_of(query.begin(), query.end(), is_visible)) return Refusal{400, "Malformed query"};
  view.target = target;
  view.path = path;
  view.query = query;
  return std::nullopt;
}

Check read_request_line(std::string_view line, PathReading paths, HeadView& view) {
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
  view.http_1_0 = version == "HTTP/1.0";
  view.method = method_named(method);
  view.method_name = method;
  return read_target(target, paths, view);
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
    if (end == 0 || !host_name_characters.holds_all(host.substr(0, end))) return false;
  }
  if (end == host.size()) return true;
  const std::string_view port = host.substr(end + 1);
  return host[end] == ':' && port.size() <= 5 && std::all_of(port.begin(), port.end(), is_digit);
}

Check read_length(std::string_view text, HeadView& view) {
  const bool is_number = !text.empty() && text.size() <= 19 && std::all_of(text.begin(), text.end(), is_digit);
  if (!is_number) return Refusal{400, "Malformed Content-Length"};
  std::uint64_t value = 0;  // 19 digits cannot overflow 64 bits
  for (const char digit : text) value = value * 10 + static_cast<std::uint64_t>(digit - '0');
  view.framing = value == 0 ? BodyFraming::none : BodyFraming::counted;
  view.body_bytes = value;
  return std::nullopt;
}

// How often the fields that frame a request came, and the first of each.
struct Framing {
  struct Seen {
    std::size_t count = 0;
    std::string_view first{};
    void take(std::string_view value) noexcept {
      if (count++ == 0) first = value;
    }
  };
  Seen hosts, codings, lengths, expectations;
  bool has_connection = false;
};

Framing framing_of(std::span<const FieldView> fields) noexcept {
  Framing seen;
  for (const auto& [name, value] : fields) {
    switch (name.size()) {
      case 4:
        if (same_field_name(name, "host")) seen.hosts.take(value);
        break;
      case 6:
        if (same_field_name(name, "expect")) seen.expectations.take(value);
        break;
      case 10:
        if (same_field_name(name, "connection")) seen.has_connection = true;
        break;
      case 14:
        if (same_field_name(name, "content-length")) seen.lengths.take(value);
        break;
      case 17:
        if (same_field_name(name, "transfer-encoding")) seen.codings.take(value);
        break;
      default: break;
    }
  }
  return seen;
}

Check read_framing(const Framing& seen, HeadView& view) {
  if (seen.codings.count != 0 && seen.lengths.count != 0)
    return Refusal{400, "Content-Length and Transfer-Encoding together"};
  if (seen.lengths.count > 1) return Refusal{400, "More than one Content-Length"};
  if (seen.lengths.count == 1) return read_length(seen.lengths.first, view);
  if (seen.codings.count == 0) return std::nullopt;
  if (seen.codings.count > 1 || !same_field_name(seen.codings.first, "chunked") || view.http_1_0) {
    return Refusal{400, "Transfer-Encoding other than chunked is not accepted"};
  }
  view.framing = BodyFraming::chunked;
  return std::nullopt;
}

// Connection: a list of tokens, of which two matter here (RFC 9110, section 7.6.1).
Check read_connection(HeadView& view) {
  bool close = false;
  bool keep_alive = !view.http_1_0;
  for (const FieldView& field : view.fields()) {
    if (!same_field_name(field.name, "connection")) continue;
    std::string_view list = field.value;
    while (!list.empty()) {
      const std::size_t comma = std::min(list.find(','), list.size());
      const std::string_view option = trim(list.substr(0, comma));
      if (!option.empty() && !is_field_name(option)) return Refusal{400, "Malformed Connection"};
      if (same_field_name(option, "close")) close = true;
      if (same_field_name(option, "keep-alive")) keep_alive = true;
      list.remove_prefix(std::min(comma + 1, list.size()));
    }
  }
  view.keep_alive = keep_alive && !close;
  return std::nullopt;
}

Check read_semantics(HeadView& view) {
  const Framing seen = framing_of(view.fields());
  if (seen.hosts.count > 1) return Refusal{400, "More than one Host"};
  if (seen.hosts.count == 0 && !view.http_1_0) return Refusal{400, "Host is missing"};
  if (seen.hosts.count != 0 && !is_host(seen.hosts.first)) return Refusal{400, "Malformed Host"};
  view.host = seen.hosts.first;
  view.framing = BodyFraming::none;
  view.body_bytes = 0;
  if (Check refused = read_framing(seen, view)) return refused;
  view.keep_alive = !view.http_1_0;
  if (seen.has_connection) {
    if (Check refused = read_connection(view)) return refused;
  }
  view.expects_continue = false;
  if (seen.expectations.count != 0 && !view.http_1_0) {
    if (seen.expectations.count > 1 || !same_field_name(seen.expectations.first, "100-continue")) {
      return Refusal{417, "Only the expectation 100-continue is known"};
    }
    view.expects_continue = view.framing != BodyFraming::none;
  }
  return std::nullopt;
}

}  // namespace

bool is_field_name(std::string_view name) noexcept { return !name.empty() && token_characters.holds_all(name); }

bool is_field_value(std::string_view value) noexcept {
  std::size_t at = next_control(value, 0);
  while (at < value.size() && value[at] == '\t') at = next_control(value, at + 1);
  return at == value.size();
}

bool same_field_name(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  if (a.size() < 8) {
    return std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
  }
  std::size_t at = 0;
  for (; at + 8 < a.size(); at += 8) {
    if (lower_word(a.data() + at) != lower_word(b.data() + at)) return false;
  }
  return lower_word(a.data() + a.size() - 8) == lower_word(b.data() + b.size() - 8);  // may overlap what was compared
}

const FieldView* HeadView::find(std::string_view name) const noexcept {
  for (const FieldView& field : fields()) {
    if (same_field_name(field.name, name)) return &field;
  }
  return nullptr;
}

std::expected<std::size_t, Refusal> find_head_end(std::string_view bytes, std::size_t& scanned) {
  std::size_t at = next_control(bytes, scanned);
  for (; at < bytes.size(); at = next_control(bytes, at)) {
    const char c = bytes[at];
    if (c == '\0') return bad("NUL in the request head");
    if (c == '\n') return bad("Lines must end in CR LF");  // one behind CR is skipped with it
    if (c != '\r') {
      ++at;  // refused when the fields are read
      continue;
    }
    if (at + 1 == bytes.size()) break;  // its LF may still come; look again
    if (bytes[at + 1] != '\n') return bad("Lines must end in CR LF");
    if (at >= 2 && bytes[at - 1] == '\n') return at + 2;
    at += 2;
  }
  scanned = at;
  return 0;
}

// `lines` is whole lines, each with its CR LF, as find_head_end has seen to.
std::optional<Refusal> read_field_lines(std::string_view lines, HeadView& view) {
  view.field_count_ = 0;
  for (std::size_t begin = 0; begin < lines.size();) {
    bool has_control = false;
    std::size_t end = next_control(lines, begin);
    for (; end < lines.size() && lines[end] != '\r'; end = next_control(lines, end + 1)) {
      has_control = has_control || lines[end] != '\t';
    }
    const std::string_view line = lines.substr(begin, end - begin);
    begin = end + 2;
    if (line.starts_with(' ') || line.starts_with('\t')) return Refusal{400, "Folded header lines are not accepted"};
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !is_field_name(line.substr(0, colon)))
      return Refusal{400, "Malformed header field"};
    if (has_control) return Refusal{400, "Control character in a header field"};
    if (view.field_count_ == header_fields_max) return Refusal{431, "Too many header fields"};
    view.fields_[view.field_count_++] = {line.substr(0, colon), trim(line.substr(colon + 1))};
  }
  return std::nullopt;
}

std::optional<Refusal> read_head_view(std::string_view head, HeadView& view, PathReading paths) {
  const std::size_t line_end = head.find("\r\n");
  if (line_end == std::string_view::npos || head.size() < line_end + 4) return Refusal{400, "Malformed request line"};
  if (Check refused = read_request_line(head.substr(0, line_end), paths, view)) return refused;
  if (Check refused = read_field_lines(head.substr(line_end + 2, head.size() - line_end - 4), view)) return refused;
  return read_semantics(view);
}

}  // namespace jeton::http
