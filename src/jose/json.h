// Strict, bounded JSON (RFC 8259) in one pass over the bytes: no duplicate member names (compared after unescaping), no
// trailing bytes, no byte order mark, valid UTF-8, no lone surrogates, bounded depth and number of members.
//
// A document is parsed into a JsonBuffer, which may be used again and again without allocating. JsonView reads it; a
// view lives as long as the nodes and text it was made from. `\u0000` is refused in member names, where it serves only
// to confuse, and allowed in values, whose readers decide.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jeton::jose {

enum class JsonType : std::uint8_t {
  null,
  boolean,
  integer,
  number,
  string,
  array,
  object,
  out_of_range,  // a number beyond 64-bit integers or doubles
};

struct JsonExtent {
  std::uint32_t begin,
      size;  // of a string: unescaped, in the text; of an array or object: size is the number of children
};

// A name's length and first seven bytes in one word. Names whose keys differ are different; names of up to seven bytes
// whose keys agree are the same.
inline constexpr std::size_t name_key_bytes = 7;
constexpr std::uint64_t name_key(std::string_view name) noexcept {
  std::uint64_t key = name.size() < 255 ? name.size() : 255;
  for (std::size_t i = 0; i < name.size() && i < name_key_bytes; ++i) {
    key |= static_cast<std::uint64_t>(static_cast<unsigned char>(name[i])) << (8 + 8 * i);
  }
  return key;
}

struct JsonNode {
  JsonType type;
  bool boolean;              // boolean
  bool has_control;          // string: holds one of U+0000 to U+001F, or U+007F
  std::uint32_t name_begin;  // of a member: its name, unescaped, in the text
  std::uint32_t name_size;
  std::uint32_t next;  // index of the node behind this one and all below it
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
  std::vector<JsonNode> nodes{};  // out
  bool has_out_of_range_number = false;
};

// Parses buffer.text. False if it is refused.
[[nodiscard]] bool parse_json(JsonBuffer& buffer, const JsonLimits& limits = {});

class JsonView {
 public:
  JsonView(const JsonNode* nodes, const char* text, std::uint32_t index = 0) noexcept
      : nodes_(nodes), text_(text), index_(index) {}
  explicit JsonView(const JsonBuffer& buffer) noexcept : JsonView(buffer.nodes.data(), buffer.text.data()) {}

  JsonType type() const noexcept { return node().type; }
  bool is(JsonType type) const noexcept { return node().type == type; }
  std::string_view string() const noexcept { return {text_ + node().extent.begin, node().extent.size}; }  // is(string)
  std::int64_t integer() const noexcept { return node().integer; }                                        // is(integer)
  double number() const noexcept { return node().number; }                                                // is(number)
  bool boolean() const noexcept { return node().boolean; }                                                // is(boolean)
  bool has_control_characters() const noexcept { return node().has_control; }                             // is(string)
  std::string_view name() const noexcept { return {text_ + node().name_begin, node().name_size}; }
  std::uint64_t key() const noexcept { return node().key; }
  std::size_t size() const noexcept { return node().extent.size; }  // children, of an array or object

  // The member of that name; this must be an object.
  std::optional<JsonView> find(std::string_view name) const noexcept { return find(name, name_key(name)); }

  // Children in order: for (JsonView child : view.children()).
  class Iterator {
   public:
    Iterator(const JsonNode* nodes, const char* text, std::uint32_t index) noexcept
        : nodes_(nodes), text_(text), index_(index) {}
    JsonView operator*() const noexcept { return {nodes_, text_, index_}; }
    Iterator& operator++() noexcept {
      index_ = nodes_[index_].next;
      return *this;
    }
    bool operator!=(const Iterator& other) const noexcept { return index_ != other.index_; }

   private:
    const JsonNode* nodes_;
    const char* text_;
    std::uint32_t index_;
  };
  struct Children {
    Iterator first, last;
    Iterator begin() const noexcept { return first; }
    Iterator end() const noexcept { return last; }
  };
  Children children() const noexcept { return {{nodes_, text_, index_ + 1}, {nodes_, text_, node().next}}; }

 private:
  std::optional<JsonView> find(std::string_view name, std::uint64_t key) const noexcept;
  const JsonNode& node() const noexcept { return nodes_[index_]; }
  const JsonNode* nodes_;
  const char* text_;
  std::uint32_t index_;
};

// Appends `text` as a JSON string, quotes included; it must be UTF-8.
void append_json_string(std::string& out, std::string_view text);

}  // namespace jeton::jose
