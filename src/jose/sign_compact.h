// Writing a compact serialization.
#pragma once

#include <jeton/error.h>
#include <jeton/key.h>

#include <string>
#include <string_view>

namespace jeton::jose {

// base64url of {"alg":…,"typ":…,"cty":…,"kid":…}, without those that are empty.
std::string encoded_header(const SigningKey& key, std::string_view typ, std::string_view cty);

// header.payload.signature. Errors: malformed_json if header members are not UTF-8.
Result<std::string> sign_compact(const SigningKey& key, std::string_view header, std::string_view payload);

}  // namespace jeton::jose
