// One's own devices: the live sessions of whoever asks, and ending them. All ask for an access token, not for the
// refresh cookie.
#pragma once

#include "http/message.h"
#include "issuer/context.h"
#include "issuer/rules.h"
#include "store/sessions.h"

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace jeton::issuer {

// GET /api/auth/sessions → 200 {"sessions":[{"sid","current","device":{"name",…},"firstSeen",…}]}, the last used first.
boost::asio::awaitable<http::Response> answer_sessions(const Context& context, const http::Request& request);

// DELETE /api/auth/sessions/{sid} → 204; 404 for what is unknown, not live or somebody else's, all alike.
boost::asio::awaitable<http::Response> answer_end_session(const Context& context, const http::Request& request);

// POST /api/auth/sessions/revoke-others → 200 {"ended":N}: all of one's sessions but the one that asks.
boost::asio::awaitable<http::Response> answer_revoke_others(const Context& context, const http::Request& request);

inline constexpr std::string_view fingerprint_header = "X-Jeton-Fingerprint";
inline constexpr std::size_t fingerprint_bytes_max = 256;

// What a login or a refresh says of its device.
struct PresentedDevice {
  std::string agent;                                // UserAgent::text()
  std::optional<store::Fingerprint> fingerprint{};  // hashed with a key that the store does not have
};
// 400 for a fingerprint that is given twice, or is not 1 to 256 visible ASCII characters.
std::expected<PresentedDevice, http::Response> presented_device(const Context& context, const http::Request& request);

// How many live sessions this user may have; 0: any number. By the plan in his claims, else the one for all.
std::uint32_t sessions_max_of(const Rules& rules, const std::string& claims_json);

}  // namespace jeton::issuer
