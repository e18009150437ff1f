#include "jose/json.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace jeton::jose {
namespace {

struct Name {
  std::uint32_t begin = 0, size = 0;
  std::uint64_t key = 0;
};

// A string as it was read.
struct Text {
  std::uint32_t begin = 0, size = 0;
  bool has_control = false;
};

class Parser {
 public:
  Parser(JsonBuffer& buffer, const JsonLimits& limits) noexcept
      : buffer_(buffer), limits_(limits), size_(buffer.text.size()) {}

  bool parse() {
    buffer_.nodes.clear();
    buffer_.has_out_of_range_number = false;
    buffer_.document_size = size_;
    if (size_ > UINT32_MAX / 4) return false;
    // Unescaped strings go behind the document; making room at once keeps the text where it is.
    if (buffer_.text.find('\\') != std::string::npos) buffer_.text.reserve(size_ * 2);
    skip_white();
    if (!value(1, {})) return false;
    skip_white();
    return at_ == size_;
  }

 private:
  char peek() const noexcept { return at_ < size_ ? buffer_.text[at_] : '\0'; }
  unsigned char byte_at(std::size_t i) const noexcept { return static_cast<unsigned char>(buffer_.text[i]); }

  void skip_white() noexcept {
    while (at_ < size_) {
      const char c = buffer_.text[at_];
      if (c != ' ' && c != '\t' && c != '\n' && c != '\r') return;
      ++at_;
    }
  }

  bool consume(std::string_view word) noexcept {
    if (std::string_view(buffer_.text).substr(at_, std::min(word.size(), size_ - at_)) != word) return false;
    at_ += word.size();
    return true;
  }

  JsonNode& push(JsonType type, const Name& name) {
    JsonNode& node = buffer_.nodes.emplace_back();
    node.type = type;
    node.name_begin = name.begin;
    node.name_size = name.size;
    node.key = name.key;
    node.next = static_cast<std::uint32_t>(buffer_.nodes.size());
    return node;
  }
  std::uint32_t last_index() const noexcept { return static_cast<std::uint32_t>(buffer_.nodes.size() - 1); }

  bool value(std::uint32_t depth, const Name& name) {
    switch (peek()) {
      case '{': push(JsonType::object, name); return depth <= limits_.depth_max && object(depth, last_index());
      case '[': push(JsonType::array, name); return depth <= limits_.depth_max && array(depth, last_index());
      case '"': {
        Text text;
        if (!string(text)) return false;
        JsonNode& node = push(JsonType::string, name);
        node.extent = {text.begin, text.size};
        node.has_control = text.has_control;
        return true;
      }
      case 't': push(JsonType::boolean, name).boolean = true; return consume("true");
      case 'f': push(JsonType::boolean, name); return consume("false");
      case 'n': push(JsonType::null, name); return consume("null");
      default: return number(push(JsonType::integer, name));
    }
  }

  // One more member or element of the whole document.
  bool count_member() noexcept { return ++members_ <= limits_.members_max; }

  bool object(std::uint32_t depth, std::uint32_t self) {
    ++at_;
    skip_white();
    std::uint32_t count = 0;
    if (peek() == '}' && at_ < size_) {
      ++at_;
    } else {
      for (;; ++at_, skip_white()) {
        Text text;
        if (!count_member() || peek() != '"' || !string(text)) return false;
        const Name name{text.begin, text.size, key_of(text)};
        if (!is_new_name(self, name, text.has_control)) return false;
        skip_white();
        if (peek() != ':') return false;
        ++at_;
        skip_white();
        if (!value(depth + 1, name)) return false;
        ++count;
        skip_white();
        if (peek() == ',') continue;
        if (peek() != '}') return false;
        ++at_;
        break;
      }
    }
    return close(self, count);
  }

  bool array(std::uint32_t depth, std::uint32_t self) {
    ++at_;
    skip_white();
    std::uint32_t count = 0;
    if (peek() == ']') {
      ++at_;
    } else {
      for (;; ++at_, skip_white()) {
        if (!count_member() || !value(depth + 1, {})) return false;
        ++count;
        skip_white();
        if (peek() == ',') continue;
        if (peek() != ']') return false;
        ++at_;
        break;
      }
    }
    return close(self, count);
  }

  bool close(std::uint32_t self, std::uint32_t count) noexcept {
    JsonNode& node = buffer_.nodes[self];
    node.extent = {0, count};
    node.next = static_cast<std::uint32_t>(buffer_.nodes.size());
    return true;
  }

