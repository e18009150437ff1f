// Fault: why a request to an OAuth endpoint is refused, and the one table of what a client is told.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace jeton::oauth {

enum class FaultCode : std::uint8_t {
  invalid_request,          // RFC 6749 section 5.2: malformed, or a parameter is missing or given twice
  invalid_client,           // authentication failed, whatever the reason
  invalid_grant,            // the refresh token is no good, or another client's
  unauthorized_client,      // this client may not use this grant
  unsupported_grant_type,   //
  invalid_scope,            // malformed, or more than the client has
  invalid_target,           // RFC 8707 section 2: an audience that the client does not have
  unsupported_token_type,   // RFC 7009 section 2.2.1
  temporarily_unavailable,  // ours, try again
  server_error,             // ours
};

struct Fault {
  FaultCode code;
  std::string_view description{};  // static text, told to the client; visible ASCII without `"` and `\`
  std::string_view detail{};       // static text, for the log alone
};

std::string_view name_of(FaultCode code) noexcept;

// 400, but 401 for invalid_client, 503 and 500 for what is ours.
int status_of(FaultCode code) noexcept;

// {"error":"invalid_request","error_description":"…"}
std::string body_of(const Fault& fault);

}  // namespace jeton::oauth
