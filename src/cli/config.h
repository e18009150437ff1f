// The configuration file of `jeton serve`: TOML, every setting documented, nothing in it that is not understood.
//
// A file is read whole or refused whole. What is refused is named by file and line, all of it at once:
//   jeton.toml:14: [tokens] access_lifetme is not a setting; did you mean access_lifetime?
#pragma once

#include "http/forwarded.h"
#include "issuer/feed/feed_limits.h"
#include "issuer/password_pool.h"
#include "issuer/rules.h"
#include "platform/fault.h"
#include "platform/log.h"

#include <jeton/algorithm.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace jeton::cli {

// As written; what they name is read at the start (outgoing_config.h).
struct MailConfig {
  std::string smtp{}, from = "jeton@localhost", user{}, password_file{}, ca_file{}, drop{}, link_base{};
};
struct WebhookConfig {
  std::string url{}, secret_file{}, ca_file{};
};

struct Config {
  std::string issuer_url{};  // empty: not configured
  std::string listen = "127.0.0.1:8080";
  std::string store_url = "sqlite:data/jeton.db";
  Algorithm algorithm = Algorithm::es256;
  std::vector<Algorithm> further_algorithms{};
  issuer::Rules rules{};
  issuer::PasswordPoolOptions password_pool{};
  issuer::FeedLimits feed{};
  MailConfig mail{};
  WebhookConfig webhook{};
  std::uint32_t http_threads = 0;  // 0: as many as the machine has cores, 8 at most
  std::uint32_t connections_max = 10'000;
  platform::LogLevel log_level = platform::LogLevel::info;
  std::string places{};                        // path of a file of places; empty: none
  std::vector<std::string> trusted_proxies{};  // addresses and networks, as written
};

inline constexpr std::size_t config_bytes_max = 1024 * 1024;

// `file_name` is for messages.
platform::Outcome<Config> parse_config(std::string_view text, const std::string& file_name);
platform::Outcome<Config> read_config(const std::string& path);

// A configuration file with every setting at its default, each with what it means: what `--print-config` writes and
// what deploy/jeton.toml holds.
std::string documented_config();

// The settings that a running server cannot take over and that differ: "[issuer] listen, [store] url". For SIGHUP.
std::string settings_that_need_a_restart(const Config& running, const Config& fresh);

// Why a text cannot be an issuer URL, or an empty text: http or https, a host, no query, no fragment (RFC 8414 section
// 2).
std::string objection_to_issuer_url(std::string_view url);

// What [http] trusted_proxies names; its texts were accepted before.
http::TrustedProxies trusted_proxies_of(const Config& config);

struct ListenAddress {
  std::string host;  // without brackets
  std::uint16_t port = 0;
  // "127.0.0.1:8080", "[::1]:8080".
  std::string text() const;
};
// "HOST:PORT", an IPv6 address in brackets. Port 0 is any free one.
platform::Outcome<ListenAddress> parse_listen_address(std::string_view text);

}  // namespace jeton::cli
