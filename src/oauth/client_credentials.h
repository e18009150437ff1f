// How a client shows who it is (RFC 6749 section 2.3, RFC 7523 section 2.2), as it stands in the request; whether it is
// right is decided elsewhere.
#pragma once

#include "oauth/fault.h"
#include "oauth/form.h"

#include <jeton/secret.h>

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>

namespace jeton::oauth {

enum class ClientMethod : std::uint8_t {
  none,                 // a public client that only says its name
  client_secret_basic,  // Authorization: Basic
  client_secret_post,   // client_id and client_secret in the form
  private_key_jwt,      // client_assertion
};

struct ClientCredentials {
  ClientMethod method = ClientMethod::none;
  std::string client_id{};  // as claimed
  SecretBytes secret{};
  std::string assertion{};
};

inline constexpr std::string_view assertion_type_jwt = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

// Faults: invalid_request where the client uses more than one way at once or names itself twice differently;
// invalid_client where it names itself in none, or in a way that is not known.
//
// An assertion without `client_id` beside it names its client itself (RFC 7521 section 4.2): its unverified `sub` then
// says whose keys are tried, and those keys decide whether it is believed.
std::expected<ClientCredentials, Fault> read_client_credentials(std::span<const std::string_view> authorization,
                                                                const Form& form);

// 1 to 64 of the characters A–Z a–z 0–9 . _ -, which need no escaping anywhere an id is written.
inline constexpr std::size_t client_id_bytes_max = 64;
bool is_client_id(std::string_view text) noexcept;

}  // namespace jeton::oauth
