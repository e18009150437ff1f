#include "vector_file.h"

#include <fstream>
#include <iterator>
#include <stdexcept>

namespace jeton::vectors {
namespace {

constexpr std::string_view blanks = " \t";

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

[[noreturn]] void fail(const std::string& file, int line, std::string_view why) {
  throw std::runtime_error(file + ":" + std::to_string(line) + ": " + std::string(why));
}

}  // namespace

std::string_view Block::value(std::string_view key) const {
  const auto found = values.find(key);
  return found == values.end() ? std::string_view{} : std::string_view{found->second};
}

std::vector<Block> parse_blocks(std::string_view text, std::string file) {
  std::vector<Block> blocks;
  std::string* open = nullptr;  // the value that a line beginning with a blank goes on with
  bool in_block = false;
  int number = 0;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    ++number;
    if (trimmed(line).empty()) {
      in_block = false;
      open = nullptr;
    } else if (line.front() == '#') {
      open = nullptr;
    } else if (blanks.contains(line.front())) {
      if (!open) fail(file, number, "nothing to go on with");
      open->append(trimmed(line));
    } else {
      const auto equals = line.find('=');
      if (equals == std::string_view::npos) fail(file, number, "expected key = value");
      if (!in_block) blocks.push_back({.file = file, .line = number});
      in_block = true;
      const auto [place, is_new] =
          blocks.back().values.emplace(trimmed(line.substr(0, equals)), trimmed(line.substr(equals + 1)));
      if (!is_new) fail(file, number, "said twice");
      open = &place->second;
    }
  }
  return blocks;
}

std::vector<Block> read_blocks(const std::string& file) {
  std::ifstream in(std::string(JETON_VECTORS_DIR "/") + file, std::ios::binary);
  if (!in) throw std::runtime_error(file + ": cannot be read");
  return parse_blocks(std::string(std::istreambuf_iterator<char>(in), {}), file);
}

bool is_one_of(std::string_view code, std::string_view expected) {
  while (true) {
    const auto bar = expected.find('|');
    if (trimmed(expected.substr(0, bar)) == code) return true;
    if (bar == std::string_view::npos) return false;
    expected.remove_prefix(bar + 1);
  }
}

}  // namespace jeton::vectors
