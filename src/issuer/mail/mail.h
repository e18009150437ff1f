// Mail: short plain texts to one address each (RFC 5322), and how they wait in the outbox.
#pragma once

#include "issuer/mail/address.h"
#include "store/ids.h"

#include <jeton/secret.h>

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace jeton::issuer {

struct Mail {
  std::string to;       // one address
  std::string subject;  // ASCII
  std::string text;     // ASCII, lines ending in \n
};

// The message as it is sent, lines ending in CRLF. Nothing if a field holds what has no place in it (is_mailable above,
// controls, lines longer than 998 bytes): a header cannot be injected, whatever the caller passes. `id` goes into the
// Message-ID, and is the same at every attempt.
std::optional<std::string> compose(const Mail& mail, std::string_view from, std::string_view id, store::StoreTime at);

// A mail holds its one-time link in clear, so it waits sealed.
std::vector<std::byte> seal_mail(const SecretBytes& key, const Mail& mail);
std::optional<Mail> open_mail(const SecretBytes& key, std::span<const std::byte> sealed);

}  // namespace jeton::issuer
