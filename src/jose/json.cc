#include "jose/json.h"

#include "jose/json_marks.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <limits>

namespace jeton::jose {
namespace {

// By value everywhere, in two registers: what is written in halves and then read as a whole makes the processor wait.
struct Name {
  JsonExtent extent{};
  std::uint64_t key = 0;
};

// A string with escapes or characters that need a closer look.
struct Text {
  std::size_t end;
  JsonExtent extent{};
  bool has_control = false;
};

// Each method reads from `at` on and says where what it read has ended, or `refused`. A NUL stands behind the document,
// which is allowed nowhere in it: so no method asks whether it is at the end.
class Parser {
 public:
  Parser(JsonBuffer& buffer, const JsonLimits& limits) noexcept
      : buffer_(buffer),
        limits_(limits),
        size_(buffer.text.size()),
        text_(buffer.text.data()),
        nodes_(buffer.nodes.data()),
        nodes_max_(buffer.nodes.size()) {}

  bool parse() {
    buffer_.node_count = 0;
    buffer_.has_out_of_range_number = false;
    buffer_.document_size = size_;
    if (size_ > UINT32_MAX / 4) return false;
    const std::size_t end = value(skip_white(0), 1, {});
    return end != refused && skip_white(end) == size_;
  }

 private:
  static constexpr std::size_t refused = static_cast<std::size_t>(-1);

  unsigned char byte_at(std::size_t i) const noexcept { return static_cast<unsigned char>(text_[i]); }

  std::size_t skip_white(std::size_t at) const noexcept {
    while (byte_at(at) <= ' ') [[unlikely]] {
      const char c = text_[at];
      if (c != ' ' && c != '\t' && c != '\n' && c != '\r') return at;
      ++at;
    }
    return at;
  }

  std::size_t word(std::size_t at, std::string_view spelled) const noexcept {
    return std::string_view(text_ + at, std::min(spelled.size(), size_ - at)) == spelled ? at + spelled.size()
                                                                                         : refused;
  }

  [[gnu::noinline]] void make_nodes() {
    buffer_.nodes.resize(std::max<std::size_t>(32, 2 * buffer_.nodes.size()));
    nodes_ = buffer_.nodes.data();
    nodes_max_ = buffer_.nodes.size();
  }

  [[gnu::always_inline]] JsonNode& push(JsonType type, Name name) {
    if (buffer_.node_count == nodes_max_) [[unlikely]]
      make_nodes();
    JsonNode& node = nodes_[buffer_.node_count++];
    node.type = type;
    node.boolean = false;
    node.has_control = false;
    node.name_begin = name.extent.begin;
    node.name_size = name.extent.size;
    node.span = 1;
    node.key = name.key;
    node.integer = 0;
    return node;
  }

  // Most values are strings: they are read without a call.
  [[gnu::always_inline]] std::size_t value(std::size_t at, std::uint32_t depth, Name name) {
    return text_[at] == '"' ? string(at + 1, name) : other_value(at, depth, name);
  }

  [[gnu::always_inline]] std::size_t string(std::size_t begin, Name name) {
    const std::size_t end = next_special(begin);
    JsonNode& node = push(JsonType::string, name);
    if (text_[end] == '"') [[likely]] {
      node.extent = plain(begin, end);
      return end + 1;
    }
    const Text text = unusual_string(begin, end);
    node.extent = text.extent;
    node.has_control = text.has_control;
    return text.end;
  }

  [[gnu::noinline]] std::size_t other_value(std::size_t at, std::uint32_t depth, Name name) {
    switch (text_[at]) {
      case '{': return object(at + 1, depth, name);
      case '[': return array(at + 1, depth, name);
      case 't': push(JsonType::boolean, name).boolean = true; return word(at, "true");
      case 'f': push(JsonType::boolean, name); return word(at, "false");
      case 'n': push(JsonType::null, name); return word(at, "null");
      default: return number(at, push(JsonType::integer, name));
    }
  }

  // One more member or element of the whole document.
  bool count_member() noexcept { return ++members_ <= limits_.members_max; }

