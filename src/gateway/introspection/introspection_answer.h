// read_introspection: what an issuer's answer (RFC 7662 section 2.2) says of a token that we have verified ourselves.
//
// It is believed that a token has ended from `active` alone. That it lives only if nothing else in the answer speaks of
// another token: iss, sub, client_id, jti and sid, where the answer has them, must be the token's. `leeway` is the
// issuer's, as for the token itself: active, though `exp` has passed, is active.
#pragma once

#include <jeton/guard.h>

#include <expected>
#include <string_view>

namespace jeton::gateway {

struct IntrospectionAnswer {
  Introspection said;  // never failed
  UnixTime good_until = UnixTime::max();
};

// Error: static text; the answer cannot be believed.
std::expected<IntrospectionAnswer, std::string_view> read_introspection(std::string_view body,
                                                                        const VerifiedToken& token, UnixTime now,
                                                                        std::chrono::seconds leeway);

}  // namespace jeton::gateway
