// One entry of the feed on the wire: base64url of its canonical bytes (jeton/revocation.h), so that what is sent is
// what is hashed. One entry has one spelling; anything else is refused.
#pragma once

#include <jeton/revocation.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace jeton::feed {

struct Entry {
  std::uint64_t number = 0;
  Revocation revocation;
  friend bool operator==(const Entry&, const Entry&) = default;
};

// The longest text of one.
inline constexpr std::size_t entry_text_bytes_max = ((29 + revocation_subject_bytes_max) * 4 + 2) / 3;
// Numbers are kept in 63 bits by databases.
inline constexpr std::uint64_t number_max = 0x7FFF'FFFF'FFFF'FFFF;

std::string entry_text(std::uint64_t number, const Revocation& revocation);
std::optional<Entry> parse_entry(std::string_view text);

}  // namespace jeton::feed