  std::size_t object(std::size_t at, std::uint32_t depth, Name own_name) {
    if (depth > limits_.depth_max) return refused;
    push(JsonType::object, own_name);
    const std::uint32_t self = buffer_.node_count - 1;
    std::uint32_t count = 0;
    std::uint64_t seen = 0;
    at = skip_white(at);
    if (text_[at] == '}') return close(at + 1, self, count);
    for (;; at = skip_white(at + 1)) {
      Name name;
      if (!count_member() || (at = member_name(at, self, seen, name)) == refused ||
          (at = value(at, depth + 1, name)) == refused) {
        return refused;
      }
      ++count;
      at = skip_white(at);
      if (text_[at] == '}') return close(at + 1, self, count);
      if (text_[at] != ',') return refused;
    }
  }

  std::size_t array(std::size_t at, std::uint32_t depth, Name own_name) {
    if (depth > limits_.depth_max) return refused;
    push(JsonType::array, own_name);
    const std::uint32_t self = buffer_.node_count - 1;
    std::uint32_t count = 0;
    at = skip_white(at);
    if (text_[at] == ']') return close(at + 1, self, count);
    for (;; at = skip_white(at + 1)) {
      if (!count_member() || (at = value(at, depth + 1, {})) == refused) return refused;
      ++count;
      at = skip_white(at);
      if (text_[at] == ']') return close(at + 1, self, count);
      if (text_[at] != ',') return refused;
    }
  }

  std::size_t close(std::size_t at, std::uint32_t self, std::uint32_t count) noexcept {
    JsonNode& node = nodes_[self];
    node.extent = {0, count};
    node.span = buffer_.node_count - self;
    return at;
  }

  // A name, the colon, and white space on both sides of it. `seen` has a bit for every name of the object, chosen by
  // its key: only where that is set already are they compared.
  std::size_t member_name(std::size_t at, std::uint32_t object, std::uint64_t& seen, Name& name) {
    if (text_[at] != '"') return refused;
    const std::size_t end = next_special(at + 1);
    if (text_[end] == '"') [[likely]] {
      name.extent = plain(at + 1, end);
      at = end + 1;
    } else {
      const Text text = unusual_string(at + 1, end);
      if (text.end == refused || (text.has_control && spelled(text.extent).find('\0') != std::string_view::npos))
        return refused;
      name.extent = text.extent;
      at = text.end;
    }
    name.key = key_of(name.extent);
    const std::uint64_t bit = std::uint64_t{1} << name_bit(name.key);
    if ((seen & bit) != 0 && !is_new_name(object, name)) return refused;
    seen |= bit;
    at = skip_white(at);
    if (text_[at] != ':') return refused;
    return skip_white(at + 1);
  }

  static JsonExtent plain(std::size_t begin, std::size_t end) noexcept {
    return {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end - begin)};
  }
  std::string_view spelled(JsonExtent extent) const noexcept { return {text_ + extent.begin, extent.size}; }

  // name_key of what is in the text: by one load where eight bytes can be read.
  std::uint64_t key_of(JsonExtent text) const noexcept {
    if constexpr (std::endian::native == std::endian::little) {
      if (text.begin + sizeof(std::uint64_t) <= buffer_.text.size()) {
        std::uint64_t bytes = 0;
        std::memcpy(&bytes, text_ + text.begin, sizeof bytes);
        const std::size_t kept = std::min<std::size_t>(text.size, name_key_bytes);
        bytes &= (std::uint64_t{1} << (8 * kept)) - 1;
        return bytes << 8 | std::min<std::uint32_t>(text.size, 255);
      }
    }
    return name_key(spelled(text));
  }

  bool is_new_name(std::uint32_t object, Name name) const noexcept {
    for (std::uint32_t i = object + 1; i < buffer_.node_count; i += nodes_[i].span) {
      const JsonNode& sibling = nodes_[i];
      if (sibling.key != name.key) continue;
      if (name.extent.size <= name_key_bytes ||
          spelled({sibling.name_begin, sibling.name_size}) == spelled(name.extent)) {
        return false;
      }
    }
    return true;
  }

  // Where the next special byte stands, `at` included; that behind the last one of the document is special too.
  [[gnu::always_inline]] std::size_t next_special(std::size_t at) noexcept {
    std::size_t block = at / marked_bytes;
    if (block != block_) mark(block);
    const std::uint64_t left = marks_ >> at % marked_bytes;
    if (left != 0) [[likely]]
      return at + static_cast<std::size_t>(std::countr_zero(left));
    do mark(++block);
    while (marks_ == 0);
    return block * marked_bytes + static_cast<std::size_t>(std::countr_zero(marks_));
  }

