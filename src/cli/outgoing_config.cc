#include "cli/outgoing_config.h"

#include "cli/files.h"
#include "cli/smtp_url.h"
#include "jose/base64url.h"

#include <fmt/format.h>

#include <sys/stat.h>

#include <algorithm>
#include <istream>
#include <utility>

namespace jeton::cli {
namespace {

using platform::Fault;
using platform::Outcome;

constexpr std::size_t webhook_secret_bytes_min = 24, webhook_secret_bytes_max = 64;

// Without its line end. A secret that others can read is none.
Outcome<SecretBytes> read_secret(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) == 0 && (status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return std::unexpected(Fault{fmt::format("{} can be read or written by others than its owner.", path),
                                 fmt::format("Run chmod 600 {}, and consider whether someone has.", path)});
  }
  std::istream no_standard_input(nullptr);
  const auto text = read_secret_file(path, no_standard_input);
  if (!text.has_value()) return std::unexpected(text.error());
  const auto bytes = text->reveal(InsecureSecretAccess::get());
  std::string_view characters(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  while (characters.ends_with('\n') || characters.ends_with('\r')) characters.remove_suffix(1);
  if (characters.empty()) return std::unexpected(Fault{fmt::format("{} is empty.", path), ""});
  return SecretBytes::from_text(characters);
}

// "whsec_" and standard base64, as the libraries for such webhooks take it.
Outcome<SecretBytes> read_webhook_secret(const std::string& path) {
  auto text = read_secret(path);
  if (!text.has_value()) return text;
  const auto bytes = text->reveal(InsecureSecretAccess::get());
  std::string characters(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (characters.starts_with("whsec_")) characters.erase(0, 6);
  while (characters.ends_with('=')) characters.pop_back();
  std::ranges::replace(characters, '+', '-');
  std::ranges::replace(characters, '/', '_');
  const auto key = jose::base64url::decode(characters);
  if (!key.has_value() || key->size() < webhook_secret_bytes_min || key->size() > webhook_secret_bytes_max) {
    return std::unexpected(Fault{fmt::format("{} holds no webhook secret.", path),
                                 "Make one: (printf whsec_; head -c 32 /dev/urandom | base64) > FILE; chmod 600 FILE"});
  }
  return SecretBytes(*key);
}

}  // namespace

std::optional<std::string> mail_link_base(const MailConfig& mail) {
  if (mail.smtp.empty() && mail.drop.empty()) return std::nullopt;
  std::string base = mail.link_base;
  while (base.ends_with('/')) base.pop_back();
  return base;
}

Outcome<issuer::OutgoingOptions> read_outgoing(const Config& config) {
  issuer::OutgoingOptions options;
  options.mail_from = config.mail.from;
  options.mail_drop = config.mail.drop;
  if (!config.mail.smtp.empty()) {
    options.smtp = parse_smtp_url(config.mail.smtp);
    options.smtp->user = config.mail.user;
    options.smtp->ca_file = config.mail.ca_file;
    if (!config.mail.user.empty()) {
      auto password = read_secret(config.mail.password_file);
      if (!password.has_value()) return std::unexpected(password.error());
      options.smtp->password = *std::move(password);
    }
  }
  if (!config.webhook.url.empty()) {
    if (config.webhook.secret_file.empty())
      return std::unexpected(Fault{"[webhooks] url is set, but no secret_file.", "Events are never sent unsigned."});
    auto secret = read_webhook_secret(config.webhook.secret_file);
    if (!secret.has_value()) return std::unexpected(secret.error());
    options.webhook.emplace(issuer::WebhookOptions{
        .url = config.webhook.url, .secret = *std::move(secret), .ca_file = config.webhook.ca_file});
  }
  return options;
}

}  // namespace jeton::cli
