#include "cli/smtp_url.h"

#include <algorithm>
#include <charconv>

namespace jeton::cli {

std::optional<issuer::SmtpOptions> parse_smtp_url(std::string_view url) {
  issuer::SmtpOptions options;
  const auto take = [&](std::string_view scheme, issuer::SmtpSecurity security, std::uint16_t port) {
    if (!url.starts_with(scheme)) return false;
    url.remove_prefix(scheme.size());
    options.security = security;
    options.port = port;
    return true;
  };
  if (!take("smtps://", issuer::SmtpSecurity::tls, 465) && !take("smtp://", issuer::SmtpSecurity::starttls, 587) &&
      !take("smtp+plain://", issuer::SmtpSecurity::none, 25)) {
    return std::nullopt;
  }
  if (const std::size_t colon = url.rfind(':'); colon != std::string_view::npos) {
    const std::string_view digits = url.substr(colon + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), options.port);
    if (error != std::errc() || end != digits.data() + digits.size() || options.port == 0) return std::nullopt;
    url = url.substr(0, colon);
  }
  const auto is_host = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  };
  if (url.empty() || !std::ranges::all_of(url, is_host)) return std::nullopt;
  options.host = url;
  return options;
}

}  // namespace jeton::cli