  // Blocks are marked in order and each once: a string never goes back.
  [[gnu::noinline]] void mark(std::size_t block) noexcept {
    block_ = block;
    const std::size_t from = block * marked_bytes;
    if (size_ - from >= marked_bytes) {
      marks_ = marks_of_(text_ + from);
      return;
    }
    std::array<char, marked_bytes> last{};
    std::memcpy(last.data(), text_ + from, size_ - from);
    marks_ = marks_of_(last.data());
  }

  // A string in which something else than its closing quote stands at `at`. Without escapes it is where it stands; with
  // them it is appended to the text.
  [[gnu::noinline]] Text unusual_string(std::size_t start, std::size_t at) {
    Text text{refused};
    for (; text_[at] != '"'; at = next_special(at)) {
      if (text_[at] == '\\') return escaped_string(start, at, text);
      at = special_character(at, text);
      if (at == refused) return text;
    }
    return {at + 1, plain(start, at), text.has_control};
  }

  // One that needs a closer look: a control character, U+007F, or the first byte of one beyond ASCII.
  std::size_t special_character(std::size_t at, Text& text) const noexcept {
    const unsigned char c = byte_at(at);
    if (c < 0x20) return refused;
    if (c >= 0x80) return utf8(at);
    text.has_control = true;
    return at + 1;
  }

  // Room behind the document and its NUL for all that can be unescaped, so that the text moves at most once.
  void make_room() {
    if (buffer_.text.size() != size_) return;
    buffer_.text.reserve(2 * size_ + sizeof(std::uint64_t));
    buffer_.text.push_back('\0');
    text_ = buffer_.text.data();
  }

  Text escaped_string(std::size_t kept, std::size_t at, Text text) {
    make_room();
    text.extent.begin = static_cast<std::uint32_t>(buffer_.text.size());
    for (; text_[at] != '"'; at = next_special(at)) {
      if (text_[at] != '\\') {
        at = special_character(at, text);
        if (at == refused) return text;
        continue;
      }
      buffer_.text.append(buffer_.text, kept, at - kept);  // what has not been appended yet
      at = escape(at + 1);
      if (at == refused) return text;
      const auto last = static_cast<unsigned char>(buffer_.text.back());
      text.has_control = text.has_control || last < 0x20 || last == 0x7f;
      kept = at;
    }
    buffer_.text.append(buffer_.text, kept, at - kept);
    text.extent.size = static_cast<std::uint32_t>(buffer_.text.size()) - text.extent.begin;
    text.end = at + 1;
    return text;
  }

  std::size_t escape(std::size_t at) {
    const char c = text_[at];
    switch (c) {
      case '"':
      case '\\':
      case '/': buffer_.text.push_back(c); return at + 1;
      case 'b': buffer_.text.push_back('\b'); return at + 1;
      case 'f': buffer_.text.push_back('\f'); return at + 1;
      case 'n': buffer_.text.push_back('\n'); return at + 1;
      case 'r': buffer_.text.push_back('\r'); return at + 1;
      case 't': buffer_.text.push_back('\t'); return at + 1;
      case 'u': return unicode_escape(at + 1);
      default: return refused;
    }
  }

  std::size_t hex4(std::size_t at, std::uint32_t& out) const noexcept {
    out = 0;
    for (const std::size_t end = at + 4; at < end; ++at) {
      const char c = text_[at];
      std::uint32_t digit = 0;
      if (c >= '0' && c <= '9')
        digit = static_cast<std::uint32_t>(c - '0');
      else if (c >= 'a' && c <= 'f')
        digit = static_cast<std::uint32_t>(c - 'a' + 10);
      else if (c >= 'A' && c <= 'F')
        digit = static_cast<std::uint32_t>(c - 'A' + 10);
      else
        return refused;
      out = out << 4 | digit;
    }
    return at;
  }

