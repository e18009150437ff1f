// How text reaches a person's terminal: painted where colour is wanted, and with every character that could move the
// cursor, hide or reorder text made visible. What a stranger wrote into a token must not be able to draw on the
// screen.
#pragma once

#include <jeton/value.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace jeton::cli {

// NO_COLOR (no-color.org) counts when it is not empty; a terminal of type "dumb" takes none.
bool terminal_takes_colour(bool is_terminal, const char* no_color, const char* terminal_type) noexcept;

enum class Tone : std::uint8_t { plain, strong, quiet, good, bad };

// `text` in that tone, or as it is where `colour` is false.
std::string painted(std::string_view text, Tone tone, bool colour);

// `text` with control characters (C0, DEL, C1), line separators, bidirectional and invisible format characters
// written as \uXXXX, and bytes that are not UTF-8 as \xNN. JSON text stays the same JSON text. Line feeds are kept
// where `keep_lines` is true.
std::string harmless(std::string_view text, bool keep_lines = false);

// JSON over several lines, two spaces a level; harmless on a terminal.
std::string pretty_json(const Value& value);

// `text` cut to at most `characters_max` characters, with "…" where it was cut; only whole characters.
std::string shortened(std::string_view text, std::size_t characters_max);

}  // namespace jeton::cli
