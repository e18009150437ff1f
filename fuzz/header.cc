// Whatever a well-signed header says: a token is accepted only if it is strict JSON that names our algorithm, our
// key or none, the right typ, and nothing critical.
// Parts: jose/compact jose/json jose/json_marks jose/key_index jose/verifier
#include "signed_token.h"
#include "target.h"

#include <jeton/value.h>

#include <algorithm>

namespace jeton::fuzz {
namespace {

bool equal_without_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

bool is_text(const Value* value, std::string_view text) {
  return value && value->if_string() && *value->if_string() == text;
}

}  // namespace

JETON_FUZZ_TARGET(header) {
  constexpr std::string_view payload = R"({"iss":"https://as.example","aud":"api","exp":1700000600})";
  const auto token = verifier().verify(signed_token(input, payload), now);
  if (!token) return;
  const auto header = Value::parse(input);
  JETON_PROPERTY(header.has_value() && header->if_object());
  JETON_PROPERTY(is_text(header->find("alg"), "HS256"));
  JETON_PROPERTY(!header->find("kid") || is_text(header->find("kid"), "k"));
  const auto* typ = header->find("typ");
  JETON_PROPERTY(typ && typ->if_string());
  JETON_PROPERTY(equal_without_case(*typ->if_string(), "at+jwt") ||
                 equal_without_case(*typ->if_string(), "application/at+jwt"));
  for (const char* name : {"crit", "b64", "zip", "enc"}) JETON_PROPERTY(!header->find(name));
}
}  // namespace jeton::fuzz
