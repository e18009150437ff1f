#include "cli/terminal.h"

#include <fmt/format.h>

#include <optional>

namespace jeton::cli {
namespace {

struct Character {
  char32_t code;
  std::size_t bytes;
};

// The UTF-8 character at the start of `text`, or nothing if the bytes there are none. `text` is not empty.
std::optional<Character> first_character(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return Character{lead, 1};
  const std::size_t bytes = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < bytes) return std::nullopt;
  char32_t code = lead & (0x7FU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return std::nullopt;
    code = (code << 6U) | (byte(i) & 0x3FU);
  }
  const bool too_long = (bytes == 3 && code < 0x800) || (bytes == 4 && code < 0x10000);
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  if (too_long || surrogate || code > 0x10FFFF) return std::nullopt;
  return Character{code, bytes};
}

// Characters that change how a terminal shows the text around them. U+2028 and U+2029 end lines; the rest are controls,
// bidirectional marks, embeddings and isolates, zero-width characters, and tags (U+E0000…), which are invisible.
bool alters_display(char32_t c) noexcept {
  return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0xAD || c == 0x061C || c == 0x180E ||
         (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF ||
         (c >= 0xFFF9 && c <= 0xFFFB) || (c >= 0xE0000 && c <= 0xE007F);
}

void append_escape(std::string& out, char32_t c) {
  if (c < 0x10000) {
    out += fmt::format("\\u{:04x}", static_cast<std::uint32_t>(c));
    return;
  }
  const std::uint32_t offset = static_cast<std::uint32_t>(c) - 0x10000;
  out += fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + (offset >> 10U), 0xDC00 + (offset & 0x3FFU));
}

void append_pretty(std::string& out, const Value& value, std::size_t indent) {
  const std::string inner(indent + 2, ' ');
  const auto close = [&](char bracket) {
    out += '\n';
    out.append(indent, ' ');
    out += bracket;
  };
  if (const auto* object = value.if_object(); object != nullptr && !object->empty()) {
    out += '{';
    bool first = true;
    for (const auto& [name, member] : *object) {
      out += first ? "\n" : ",\n";
      out += inner + Value(name).to_json() + ": ";
      append_pretty(out, member, indent + 2);
      first = false;
    }
    return close('}');
  }
  if (const auto* array = value.if_array(); array != nullptr && !array->empty()) {
    out += '[';
    bool first = true;
    for (const Value& element : *array) {
      out += first ? "\n" : ",\n";
      out += inner;
      append_pretty(out, element, indent + 2);
      first = false;
    }
    return close(']');
  }
  out += value.to_json();
}

}  // namespace

bool terminal_takes_colour(bool is_terminal, const char* no_color, const char* terminal_type) noexcept {
  if (!is_terminal) return false;
  if (no_color != nullptr && *no_color != '\0') return false;
  return terminal_type != nullptr && std::string_view(terminal_type) != "dumb" && *terminal_type != '\0';
}

std::string painted(std::string_view text, Tone tone, bool colour) {
  if (!colour) return std::string(text);
  switch (tone) {
    case Tone::plain: return std::string(text);
    case Tone::strong: return fmt::format("\033[1m{}\033[0m", text);
    case Tone::quiet: return fmt::format("\033[2m{}\033[0m", text);
    case Tone::good: return fmt::format("\033[1;32m{}\033[0m", text);
    case Tone::bad: return fmt::format("\033[1;31m{}\033[0m", text);
  }
  return std::string(text);
}

std::string harmless(std::string_view text, bool keep_lines) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto character = first_character(text);
    if (!character) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[0]));
      text.remove_prefix(1);
      continue;
    }
    if (alters_display(character->code) && !(keep_lines && character->code == '\n')) {
      append_escape(out, character->code);
    } else {
      out += text.substr(0, character->bytes);
    }
    text.remove_prefix(character->bytes);
  }
  return out;
}

std::string pretty_json(const Value& value) {
  std::string out;
  append_pretty(out, value, 0);
  return harmless(out, true);
}

std::string shortened(std::string_view text, std::size_t characters_max) {
  std::size_t characters = 0;
  std::size_t cut = 0;  // where the text ends if the last character must give way to "…"
  for (std::size_t at = 0; at < text.size();) {
    const auto character = first_character(text.substr(at));
    if (characters + 1 == characters_max) cut = at;
    if (characters == characters_max) return std::string(text.substr(0, cut)) + "…";
    ++characters;
    at += character ? character->bytes : 1;
  }
  return std::string(text);
}

}  // namespace jeton::cli
