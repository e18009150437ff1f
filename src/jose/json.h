// Strict, bounded JSON (RFC 8259) in one pass over the bytes: no duplicate member names (compared after unescaping), no
// trailing bytes, no byte order mark, valid UTF-8, no lone surrogates, bounded depth and number of members.
//
// A document is parsed into a JsonBuffer, which may be used again and again without allocating. JsonView reads it; a
// view lives as long as the nodes and text it was made from. `\u0000` is refused in member names, where it serves only
// to confuse, and allowed in values, whose readers decide.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace jeton::jose {

enum class JsonType : std::uint8_t {
  null,
  boolean,
  integer,
  number,
  string,
  out_of_range,  // a number beyond 64-bit integers or doubles
  array,         // from here on: what has nodes below it
  object,
};

struct JsonExtent {
  std::uint32_t begin,
      size;  // of a string: unescaped, in the text; of an array or object: size is the number of children
};

// A name's length and first seven bytes in one word. Names whose keys differ are different; names of up to seven bytes
// whose keys agree are the same.
inline constexpr std::size_t name_key_bytes = 7;
constexpr std::uint64_t name_key_bytewise(std::string_view name) noexcept {
  std::uint64_t key = name.size() < 255 ? name.size() : 255;
  for (std::size_t i = 0; i < name.size() && i < name_key_bytes; ++i) {
    key |= static_cast<std::uint64_t>(static_cast<unsigned char>(name[i])) << (8 + 8 * i);
  }
  return key;
}
constexpr std::uint64_t name_key(std::string_view name) noexcept {
  if (std::is_constant_evaluated() || std::endian::native != std::endian::little) return name_key_bytewise(name);
  // Two loads that overlap, or one.
  const std::size_t size = name.size();
  const char* const at = name.data();
  const auto load = [](const char* from, auto word) noexcept {
    std::memcpy(&word, from, sizeof word);
    return static_cast<std::uint64_t>(word);
  };
  std::uint64_t bytes = 0;
  if (size > name_key_bytes)
    bytes = load(at, std::uint64_t{});
  else if (size >= 4)
    bytes = load(at, std::uint32_t{}) | load(at + size - 4, std::uint32_t{}) << 8 * (size - 4);
  else if (size >= 2)
    bytes = load(at, std::uint16_t{}) | load(at + size - 2, std::uint16_t{}) << 8 * (size - 2);
  else if (size == 1)
    bytes = static_cast<unsigned char>(*at);
  return bytes << 8 | (size < 255 ? size : 255);
}

// One of 64 for each key, by a factor found by trying: the usual claims and header members have one each.
inline constexpr unsigned name_bits = 64;
constexpr unsigned name_bit(std::uint64_t key) noexcept {
  return static_cast<unsigned>(key * 0xca357568e2934bf1 >> 58);
}

struct JsonNode {
  JsonType type;
  bool boolean;              // boolean
  bool has_control;          // string: holds one of U+0000 to U+001F, or U+007F
  std::uint32_t name_begin;  // of a member: its name, unescaped, in the text
  std::uint32_t name_size;
  std::uint32_t span;  // how many nodes this one is, with all below it
  std::uint64_t key;   // of a member: name_key of its name
  union {
    std::int64_t integer;
    double number;
    JsonExtent extent;  // string, array, object
  };
};

struct JsonLimits {
  std::uint32_t depth_max = 16;
  std::uint32_t members_max = 512;
};

struct JsonBuffer {
  std::string text;  // in: the document; out: the document, and unescaped strings behind it
  std::size_t document_size = 0;
  std::vector<JsonNode> nodes{};  // out: the first node_count of them; the others are room
  std::uint32_t node_count = 0;
  bool has_out_of_range_number = false;
};

// Parses buffer.text. False if it is refused.
[[nodiscard]] bool parse_json(JsonBuffer& buffer, const JsonLimits& limits = {});

// Two pointers, so that a view travels in registers.
class JsonView {
 public:
  JsonView(const JsonNode* node, const char* text) noexcept : node_(node), text_(text) {}
  explicit JsonView(const JsonBuffer& buffer) noexcept : JsonView(buffer.nodes.data(), buffer.text.data()) {}

  JsonType type() const noexcept { return node_->type; }
  bool is(JsonType type) const noexcept { return node_->type == type; }
  std::string_view string() const noexcept { return {text_ + node_->extent.begin, node_->extent.size}; }  // is(string)
  std::int64_t integer() const noexcept { return node_->integer; }                                        // is(integer)
  double number() const noexcept { return node_->number; }                                                // is(number)
  bool boolean() const noexcept { return node_->boolean; }                     // is(boolean)
  bool has_control_characters() const noexcept { return node_->has_control; }  // is(string)
  std::string_view name() const noexcept { return {text_ + node_->name_begin, node_->name_size}; }
  std::uint64_t key() const noexcept { return node_->key; }
  const JsonNode* node() const noexcept { return node_; }
  std::size_t size() const noexcept { return node_->extent.size; }  // children, of an array or object

  // The member of that name; this must be an object.
  std::optional<JsonView> find(std::string_view name) const noexcept { return find(name, name_key(name)); }

  // Children in order: for (JsonView child : view.children()).
  class Iterator {
   public:
    Iterator(const JsonNode* node, const char* text) noexcept : node_(node), text_(text) {}
    JsonView operator*() const noexcept { return {node_, text_}; }
    Iterator& operator++() noexcept {
      node_ += node_->span;
      return *this;
    }
    bool operator!=(const Iterator& other) const noexcept { return node_ != other.node_; }

   private:
    const JsonNode* node_;
    const char* text_;
  };
  struct Children {
    Iterator first, last;
    Iterator begin() const noexcept { return first; }
    Iterator end() const noexcept { return last; }
  };
  Children children() const noexcept { return {{node_ + 1, text_}, {node_ + node_->span, text_}}; }

 private:
  std::optional<JsonView> find(std::string_view name, std::uint64_t key) const noexcept;
  const JsonNode* node_;
  const char* text_;
};

// Appends `text` as a JSON string, quotes included; it must be UTF-8.
void append_json_string(std::string& out, std::string_view text);

}  // namespace jeton::jose