  std::size_t unicode_escape(std::size_t at) {
    std::uint32_t code = 0;
    at = hex4(at, code);
    if (at == refused || (code >= 0xdc00 && code <= 0xdfff)) return refused;
    if (code >= 0xd800 && code <= 0xdbff) {
      std::uint32_t low = 0;
      if ((at = word(at, "\\u")) == refused || (at = hex4(at, low)) == refused || low < 0xdc00 || low > 0xdfff)
        return refused;
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    append_utf8(code);
    return at;
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
  std::size_t utf8(std::size_t at) const noexcept {
    const unsigned char lead = byte_at(at);
    std::size_t more = 0;
    unsigned char low = 0x80, high = 0xbf;
    if (lead >= 0xc2 && lead <= 0xdf)
      more = 1;
    else if (lead >= 0xe0 && lead <= 0xef)
      more = 2;
    else if (lead >= 0xf0 && lead <= 0xf4)
      more = 3;
    else
      return refused;
    if (lead == 0xe0) low = 0xa0;
    if (lead == 0xed) high = 0x9f;
    if (lead == 0xf0) low = 0x90;
    if (lead == 0xf4) high = 0x8f;
    for (std::size_t i = 1; i <= more; ++i, low = 0x80, high = 0xbf) {
      const unsigned char c = byte_at(at + i);
      if (c < low || c > high) return refused;
    }
    return at + more + 1;
  }

  static bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
  std::size_t digits(std::size_t at) const noexcept {
    if (!is_digit(text_[at])) return refused;
    while (is_digit(text_[at])) ++at;
    return at;
  }

  // The digits from `at` on, as a number that has wrapped around where it does not fit. Eight at a time while there
  // are: pairs, then fours, then all eight are put together in one word.
  std::size_t whole_number(std::size_t at, std::uint64_t& number) const noexcept {
    if constexpr (std::endian::native == std::endian::little) {
      for (; size_ - at >= sizeof(std::uint64_t); at += sizeof(std::uint64_t)) {
        std::uint64_t word = 0;
        std::memcpy(&word, text_ + at, sizeof word);
        // 0x30 to 0x39: the upper half is 3, and adding 6 does not carry into it.
        if (((word & (word + 0x0606060606060606)) & 0xf0f0f0f0f0f0f0f0) != 0x3030303030303030) break;
        word = (word & 0x0f0f0f0f0f0f0f0f) * (1 + (10 << 8)) >> 8;
        word = (word & 0x00ff00ff00ff00ff) * (1 + (100 << 16)) >> 16;
        word = (word & 0x0000ffff0000ffff) * (1 + (std::uint64_t{10'000} << 32)) >> 32;
        number = number * 100'000'000 + word;
      }
    }
    for (; is_digit(text_[at]); ++at) number = number * 10 + static_cast<std::uint64_t>(text_[at] - '0');
    return at;
  }

  std::size_t number(const std::size_t start, JsonNode& node) {
    const bool negative = text_[start] == '-';
    const std::size_t first = start + (negative ? 1 : 0);
    std::uint64_t whole = 0;
    const std::size_t at = whole_number(first, whole);
    if (at == first) return refused;
    if (text_[first] == '0' && at != first + 1) return refused;
    if (text_[at] == '.' || text_[at] == 'e' || text_[at] == 'E') return fraction(start, at, node);
    if (at - first <= std::numeric_limits<std::int64_t>::digits10) {
      const auto magnitude = static_cast<std::int64_t>(whole);
      node.integer = negative ? -magnitude : magnitude;
    } else if (std::from_chars(text_ + start, text_ + at, node.integer).ec != std::errc{}) {
      out_of_range(node);
    }
    return at;
  }

  // The rest of a number that is not spelled as an integer, from its point or its exponent on.
  std::size_t fraction(std::size_t start, std::size_t at, JsonNode& node) {
    if (text_[at] == '.' && (at = digits(at + 1)) == refused) return refused;
    if (text_[at] == 'e' || text_[at] == 'E') {
      ++at;
      if (text_[at] == '+' || text_[at] == '-') ++at;
      at = digits(at);
      if (at == refused) return refused;
    }
    node.type = JsonType::number;
    if (std::from_chars(text_ + start, text_ + at, node.number).ec != std::errc{}) out_of_range(node);
    return at;
  }

  void out_of_range(JsonNode& node) noexcept {
    node.type = JsonType::out_of_range;
    buffer_.has_out_of_range_number = true;
  }

  JsonBuffer& buffer_;
  const JsonLimits& limits_;
  const std::size_t size_;
  const char* text_;  // of the buffer, which moves when the first string is unescaped
  JsonNode* nodes_;   // of the buffer, which move when they become more
  std::size_t nodes_max_;
  const Marks marks_of_ = best_marks();
  std::size_t block_ = static_cast<std::size_t>(-1);
  std::uint64_t marks_ = 0;  // of that block
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
