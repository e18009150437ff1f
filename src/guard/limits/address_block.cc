#include "guard/limits/address_block.h"

#include <algorithm>
#include <cstddef>
#include <optional>

namespace jeton::guard {
namespace {

using Bytes4 = std::array<std::uint8_t, 4>;
using Bytes16 = std::array<std::uint8_t, 16>;

// RFC 3986 section 3.2.2, IPv4address: four numbers without leading zeros.
std::optional<Bytes4> read_v4(std::string_view text) noexcept {
  Bytes4 bytes{};
  for (std::size_t part = 0; part < bytes.size(); ++part) {
    if (part > 0) {
      if (text.empty() || text.front() != '.') return std::nullopt;
      text.remove_prefix(1);
    }
    unsigned number = 0;
    std::size_t digits = 0;
    while (digits < text.size() && digits < 3 && text[digits] >= '0' && text[digits] <= '9')
      number = number * 10 + static_cast<unsigned>(text[digits++] - '0');
    if (digits == 0 || number > 255 || (digits > 1 && text.front() == '0')) return std::nullopt;
    bytes[part] = static_cast<std::uint8_t>(number);
    text.remove_prefix(digits);
  }
  return text.empty() ? std::optional(bytes) : std::nullopt;
}

std::optional<unsigned> hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  const char lower = static_cast<char>(c | 0x20);
  if (lower >= 'a' && lower <= 'f') return static_cast<unsigned>(lower - 'a' + 10);
  return std::nullopt;
}

// Groups of a side of `::`, from `at` on; none if it is malformed. The last one may be an IPv4 address.
std::optional<std::size_t> read_groups(std::string_view text, Bytes16& bytes, std::size_t at, bool is_end) noexcept {
  while (!text.empty()) {
    const std::size_t size = std::min(text.find(':'), text.size());
    const std::string_view group = text.substr(0, size);
    if (is_end && size == text.size() && group.contains('.')) {
      const auto v4 = read_v4(group);
      if (!v4.has_value() || at > 12) return std::nullopt;
      std::ranges::copy(*v4, bytes.begin() + static_cast<std::ptrdiff_t>(at));
      return at + 4;
    }
    if (group.empty() || group.size() > 4 || at > 14) return std::nullopt;
    unsigned number = 0;
    for (const char c : group) {
      const auto digit = hex_digit(c);
      if (!digit.has_value()) return std::nullopt;
      number = number << 4 | *digit;
    }
    bytes[at++] = static_cast<std::uint8_t>(number >> 8);
    bytes[at++] = static_cast<std::uint8_t>(number & 0xFF);
    if (size == text.size()) break;
    text.remove_prefix(size + 1);
    if (text.empty()) return std::nullopt;  // a single colon at the end
  }
  return at;
}

// RFC 4291 section 2.2.
std::optional<Bytes16> read_v6(std::string_view text) noexcept {
  Bytes16 bytes{}, tail{};
  const std::size_t gap = text.find("::");
  if (gap == std::string_view::npos) {
    const auto size = read_groups(text, bytes, 0, true);
    return size == 16 ? std::optional(bytes) : std::nullopt;
  }
  const auto head_size = read_groups(text.substr(0, gap), bytes, 0, false);
  const auto tail_size = read_groups(text.substr(gap + 2), tail, 0, true);
  // `::` stands for one group at least.
  if (!head_size.has_value() || !tail_size.has_value() || *head_size + *tail_size > 14) return std::nullopt;
  std::copy_n(tail.begin(), *tail_size, bytes.end() - static_cast<std::ptrdiff_t>(*tail_size));
  return bytes;
}

}  // namespace

AddressBlock block_of(std::string_view address) noexcept {
  constexpr std::size_t address_bytes_max = 45;
  constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  AddressBlock block{};
  const auto fill = [&block](const std::uint8_t* first, std::size_t size) {
    block[0] = static_cast<char>(size);
    std::copy_n(first, size, block.begin() + 1);
  };
  if (address.size() > address_bytes_max) return block;
  if (const auto v4 = read_v4(address)) {
    fill(v4->data(), v4->size());
  } else if (const auto v6 = read_v6(address)) {
    if (std::equal(mapped.begin(), mapped.end(), v6->begin()))
      fill(v6->data() + mapped.size(), 4);
    else
      fill(v6->data(), 8);
  }
  return block;
}

}  // namespace jeton::guard
