// What the agent reads that somebody else may have written: its stored keys, an issuer's metadata, a Cache-Control.
// Parts: agent/discovery agent/freshness agent/stored_keys http/url
#include "target.h"

#include "agent/discovery.h"
#include "agent/freshness.h"
#include "agent/stored_keys.h"
#include "http/url.h"

namespace jeton::agent {

JETON_FUZZ_TARGET(agent_state) {
  constexpr char issuer[] = "https://as.example";
  const UnixTime now = from_unix_seconds(1'700'000'000);
  constexpr std::chrono::hours age_max{24};
  if (const auto keys = read_stored_keys(input, issuer, "discovery", now, age_max)) {
    JETON_PROPERTY(keys->issuer == issuer);
    JETON_PROPERTY(now - keys->confirmed_at <= age_max);
    JETON_PROPERTY(keys->confirmed_at - now <= stored_from_future_max);
    JETON_PROPERTY(read_stored_keys(text_of(*keys), issuer, "discovery", now, age_max) == keys);
  }
  if (const auto metadata = read_metadata(input, issuer)) {
    const auto url = http::parse_url(metadata->jwks_uri);
    JETON_PROPERTY(url.has_value() && url->tls);
  }
  const AgentLimits limits{};
  http::Headers headers;
  headers.add("Cache-Control", std::string(input));
  headers.add("Age", std::string(input.substr(0, 20)));
  const auto fresh = fresh_for(headers, limits);
  JETON_PROPERTY(fresh >= limits.keys_refresh_min && fresh <= limits.keys_refresh_max);
}
}  // namespace jeton::agent
