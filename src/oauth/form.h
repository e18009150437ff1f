// Form: the parameters of a body in application/x-www-form-urlencoded, read strictly (RFC 6749 appendix B, section
// 3.2): a name that stands twice, a broken escape, bytes that are not UTF-8 and control characters are refused. A
// parameter with an empty value counts as omitted.
#pragma once

#include "oauth/fault.h"

#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jeton::oauth {

inline constexpr std::size_t form_parameters_max = 32;

class Form {
 public:
  // Fault: invalid_request. `resource` may stand several times (RFC 8707 section 2).
  static std::expected<Form, Fault> parse(std::string_view body);

  // The value, or null where it is absent or empty.
  const std::string* find(std::string_view name) const noexcept;
  std::vector<std::string> all(std::string_view name) const;

 private:
  std::vector<std::pair<std::string, std::string>> parameters_;
};

// One name or value: `+` is a space, %XX a byte. Nothing if it is no such text.
std::optional<std::string> form_decoded(std::string_view text);

}  // namespace jeton::oauth
