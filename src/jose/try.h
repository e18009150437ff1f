// TRY(name, expression): the value of a Result, or return its error. The one macro of the project: libstdc++ 12 has no
// std::expected::and_then.
#pragma once

#include <expected>
#include <utility>

#define JETON_TRY_JOIN_(a, b) a##b
#define JETON_TRY_JOIN(a, b) JETON_TRY_JOIN_(a, b)
#define TRY(name, ...)                                                         \
  auto JETON_TRY_JOIN(try_, __LINE__) = (__VA_ARGS__);                         \
  if (!JETON_TRY_JOIN(try_, __LINE__).has_value())                             \
    return std::unexpected(std::move(JETON_TRY_JOIN(try_, __LINE__)).error()); \
  name = *std::move(JETON_TRY_JOIN(try_, __LINE__))
