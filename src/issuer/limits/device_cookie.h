// The cookie in which a browser (or any client that keeps cookies) carries the value of limits/known_device.h.
#pragma once

#include "http/message.h"
#include "issuer/context.h"

#include <string>
#include <string_view>

namespace jeton::issuer {

// Its value in the request; empty if there is none, or more than one.
std::string device_cookie_of(const Context& context, const http::Request& request);
// A Set-Cookie value for a device that has just signed in. Over https its name has the prefix `__Host-`.
std::string device_cookie(const Context& context, std::string_view sub);

}  // namespace jeton::issuer