  // name_key of what is in the text: by one load where eight bytes can be read.
  std::uint64_t key_of(const Text& text) const noexcept {
    if constexpr (std::endian::native == std::endian::little) {
      if (text.begin + sizeof(std::uint64_t) <= buffer_.text.size()) {
        std::uint64_t bytes = 0;
        std::memcpy(&bytes, buffer_.text.data() + text.begin, sizeof bytes);
        const std::size_t kept = std::min<std::size_t>(text.size, name_key_bytes);
        bytes &= (std::uint64_t{1} << (8 * kept)) - 1;
        return bytes << 8 | std::min<std::uint32_t>(text.size, 255);
      }
    }
    return name_key(std::string_view(buffer_.text).substr(text.begin, text.size));
  }

  bool is_new_name(std::uint32_t object, const Name& name, bool has_control) const noexcept {
    const std::string_view text = buffer_.text;
    const std::string_view spelled = text.substr(name.begin, name.size);
    if (has_control && spelled.find('\0') != std::string_view::npos) return false;
    for (std::uint32_t i = object + 1; i < buffer_.nodes.size(); i = buffer_.nodes[i].next) {
      const JsonNode& sibling = buffer_.nodes[i];
      if (sibling.key != name.key) continue;
      if (name.size <= name_key_bytes || text.substr(sibling.name_begin, sibling.name_size) == spelled) return false;
    }
    return true;
  }

  // Moves over ordinary characters of a string, sixteen at a time where it can.
  void skip_plain() noexcept {
#if defined(__SSE2__)
    const char* const text = buffer_.text.data();
    while (size_ - at_ >= 16) {
      const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text + at_));
      // Signed, so that one comparison finds what is below the space and what is beyond ASCII.
      __m128i special = _mm_cmplt_epi8(v, _mm_set1_epi8(0x20));
      special = _mm_or_si128(special, _mm_cmpeq_epi8(v, _mm_set1_epi8('"')));
      special = _mm_or_si128(special, _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
      special = _mm_or_si128(special, _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f)));
      const auto found = static_cast<unsigned>(_mm_movemask_epi8(special));
      if (found != 0) {
        at_ += static_cast<std::size_t>(std::countr_zero(found));
        return;
      }
      at_ += 16;
    }
