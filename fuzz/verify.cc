// A token is accepted in one spelling only, with the cache and without, and its header alone promises nothing.
// Parts: jose/compact jose/base64url jose/claim_rules jose/json jose/json_marks jose/key_index jose/token_cache
// Parts: jose/verifier
#include "signed_token.h"
#include "target.h"

#include <jeton/jws.h>
#include <jeton/token_cache.h>

namespace jeton::fuzz {
JETON_FUZZ_TARGET(verify) {
  const auto token = verifier().verify(input, now);
  const auto payload = jws_verify(input, keys(), AlgorithmRule::of_the_keys());
  const auto header = untrusted_header_peek(input);
  static TokenCache cache({.entries_max = 64});
  for (int round = 0; round < 2; ++round) {
    const auto cached = cache.verify(verifier(), input, now);
    JETON_PROPERTY(cached.has_value() == token.has_value());
    if (!token) JETON_PROPERTY(cached.error() == token.error());
  }
  if (!token) JETON_PROPERTY(!describe(token.error()).empty() && !class_of(token.error()).empty());
  if (token) JETON_PROPERTY(payload.has_value());
  if (!payload) return;
  JETON_PROPERTY(header.has_value() && header->alg == "HS256");

  const auto first = input.find('.'), last = input.rfind('.');
  const auto raw_header = jose::base64url::decode(input.substr(0, first));
  JETON_PROPERTY(raw_header.has_value());
  const std::string again =
      signed_token({reinterpret_cast<const char*>(raw_header->data()), raw_header->size()}, payload->bytes());
  JETON_PROPERTY(again == input);
  JETON_PROPERTY(jose::base64url::encode(payload->bytes()) == input.substr(first + 1, last - first - 1));
}
}  // namespace jeton::fuzz
