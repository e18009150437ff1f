// Methods that no shape of the gateway lets through: what is between two neighbours alone (RFC 9110, sections 9.3.6 and
// 9.3.8), and `get`, which is another method than GET for a policy and the same one for a careless server. They are
// answered 405.
#pragma once

#include <algorithm>
#include <string_view>

namespace jeton::gateway {

inline bool is_passed_on(std::string_view method) noexcept {
  const auto is_upper = [](char c) { return (c >= 'A' && c <= 'Z') || c == '-'; };
  return method != "TRACE" && method != "CONNECT" && std::ranges::all_of(method, is_upper);
}

}  // namespace jeton::gateway
