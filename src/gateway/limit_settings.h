// `limit` of [[route]]: docs/limits.md.
#pragma once

#include "platform/toml_document.h"

#include <jeton/rate_limit.h>

#include <string>
#include <vector>

namespace jeton::gateway {

// One inline table, or a list of them.
std::vector<LimitRule> read_limits(platform::TomlTable& route, const std::string& route_name);

}  // namespace jeton::gateway
