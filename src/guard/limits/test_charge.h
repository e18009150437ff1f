// Tokens and charges for the tests of limits.
#pragma once

#include <jeton/jws.h>
#include <jeton/rate_limit.h>
#include <jeton/verifier.h>

#include <string>
#include <string_view>

namespace jeton {

inline VerifiedToken limited_token(std::string_view payload_rest, std::string issuer = "i") {
  static const SigningKey key = SigningKey::generate(Algorithm::hs256);
  const std::string payload = R"({"iss":")" + issuer + R"(")" + std::string(payload_rest) + "}";
  const Verifier verifier{{.issuer = issuer,
                           .audience = AudienceRule::accept_any_because("limits are under test"),
                           .keys = KeySet({key.verification_key()}),
                           .typ = TypRule::accept_any_because("limits are under test"),
                           .time = TimeRule::expiry_optional_because("limits are under test")}};
  return verifier.verify(jws_sign(key, payload).value(), from_unix_seconds(1'700'000'000)).value();
}

inline Charge charge_on(std::uint64_t caller, std::string_view rate, std::string_view name = "limit") {
  return {
      .key = {.high = caller * 0x9E37'79B9'7F4A'7C15, .low = caller}, .rate = parse_rate(rate).value(), .name = name};
}

}  // namespace jeton
