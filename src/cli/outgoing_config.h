// Where mail and events leave to, from the configuration's texts: addresses taken apart, secrets read from their files.
#pragma once

#include "cli/config.h"
#include "issuer/courier/outgoing.h"
#include "platform/fault.h"

#include <optional>
#include <string>

namespace jeton::cli {

// The link base for IssuerOptions: nothing if no mail is sent.
std::optional<std::string> mail_link_base(const MailConfig& mail);

// Fault: a file cannot be read or is readable by others, or holds no secret; a webhook without a secret.
platform::Outcome<issuer::OutgoingOptions> read_outgoing(const Config& config);

}  // namespace jeton::cli
