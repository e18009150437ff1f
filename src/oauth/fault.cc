#include "oauth/fault.h"

#include <jeton/value.h>

namespace jeton::oauth {

std::string_view name_of(FaultCode code) noexcept {
  switch (code) {
    case FaultCode::invalid_request: return "invalid_request";
    case FaultCode::invalid_client: return "invalid_client";
    case FaultCode::invalid_grant: return "invalid_grant";
    case FaultCode::unauthorized_client: return "unauthorized_client";
    case FaultCode::unsupported_grant_type: return "unsupported_grant_type";
    case FaultCode::invalid_scope: return "invalid_scope";
    case FaultCode::invalid_target: return "invalid_target";
    case FaultCode::unsupported_token_type: return "unsupported_token_type";
    case FaultCode::temporarily_unavailable: return "temporarily_unavailable";
    case FaultCode::server_error: return "server_error";
  }
  __builtin_unreachable();
}

int status_of(FaultCode code) noexcept {
  switch (code) {
    case FaultCode::invalid_client: return 401;
    case FaultCode::temporarily_unavailable: return 503;
    case FaultCode::server_error: return 500;
    case FaultCode::invalid_request:
    case FaultCode::invalid_grant:
    case FaultCode::unauthorized_client:
    case FaultCode::unsupported_grant_type:
    case FaultCode::invalid_scope:
    case FaultCode::invalid_target:
    case FaultCode::unsupported_token_type: return 400;
  }
  __builtin_unreachable();
}

std::string body_of(const Fault& fault) {
  Value body = Value::object();
  body.set("error", name_of(fault.code));
  if (!fault.description.empty()) body.set("error_description", fault.description);
  return body.to_json();
}

}  // namespace jeton::oauth
