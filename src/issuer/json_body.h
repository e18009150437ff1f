// Bodies of requests and answers: one JSON object each.
#pragma once

#include "http/message.h"

#include <jeton/value.h>

#include <chrono>
#include <expected>
#include <string>
#include <string_view>

namespace jeton::issuer {

// The body as a JSON object, or the refusal: 400 unless Content-Type is application/json, 400 `{"error":"Malformed
// JSON"}` for anything but one strict JSON object (duplicate members, trailing bytes and the like included). Unknown
// members are the caller's to ignore.
std::expected<Value, http::Response> read_json_object(const http::Request& request);

// The member if it is there and a text, else null.
const std::string* text_member(const Value& object, std::string_view name) noexcept;

// 204.
http::Response no_content();
// `{"error":"TEXT"}`.
http::Response refusal(int status, std::string_view text);
// The same with Retry-After, for what is full or away.
http::Response try_again_later(int status, std::string_view text);
// 429 `{"error":"Too many attempts"}` with Retry-After.
http::Response too_many_attempts(std::chrono::seconds wait);
// 401 with the challenge that RFC 9110 section 11.6.1 demands. `error` is RFC 6750's; empty where no token came.
http::Response unauthorized(const Value& body, std::string_view realm, std::string_view error);

// Every 400, 401 and 403 of ours names the scheme (RFC 6750 section 3), also where the fault is in the body and no
// token was looked at. A challenge that is there already stays.
http::Response with_challenge(http::Response response, std::string_view realm);

// What a store that cannot answer means to a client: 503, try again.
http::Response store_unavailable();

}  // namespace jeton::issuer
