#include <jeton/path.h>

#include "guard/percent.h"

#include <array>
#include <cstdint>

namespace jeton {
namespace {

enum class Kind : std::uint8_t {
  refused,
  plain,      // stands for itself, and its encoding is kept
  decoded,    // unreserved: its encoding is the same thing (RFC 3986 section 6.2.2.2)
  encoded,    // allowed in no path, and sent all the same
  separator,  // refused when encoded
};

constexpr std::array<Kind, 256> kinds = [] {
  std::array<Kind, 256> all{};
  for (unsigned char c = 'a'; c <= 'z'; ++c) all[c] = Kind::decoded;
  for (unsigned char c = 'A'; c <= 'Z'; ++c) all[c] = Kind::decoded;
  for (unsigned char c = '0'; c <= '9'; ++c) all[c] = Kind::decoded;
  for (const unsigned char c : std::string_view("-._~")) all[c] = Kind::decoded;
  for (const unsigned char c : std::string_view("!$&'()*+,=:@")) all[c] = Kind::plain;
  for (const unsigned char c : std::string_view("\"<>[]^`{|}")) all[c] = Kind::encoded;
  all['/'] = Kind::separator;
  return all;
}();

Kind kind_of(char c) noexcept { return kinds[static_cast<unsigned char>(c)]; }

// What may stand behind a percent sign and stays there. `?`, `#`, `%` and the space are data then.
bool may_be_encoded(unsigned char byte) noexcept {
  return byte >= 0x80 || byte == ' ' || byte == '?' || byte == '#' || byte == '%' || kinds[byte] == Kind::plain ||
         kinds[byte] == Kind::encoded;
}

// The bytes beyond ASCII of a path, one after the other: whole, shortest UTF-8 (RFC 3629).
class Utf8Check {
 public:
  bool take(unsigned char byte) noexcept {
    if (missing_ > 0) {
      if (byte < least_ || byte > most_) return false;
      --missing_;
      least_ = 0x80, most_ = 0xbf;
      return true;
    }
    if (byte < 0x80) return true;
    if (byte < 0xc2 || byte > 0xf4) return false;
    missing_ = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : 1;
    least_ = byte == 0xe0 ? 0xa0 : byte == 0xf0 ? 0x90 : 0x80;
    most_ = byte == 0xed ? 0x9f : byte == 0xf4 ? 0x8f : 0xbf;
    return true;
  }
  bool is_whole() const noexcept { return missing_ == 0; }

 private:
  int missing_ = 0;
  unsigned char least_ = 0x80, most_ = 0xbf;
};

bool is_dot_segment(std::string_view segment) noexcept { return segment == "." || segment == ".."; }

// No empty segment but the last, no dot segment. Only plain dots are left to be seen.
bool has_good_segments(std::string_view path) noexcept {
  std::string_view rest = path.substr(1);
  while (true) {
    const std::size_t end = rest.find('/');
    const std::string_view segment = rest.substr(0, end);
    if (is_dot_segment(segment)) return false;
    if (end == rest.npos) return true;
    if (segment.empty()) return false;
    rest.remove_prefix(end + 1);
  }
}

// `%25` before two hexadecimal digits: whoever decodes twice would read another path.
bool is_double_encoded(std::string_view path) noexcept {
  for (std::size_t at = path.find("%25"); at != path.npos; at = path.find("%25", at + 3)) {
    if (encoded_byte('%', path.substr(at + 3)) >= 0) return true;
  }
  return false;
}

std::unexpected<Error> refused() { return std::unexpected(Error{Errc::invalid_path}); }

void append_encoded(std::string& out, unsigned char byte) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  out += '%';
  out += digits[byte >> 4];
  out += digits[byte & 15];
}

}  // namespace

Result<std::string> canonical_path(std::string_view raw) {
  if (raw.empty() || raw.front() != '/' || raw.size() > path_bytes_max) return refused();
  std::string path;
  path.reserve(raw.size());
  Utf8Check utf8;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    const int byte = encoded_byte(raw[i], raw.substr(i + 1));
    if (byte >= 0) {
      const auto value = static_cast<unsigned char>(byte);
      i += 2;
      if (!utf8.take(value)) return refused();
      if (kinds[value] == Kind::decoded)
        path += static_cast<char>(value);
      else if (may_be_encoded(value))
        append_encoded(path, value);
      else
        return refused();
      continue;
    }
    if (!utf8.is_whole()) return refused();
    switch (kind_of(raw[i])) {
      case Kind::refused: return refused();
      case Kind::encoded: append_encoded(path, static_cast<unsigned char>(raw[i])); break;
      case Kind::plain:
      case Kind::decoded:
      case Kind::separator: path += raw[i]; break;
    }
  }
  if (!utf8.is_whole() || !has_good_segments(path) || is_double_encoded(path)) return refused();
  if (path.size() > path_bytes_max) return refused();
  return path;
}

bool is_canonical_path(std::string_view raw) noexcept {
  if (raw.empty() || raw.front() != '/' || raw.size() > path_bytes_max) return false;
  bool has_percent = false;
  char before = 0;
  for (const char c : raw) {
    if (c == '%') {
      has_percent = true;
    } else if (const Kind kind = kind_of(c); kind == Kind::refused || kind == Kind::encoded) {
      return false;
    } else if ((c == '/' || c == '.') && before == '/') {
      // `//`, or a segment that begins with a dot: rare, and looked at whole.
      if (!has_good_segments(raw)) return false;
    }
    before = c;
  }
  if (!has_percent) return true;
  const auto path = canonical_path(raw);
  return path.has_value() && *path == raw;
}

}  // namespace jeton
