#include "gateway/reload.h"

namespace jeton::gateway {

std::vector<std::string> keep_until_restart(const GatewaySettings& running, GatewaySettings& fresh) {
  std::vector<std::string> names;
  const auto keep_in = [&](const char* name, const auto& was, auto& is) {
    if (was == is) return;
    names.push_back(std::string("[gateway] ") + name);
    is = was;
  };
  const auto keep = [&](const char* name, auto member) { keep_in(name, running.*member, fresh.*member); };
  const auto keep_limit = [&](const char* name, auto member) {
    keep_in(name, running.limits.*member, fresh.limits.*member);
  };
  keep("listen", &GatewaySettings::listen);
  keep("forward_auth", &GatewaySettings::forward_auth);
  keep("operations", &GatewaySettings::operations);
  keep("certificate", &GatewaySettings::certificate);
  keep("key", &GatewaySettings::key);
  keep("threads", &GatewaySettings::threads);
  keep("connections_max", &GatewaySettings::connections_max);
  keep("cached_tokens_max", &GatewaySettings::cached_tokens_max);
  keep("shared_limits", &GatewaySettings::shared_limits);
  keep("shared_limits_secret", &GatewaySettings::shared_limits_secret);
  keep("shared_limits_user", &GatewaySettings::shared_limits_user);
  keep("shared_limits_password", &GatewaySettings::shared_limits_password);
  keep("shared_limits_prefix", &GatewaySettings::shared_limits_prefix);
  keep("shared_limits_away", &GatewaySettings::shared_limits_refuse);
  keep_limit("header_bytes_max", &ClientLimits::header_bytes_max);
  keep_limit("header_timeout", &ClientLimits::header_timeout);
  keep_limit("idle_timeout", &ClientLimits::idle_timeout);
  keep_limit("drain_timeout", &ClientLimits::drain_timeout);
  keep_limit("body_bytes_max", &ClientLimits::body_bytes_max);
  keep_limit("body_idle_timeout", &ClientLimits::body_idle_timeout);
  keep_limit("body_bytes_per_second_min", &ClientLimits::body_bytes_per_second_min);
  keep_limit("write_timeout", &ClientLimits::write_timeout);
  keep_limit("websocket_idle_timeout", &ClientLimits::websocket_idle_timeout);
  return names;
}

}  // namespace jeton::gateway
