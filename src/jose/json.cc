#include "jose/json.h"

#include <charconv>
#include <cmath>

namespace jeton::jose {
namespace {

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
    if (!value(1, 0, 0)) return false;
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

  std::uint32_t push(JsonType type, std::uint32_t name_begin, std::uint32_t name_size) {
    JsonNode node{};
    node.type = type;
    node.name_begin = name_begin;
    node.name_size = name_size;
    node.next = static_cast<std::uint32_t>(buffer_.nodes.size() + 1);
    buffer_.nodes.push_back(node);
    return node.next - 1;
  }

  bool value(std::uint32_t depth, std::uint32_t name_begin, std::uint32_t name_size) {
    switch (peek()) {
      case '{': return depth <= limits_.depth_max && object(depth, push(JsonType::object, name_begin, name_size));
      case '[': return depth <= limits_.depth_max && array(depth, push(JsonType::array, name_begin, name_size));
      case '"': {
        std::uint32_t begin = 0, size = 0;
        if (!string(begin, size)) return false;
        JsonNode& node = buffer_.nodes[push(JsonType::string, name_begin, name_size)];
        node.extent.begin = begin;
        node.extent.size = size;
        return true;
      }
      case 't':
        push(JsonType::boolean, name_begin, name_size);
        buffer_.nodes.back().boolean = true;
        return consume("true");
      case 'f': push(JsonType::boolean, name_begin, name_size); return consume("false");
      case 'n': push(JsonType::null, name_begin, name_size); return consume("null");
      default: return number(push(JsonType::integer, name_begin, name_size));
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
        std::uint32_t name_begin = 0, name_size = 0;
        if (!count_member() || peek() != '"' || !string(name_begin, name_size)) return false;
        if (!is_new_name(self, name_begin, name_size)) return false;
        skip_white();
        if (peek() != ':') return false;
        ++at_;
        skip_white();
        if (!value(depth + 1, name_begin, name_size)) return false;
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
        if (!count_member() || !value(depth + 1, 0, 0)) return false;
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
    node.extent.begin = 0;
    node.extent.size = count;
    node.next = static_cast<std::uint32_t>(buffer_.nodes.size());
    return true;
  }

  bool is_new_name(std::uint32_t object, std::uint32_t begin, std::uint32_t size) const noexcept {
    const std::string_view text = buffer_.text;
    const std::string_view name = text.substr(begin, size);
    if (name.find('\0') != std::string_view::npos) return false;
    for (std::uint32_t i = object + 1; i < buffer_.nodes.size(); i = buffer_.nodes[i].next) {
      const JsonNode& sibling = buffer_.nodes[i];
      if (sibling.name_size == size && text.substr(sibling.name_begin, size) == name) return false;
    }
    return true;
  }

  // Without escapes the string is where it stands; with them it is appended to the text.
  bool string(std::uint32_t& begin, std::uint32_t& size) {
    ++at_;
    const std::size_t start = at_;
    while (at_ < size_) {
      const unsigned char c = byte_at(at_);
      if (c == '"') {
        begin = static_cast<std::uint32_t>(start);
        size = static_cast<std::uint32_t>(at_ - start);
        ++at_;
        return true;
      }
      if (c == '\\') return escaped_string(start, begin, size);
      if (c < 0x20) return false;
      if (c < 0x80)
        ++at_;
      else if (!utf8())
        return false;
    }
    return false;
  }

  bool escaped_string(std::size_t start, std::uint32_t& begin, std::uint32_t& size) {
    begin = static_cast<std::uint32_t>(buffer_.text.size());
    buffer_.text.append(buffer_.text, start, at_ - start);
    while (at_ < size_) {
      const unsigned char c = byte_at(at_);
      if (c == '"') {
        size = static_cast<std::uint32_t>(buffer_.text.size()) - begin;
        ++at_;
        return true;
      }
      if (c == '\\') {
        if (!escape()) return false;
      } else if (c < 0x20) {
        return false;
      } else if (c < 0x80) {
        buffer_.text.push_back(static_cast<char>(c));
        ++at_;
      } else {
        const std::size_t from = at_;
        if (!utf8()) return false;
        buffer_.text.append(buffer_.text, from, at_ - from);
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

  bool number(std::uint32_t self) {
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
    JsonNode& node = buffer_.nodes[self];
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

std::optional<JsonView> JsonView::find(std::string_view name) const noexcept {
  for (const JsonView member : children()) {
    if (member.name() == name) return member;
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
