// Whatever a well-signed payload says: a token is accepted only if it is strict JSON whose claims are what the verifier
// demands, and then reads as what it says.
// Parts: jose/claim_rules jose/json jose/json_marks jose/verified_token jose/verifier
#include "signed_token.h"
#include "target.h"

#include <jeton/value.h>

#include <algorithm>
#include <cmath>

namespace jeton::fuzz {
namespace {

bool is_ours(const Value* audience) {
  if (!audience) return false;
  if (const auto* text = audience->if_string()) return *text == "api";
  const auto* list = audience->if_array();
  return list && std::ranges::all_of(*list, [](const Value& one) { return one.if_string() != nullptr; }) &&
         std::ranges::any_of(*list, [](const Value& one) { return *one.if_string() == "api"; });
}

double number_of(const Value* value) {
  if (!value) return NAN;
  if (const auto* integer = value->if_integer()) return static_cast<double>(*integer);
  if (const auto* number = value->if_is<double>()) return *number;
  return NAN;
}

}  // namespace

JETON_FUZZ_TARGET(claims) {
  constexpr std::string_view header = R"({"alg":"HS256","typ":"at+jwt","kid":"k"})";
  const auto token = verifier().verify(signed_token(header, input), now);
  if (!token) return;
  const auto payload = Value::parse(input);
  JETON_PROPERTY(payload.has_value() && payload->if_object());
  const auto* issuer = payload->find("iss");
  JETON_PROPERTY(issuer && issuer->if_string() && *issuer->if_string() == "https://as.example");
  JETON_PROPERTY(is_ours(payload->find("aud")));
  const double exp = number_of(payload->find("exp"));
  JETON_PROPERTY(exp > 1'700'000'000 && exp < 253'402'300'800.0);
  for (const char* name : {"nbf", "iat"}) {
    if (payload->find(name))
      JETON_PROPERTY(number_of(payload->find(name)) <= 1'700'000'000 && number_of(payload->find(name)) >= 0);
  }
  for (const char* name : {"sub", "jti"}) JETON_PROPERTY(!payload->find(name) || payload->find(name)->if_string());
  JETON_PROPERTY(!payload->find("cnf"));
  JETON_PROPERTY(token->payload() == *payload);
  JETON_PROPERTY(token->payload_json() == input);
  for (const auto& member : *payload->if_object()) {
    JETON_PROPERTY(token->has(member.name));
    JETON_PROPERTY(token->get<Value>(member.name) == member.value);
    JETON_PROPERTY(token->get<std::string>(member.name).has_value() == (member.value.if_string() != nullptr));
    JETON_PROPERTY(token->get<std::int64_t>(member.name).has_value() == (member.value.if_integer() != nullptr));
  }
}
}  // namespace jeton::fuzz
