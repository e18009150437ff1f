// The mail server of the configuration, taken apart.
#pragma once

#include "issuer/mail/smtp.h"

#include <optional>
#include <string_view>

namespace jeton::cli {

// "smtps://HOST:PORT", "smtp://HOST:PORT" (STARTTLS) or "smtp+plain://HOST:PORT"; the ports 465, 587 and 25 by default.
std::optional<issuer::SmtpOptions> parse_smtp_url(std::string_view url);

}  // namespace jeton::cli
