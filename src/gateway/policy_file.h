// PolicyFile: what a gateway is told by one file, in TOML: issuers, upstreams, and what each route demands.
// docs/policy.md is its manual.
//
// A file is read whole or refused whole, and all that is wrong with it is said at once, by file and line. Nothing is
// fetched and no other file is read: keys are the key source's affair (trusted_issuer puts them in).
#pragma once

#include "gateway/cors.h"
#include "gateway/proxy_settings.h"
#include "platform/fault.h"

#include <jeton/algorithm.h>
#include <jeton/key_set.h>
#include <jeton/policy.h>
#include <jeton/verifier.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace jeton::gateway {

inline constexpr std::size_t policy_file_bytes_max = 4 * 1024 * 1024;
inline constexpr std::size_t routes_max = 10'000;

// [gateway]
struct GatewaySettings {
  std::string listen{};        // of the reverse proxy; empty: none
  std::string forward_auth{};  // of the forward-auth endpoint; empty: none
  std::string operations = "127.0.0.1:9091";
  std::vector<std::string> trusted_proxies{};  // addresses and networks
  std::string state = "data/gateway";          // last good keys, state of the feed
  std::string shadow{};       // path of a second policy file, whose refusals are logged and nothing else
  std::string certificate{};  // of `listen`: the chain in PEM, read again when it changes; empty: plain HTTP
  std::string key{};          // of the certificate, in PEM
  std::uint32_t threads = 0;  // 0: as many as the machine has cores, 8 at most
  std::uint32_t connections_max = 10'000;
  std::uint32_t cached_tokens_max = 300'000;
  std::uint32_t log_allowed_one_in = 0;  // of allowed requests one in so many is logged; 0: none
  std::uint32_t log_lines_per_second_max = 100;
  std::string shared_limits{};                 // "redis://HOST:PORT": gateways count together; empty: each by itself
  std::string shared_limits_secret{};          // path of a file with the same secret at every gateway
  std::string shared_limits_user{};            // of the server's access list
  std::string shared_limits_password{};        // path of a file with the server's password; empty: it wants none
  std::string shared_limits_prefix = "jeton";  // of the keys at the server
  ClientLimits limits{};                       // of connections and requests
  bool forwarded_host = false;                 // trusted proxies set X-Forwarded-Host themselves, all of them
  bool shared_limits_refuse = false;           // when the server is away; else each gateway goes on by itself
  friend bool operator==(const GatewaySettings&, const GatewaySettings&) = default;
};

// [[issuer]]
struct IssuerSettings {
  std::string url{};        // `iss`
  std::string jwks{};       // URL of the keys
  std::string jwks_file{};  // or a file; neither: by discovery (RFC 8414)
  Profile profile = Profile::jeton;
  std::string typ = "at+jwt";           // of the header; "any" takes every type, ID tokens among them
  std::vector<Algorithm> algorithms{};  // empty: those of the keys
  std::chrono::seconds leeway{30};
  bool feed = false;        // hears its revocation feed
  std::string feed_key{};   // pinned: a JWK as text, or the path of a file
  std::string client_id{};  // as which the feed is asked for, and about tokens
  std::string client_secret_file{};
  std::string introspection_endpoint{};           // RFC 7662; empty: it is not asked about tokens
  std::chrono::seconds introspection_timeout{1};  // for a whole answer
  std::chrono::seconds introspection_max_age{5};  // of an answer, before it is asked again
  friend bool operator==(const IssuerSettings&, const IssuerSettings&) = default;
};

// [[upstream]]
struct UpstreamSettings {
  std::string name{};
  std::vector<std::string> servers{};  // "http://127.0.0.1:9000"
  std::string health_path{};           // empty: not asked
  std::chrono::seconds health_every{2};
  std::chrono::seconds connect_timeout{5};
  std::chrono::seconds response_timeout{60};  // until the head of the answer is there
  ServerLimits limits{};
  std::string ca_file{};              // for https servers; empty: the system's
  bool pass_authorization = true;     // Authorization goes on to it
  bool pass_refresh_cookies = false;  // so do the cookies of refresh tokens: for the issuer alone
  friend bool operator==(const UpstreamSettings&, const UpstreamSettings&) = default;
};

struct PolicyFile {
  GatewaySettings gateway{};
  std::vector<IssuerSettings> issuers{};
  std::vector<UpstreamSettings> upstreams{};
  Routes routes = Routes::everywhere({.authentication = Authentication::forbidden});
  // All that routes name; any: some route takes tokens made for anybody.
  std::vector<std::string> audiences{};
  bool any_audience = false;
  RouteCors cors{};
};

// `file_name` is for messages.
platform::Outcome<PolicyFile> parse_policy_file(std::string_view text, const std::string& file_name);

// What a Verifier needs to know of an issuer, given its keys: the audience of any route will do; each route looks at
// its own again.
TrustedIssuer trusted_issuer(const IssuerSettings& issuer, const PolicyFile& file, KeySet keys);

}  // namespace jeton::gateway
