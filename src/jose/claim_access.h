// Claims of a verified token where they lie: no copy, no allocation. For the rooms of the library.
#pragma once

#include "jose/token_state.h"

#include <jeton/verified_token.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace jeton::jose {

struct ClaimAccess {
  // None if it is absent, or something on the way is no object.
  static std::optional<JsonView> find(const VerifiedToken& token, std::span<const std::string> path) noexcept {
    if (path.empty()) return std::nullopt;
    auto at = token.state_->find(path.front());
    for (const std::string& segment : path.subspan(1)) {
      if (!at.has_value() || !at->is(JsonType::object)) return std::nullopt;
      at = at->find(segment);
    }
    return at;
  }
  static std::string_view scope(const VerifiedToken& token) noexcept { return token.state_->scope; }
};

}  // namespace jeton::jose
