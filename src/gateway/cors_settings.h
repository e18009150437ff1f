// `cors` of [[route]] and [defaults]: which pages may read what stands behind a route (gateway/cors.h).
#pragma once

#include "http/cors.h"
#include "platform/toml_document.h"

#include <memory>
#include <optional>

namespace jeton::gateway {

// Nothing: it is not set. Null: there is to be none, `cors = false`.
std::optional<std::shared_ptr<const http::CorsPolicy>> read_cors(platform::TomlTable& route);

}  // namespace jeton::gateway
