// VectorFile: test vectors as text. Blocks of `key = value` lines, parted by empty lines; `#` begins a comment line;
// a line that begins with a blank goes on with the value above, without the blanks.
#pragma once

#include <functional>
#include <map>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace jeton::vectors {

struct Block {
  std::string file;
  int line = 0;  // of its first value
  std::map<std::string, std::string, std::less<>> values{};

  bool has(std::string_view key) const { return values.contains(key); }
  // The value, or an empty text.
  std::string_view value(std::string_view key) const;
  std::string place() const { return file + ":" + std::to_string(line); }
  friend std::ostream& operator<<(std::ostream& out, const Block& block) { return out << block.place(); }
};

// Throws std::runtime_error, with file and line, where the text is not of that form or a block says a thing twice.
std::vector<Block> parse_blocks(std::string_view text, std::string file);
// The blocks of a file of this folder.
std::vector<Block> read_blocks(const std::string& file);

// True if `code` is the outcome, or one of the outcomes parted by `|`, that `expected` names.
bool is_one_of(std::string_view code, std::string_view expected);

}  // namespace jeton::vectors
