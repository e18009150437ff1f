#include "cli/token_parts.h"

#include "jose/base64url.h"

#include <algorithm>

namespace jeton::cli {
namespace {

Result<Value> json_object_in(std::string_view segment, std::string_view part) {
  const auto bytes = jose::base64url::decode(segment);
  if (!bytes) return std::unexpected(Error{Errc::bad_base64url, std::string(part)});
  auto value = Value::parse({reinterpret_cast<const char*>(bytes->data()), bytes->size()});
  if (!value) return std::unexpected(value.error());
  if (value->if_object() == nullptr) return std::unexpected(Error{Errc::malformed_json, std::string(part)});
  return value;
}

}  // namespace

Result<TokenParts> take_apart(std::string_view compact) {
  if (compact.size() > default_limits.token_bytes_max) return std::unexpected(Error{Errc::token_too_large});
  if (std::ranges::count(compact, '.') != 2) return std::unexpected(Error{Errc::malformed_token});
  const std::size_t first = compact.find('.');
  const std::size_t last = compact.rfind('.');
  return TokenParts{.header = json_object_in(compact.substr(0, first), "header"),
                    .payload = json_object_in(compact.substr(first + 1, last - first - 1), "payload"),
                    .signature_bytes = jose::base64url::decoded_size(compact.size() - last - 1)};
}

bool is_refresh_token(std::string_view token) noexcept { return token.starts_with("jrt1."); }

std::string_view without_blanks_around(std::string_view text) noexcept {
  constexpr std::string_view blanks = " \t\r\n";
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

}  // namespace jeton::cli
