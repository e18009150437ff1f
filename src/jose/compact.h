// The compact serialization of a JWS (RFC 7515 section 7.1): three segments, and the header of one.
#pragma once

#include "jose/json.h"

#include <jeton/algorithm.h>
#include <jeton/error.h>
#include <jeton/limits.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace jeton::jose {

struct Compact {
  std::string_view header, payload, signature;  // as spelled
  std::string_view signing_input;               // header and payload with the dot between
};

// Tests the size before it looks at any byte, then wants exactly two dots, and something before each of them.
// Errors: token_too_large, malformed_token.
Result<Compact> split_compact(std::string_view text, const Limits& limits);

struct Header {
  Algorithm algorithm;
  bool has_kid = false, has_typ = false;
  std::string_view kid, typ;  // in the buffer that the header was read with
};

// Decodes and reads a header segment. What it must refuse, it refuses here: unknown algorithms, `crit`, `b64`, members
// of a JWE, unusable `kid`. Errors: token_too_large, bad_base64url, malformed_json, unsupported_algorithm,
// unsupported_critical, unsupported_header, invalid_kid, wrong_typ.
Result<Header> read_header(std::string_view segment, JsonBuffer& buffer, const Limits& limits);

// base64url of `segment` into buffer.text. Errors: bad_base64url.
Result<std::size_t> decode_segment(std::string_view segment, std::string& out);

// The scratch of this thread, so that reading a token allocates nothing once it is warm. Whoever uses it copies what
// it wants to keep before calling anything that might use it again.
JsonBuffer& thread_scratch() noexcept;

// True if the header's `typ` is `expected`, without case and without a leading "application/" on either side.
bool is_typ(std::string_view typ, std::string_view expected) noexcept;

bool has_control_characters(std::string_view text) noexcept;

}  // namespace jeton::jose
