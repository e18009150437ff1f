// Who asks for a change, as the audit names them.
#pragma once

#include "http/message.h"
#include "store/ids.h"

#include <string>
#include <string_view>

namespace jeton::issuer {

inline store::Actor acting(std::string_view kind, std::string_view who, const http::Request& request) {
  return {std::string(kind) + ":" + std::string(who) + " request:" + request.id};
}
inline store::Actor acting_client(std::string_view id, const http::Request& request) {
  return acting("client", id, request);
}
inline store::Actor acting_user(std::string_view sub, const http::Request& request) {
  return acting("user", sub, request);
}

}  // namespace jeton::issuer
