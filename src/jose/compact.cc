#include "jose/compact.h"

#include "jose/base64url.h"
#include "jose/try.h"

#include <algorithm>

namespace jeton::jose {
namespace {

constexpr std::uint32_t header_members_max = 64;

constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

bool equal_without_case(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view without_application(std::string_view typ) noexcept {
  constexpr std::string_view prefix = "application/";
  if (typ.size() > prefix.size() && equal_without_case(typ.substr(0, prefix.size()), prefix))
    typ.remove_prefix(prefix.size());
  return typ;
}

Result<Algorithm> read_algorithm(JsonView object) {
  const auto alg = object.find("alg");
  if (!alg || !alg->is(JsonType::string)) return std::unexpected(Error{Errc::unsupported_algorithm, "alg"});
  const auto algorithm = algorithm_named(alg->string());
  if (!algorithm) return std::unexpected(Error{Errc::unsupported_algorithm, "alg"});
  return *algorithm;
}

}  // namespace

bool has_control_characters(std::string_view text) noexcept {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

Result<Compact> split_compact(std::string_view text, const Limits& limits) {
  if (text.size() > limits.token_bytes_max) {
    return std::unexpected(Error{Errc::token_too_large, {}, std::to_string(limits.token_bytes_max) + " bytes"});
  }
  const std::size_t first = text.find('.');
  const std::size_t second = first == text.npos ? text.npos : text.find('.', first + 1);
  if (second == text.npos || text.find('.', second + 1) != text.npos)
    return std::unexpected(Error{Errc::malformed_token});
  if (first == 0 || second == first + 1) return std::unexpected(Error{Errc::malformed_token});
  return Compact{text.substr(0, first), text.substr(first + 1, second - first - 1), text.substr(second + 1),
                 text.substr(0, second)};
}

Result<std::size_t> decode_segment(std::string_view segment, std::string& out) {
  if (!base64url::is_possible_length(segment.size())) return std::unexpected(Error{Errc::bad_base64url});
  const std::size_t size = base64url::decoded_size(segment.size());
  out.resize(size);
  if (!base64url::decode(segment, std::as_writable_bytes(std::span(out)).data())) {
    return std::unexpected(Error{Errc::bad_base64url});
  }
  return size;
}

JsonBuffer& thread_scratch() noexcept {
  thread_local JsonBuffer scratch;
  return scratch;
}

bool is_typ(std::string_view typ, std::string_view expected) noexcept {
  return equal_without_case(without_application(typ), without_application(expected));
}

Result<Header> read_header(std::string_view segment, JsonBuffer& buffer, const Limits& limits) {
  if (base64url::decoded_size(segment.size()) > limits.header_bytes_max) {
    return std::unexpected(
        Error{Errc::token_too_large, {}, "a header of " + std::to_string(limits.header_bytes_max) + " bytes at most"});
  }
  TRY([[maybe_unused]] const std::size_t size, decode_segment(segment, buffer.text));
  if (!parse_json(buffer, {limits.json_depth_max, header_members_max}) || buffer.has_out_of_range_number) {
    return std::unexpected(Error{Errc::malformed_json});
  }
  const JsonView object(buffer);
  if (!object.is(JsonType::object)) return std::unexpected(Error{Errc::malformed_json});
  for (const std::string_view member : {"enc", "zip"}) {
    if (object.find(member)) return std::unexpected(Error{Errc::unsupported_header, std::string(member)});
  }
  Header header{};
  TRY(header.algorithm, read_algorithm(object));
  // No extension is implemented, so every `crit` names one that must be refused; so does `b64`, which is only ever
  // good inside `crit` (RFC 7797 section 6) and never in a JWT (section 7).
  for (const std::string_view member : {"crit", "b64"}) {
    if (object.find(member)) return std::unexpected(Error{Errc::unsupported_critical, std::string(member)});
  }
  if (const auto kid = object.find("kid")) {
    if (!kid->is(JsonType::string) || kid->string().size() > limits.kid_bytes_max ||
        has_control_characters(kid->string())) {
      return std::unexpected(Error{Errc::invalid_kid, "kid"});
    }
    header.has_kid = true;
    header.kid = kid->string();
  }
  if (const auto typ = object.find("typ")) {
    if (!typ->is(JsonType::string)) return std::unexpected(Error{Errc::wrong_typ, "typ"});
    header.has_typ = true;
    header.typ = typ->string();
  }
  return header;
}

}  // namespace jeton::jose
