// A configuration file is read whole or refused with words.
// Parts: cli/config cli/config_settings cli/config_values platform/toml_document
#include "target.h"

#include "cli/config.h"

namespace jeton::cli {
JETON_FUZZ_TARGET(config) {
  const auto config = parse_config(input, "jeton.toml");
  if (!config) {
    JETON_PROPERTY(config.error().what.contains("jeton.toml"));
    return;
  }
  JETON_PROPERTY(settings_that_need_a_restart(*config, *config).empty());
  JETON_PROPERTY(config->issuer_url.empty() || objection_to_issuer_url(config->issuer_url).empty());
  JETON_PROPERTY(parse_listen_address(config->listen).has_value());
}
}  // namespace jeton::cli
