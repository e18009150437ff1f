#include "issuer/limits/device_cookie.h"

#include "http/cookies.h"
#include "issuer/limits/known_device.h"

namespace jeton::issuer {
namespace {

std::string_view name_of(const RefreshCookie& like) { return like.secure() ? "__Host-jeton_device" : "jeton_device"; }

}  // namespace

std::string device_cookie_of(const Context& context, const http::Request& request) {
  const auto values = http::cookies_named(request.headers, name_of(context.refresh_cookie));
  return values.size() == 1 ? std::string(values.front()) : std::string();
}

std::string device_cookie(const Context& context, std::string_view sub) {
  const std::string value = make_device_value(context.foundation.device_key, sub, context.clock.now_seconds());
  return http::set_cookie_text({.name = name_of(context.refresh_cookie),
                                .value = value,
                                .max_age = known_device_lifetime,
                                .secure = context.refresh_cookie.secure()});
}

}  // namespace jeton::issuer