#endif
    while (at_ < size_) {
      const unsigned char c = byte_at(at_);
      if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\') return;
      ++at_;
    }
  }

  // Without escapes the string is where it stands; with them it is appended to the text.
  bool string(Text& text) {
    ++at_;
    const std::size_t start = at_;
    for (skip_plain(); at_ < size_; skip_plain()) {
      const unsigned char c = byte_at(at_);
      if (c == '"') {
        text.begin = static_cast<std::uint32_t>(start);
        text.size = static_cast<std::uint32_t>(at_ - start);
        ++at_;
        return true;
      }
      if (c == '\\') return escaped_string(start, text);
      if (!special_character(c, text)) return false;
    }
    return false;
  }

  // One that needs a closer look: a control character, U+007F, or the first byte of one beyond ASCII.
  bool special_character(unsigned char c, Text& text) noexcept {
    if (c < 0x20) return false;
    if (c >= 0x80) return utf8();
    text.has_control = true;
    ++at_;
    return true;
  }

  bool escaped_string(std::size_t start, Text& text) {
    text.begin = static_cast<std::uint32_t>(buffer_.text.size());
    std::size_t kept = start;  // what stands from here to at_ has not been appended yet
    for (; at_ < size_; skip_plain()) {
      const unsigned char c = byte_at(at_);
      if (c == '"') {
        buffer_.text.append(buffer_.text, kept, at_ - kept);
        text.size = static_cast<std::uint32_t>(buffer_.text.size()) - text.begin;
        ++at_;
        return true;
      }
      if (c == '\\') {
        buffer_.text.append(buffer_.text, kept, at_ - kept);
        if (!escape()) return false;
        const auto last = static_cast<unsigned char>(buffer_.text.back());
        text.has_control = text.has_control || last < 0x20 || last == 0x7f;
        kept = at_;
      } else if (!special_character(c, text)) {
        return false;
      }
    }
    return false;
  }

  bool escape() {
    if (++at_ >= size_) return false;
    const char c = buffer_.text[at_++];
    switch (c) {
      case '"':
      case '\\':
      case '/': buffer_.text.push_back(c); return true;
      case 'b': buffer_.text.push_back('\b'); return true;
      case 'f': buffer_.text.push_back('\f'); return true;
      case 'n': buffer_.text.push_back('\n'); return true;
      case 'r': buffer_.text.push_back('\r'); return true;
      case 't': buffer_.text.push_back('\t'); return true;
      case 'u': return unicode_escape();
      default: return false;
    }
  }

  bool hex4(std::uint32_t& out) noexcept {
    if (size_ - at_ < 4) return false;
    out = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = buffer_.text[at_++];
      std::uint32_t digit = 0;
      if (c >= '0' && c <= '9')
        digit = static_cast<std::uint32_t>(c - '0');
      else if (c >= 'a' && c <= 'f')
        digit = static_cast<std::uint32_t>(c - 'a' + 10);
      else if (c >= 'A' && c <= 'F')
        digit = static_cast<std::uint32_t>(c - 'A' + 10);
      else
        return false;
      out = out << 4 | digit;
    }
    return true;
  }

  bool unicode_escape() {
    std::uint32_t code = 0;
    if (!hex4(code)) return false;
    if (code >= 0xdc00 && code <= 0xdfff) return false;
    if (code >= 0xd800 && code <= 0xdbff) {
      std::uint32_t low = 0;
      if (!consume("\\u") || !hex4(low) || low < 0xdc00 || low > 0xdfff) return false;
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    append_utf8(code);
    return true;
  }

  void append_utf8(std::uint32_t code) {
    const auto put = [&](std::uint32_t byte) { buffer_.text.push_back(static_cast<char>(byte)); };
    if (code < 0x80) return put(code);
    if (code < 0x800) {
      put(0xc0 | code >> 6);
    } else {
      if (code < 0x10000) {
        put(0xe0 | code >> 12);
      } else {
        put(0xf0 | code >> 18);
        put(0x80 | (code >> 12 & 0x3f));
      }
      put(0x80 | (code >> 6 & 0x3f));
    }
    put(0x80 | (code & 0x3f));
  }

  // One character beyond ASCII: shortest form, no surrogate, up to U+10FFFF (RFC 3629).
  bool utf8() noexcept {
    const unsigned char lead = byte_at(at_);
    std::size_t more = 0;
    unsigned char low = 0x80, high = 0xbf;
    if (lead >= 0xc2 && lead <= 0xdf)
      more = 1;
    else if (lead >= 0xe0 && lead <= 0xef)
      more = 2;
    else if (lead >= 0xf0 && lead <= 0xf4)
      more = 3;
    else
      return false;
    if (lead == 0xe0) low = 0xa0;
    if (lead == 0xed) high = 0x9f;
    if (lead == 0xf0) low = 0x90;
    if (lead == 0xf4) high = 0x8f;
    if (size_ - at_ <= more) return false;
    for (std::size_t i = 1; i <= more; ++i, low = 0x80, high = 0xbf) {
      const unsigned char c = byte_at(at_ + i);
      if (c < low || c > high) return false;
    }
    at_ += more + 1;
    return true;
  }

  static bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
  bool digits() noexcept {
    if (!is_digit(peek())) return false;
    while (is_digit(peek())) ++at_;
    return true;
  }

  bool number(JsonNode& node) {
    const std::size_t start = at_;
    if (peek() == '-') ++at_;
    if (peek() == '0')
      ++at_;
    else if (!digits())
      return false;
    bool integral = true;
    if (peek() == '.') {
      integral = false;
      ++at_;
      if (!digits()) return false;
    }
    if (peek() == 'e' || peek() == 'E') {
      integral = false;
      ++at_;
      if (peek() == '+' || peek() == '-') ++at_;
      if (!digits()) return false;
    }
    const char* const first = buffer_.text.data() + start;
    const char* const last = buffer_.text.data() + at_;
    std::from_chars_result read{};
    if (integral) {
      read = std::from_chars(first, last, node.integer);
    } else {
      node.type = JsonType::number;
      read = std::from_chars(first, last, node.number);
    }
    if (read.ec != std::errc{} || read.ptr != last) {
      node.type = JsonType::out_of_range;
      buffer_.has_out_of_range_number = true;
    }
    return true;
  }

  JsonBuffer& buffer_;
  const JsonLimits& limits_;
  const std::size_t size_;
  std::size_t at_ = 0;
  std::uint32_t members_ = 0;
};

}  // namespace

bool parse_json(JsonBuffer& buffer, const JsonLimits& limits) { return Parser(buffer, limits).parse(); }

std::optional<JsonView> JsonView::find(std::string_view name, std::uint64_t key) const noexcept {
  for (const JsonView member : children()) {
    if (member.key() == key && (name.size() <= name_key_bytes || member.name() == name)) return member;
  }
  return std::nullopt;
}

void append_json_string(std::string& out, std::string_view text) {
  constexpr std::string_view hex = "0123456789abcdef";
  out.push_back('"');
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (byte < 0x20 || byte == 0x7f) {
      switch (c) {
        case '\n': out += "\\n"; break;
        case '\r': out += "\\r"; break;
        case '\t': out += "\\t"; break;
        default:
          out += "\\u00";
          out.push_back(hex[byte >> 4]);
          out.push_back(hex[byte & 15]);
      }
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

}  // namespace jeton::jose
