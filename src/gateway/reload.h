// What of a gateway's settings is taken over while it runs, and what only by a start.
#pragma once

#include "gateway/policy_file.h"

#include <string>
#include <vector>

namespace jeton::gateway {

// Sets in `fresh` what only a start takes over to what runs now, and names these settings: "[gateway] listen". What it
// does not name is taken over: trusted_proxies, forwarded_host, state, shadow, log_allowed_one_in,
// log_lines_per_second_max.
std::vector<std::string> keep_until_restart(const GatewaySettings& running, GatewaySettings& fresh);

}  // namespace jeton::gateway
