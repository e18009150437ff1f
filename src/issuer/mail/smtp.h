// SMTP (RFC 5321): hands one message to the operator's mail server. Blocking, with one limit of time for the whole of
// it; for a courier's thread, never an event loop.
//
// TLS with the server's certificate verified, from the first byte (RFC 8314) or by STARTTLS (RFC 3207), which is
// demanded and not merely tried: a server, or somebody in between, that does not offer it gets neither password nor
// message. Without TLS only this machine is spoken to.
#pragma once

#include <jeton/secret.h>

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>

namespace jeton::issuer {

enum class SmtpSecurity : std::uint8_t { tls, starttls, none };

struct SmtpOptions {
  SmtpSecurity security = SmtpSecurity::starttls;
  std::string host;
  std::uint16_t port = 587;
  std::string user{};                     // empty: no AUTH
  std::optional<SecretBytes> password{};  // AUTH PLAIN (RFC 4616) or LOGIN, and only within TLS or on this machine
  std::string ca_file{};                  // PEM with further authorities; empty: the system's only
  std::chrono::milliseconds time_max{30'000};
};

struct SmtpFault {
  std::string text;           // for operators; no password, no address of a recipient
  bool is_permanent = false;  // the server will never take this message for this recipient (5yz to RCPT or DATA)
};

// `message` as compose() makes it. Success: the server has taken responsibility (250 after the final dot).
std::expected<void, SmtpFault> send_by_smtp(const SmtpOptions& options, const std::string& from, const std::string& to,
                                            const std::string& message);

}  // namespace jeton::issuer
