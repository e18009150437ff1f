#include <jeton/jws.h>

#include "jose/base64url.h"
#include "jose/compact.h"
#include "jose/key_index.h"
#include "jose/sign_compact.h"
#include "jose/try.h"

namespace jeton {

Result<std::string> jws_sign(const SigningKey& key, std::string_view payload, const JwsHeader& header) {
  return jose::sign_compact(key, jose::encoded_header(key, header.typ, header.cty), payload);
}

Result<VerifiedPayload> jws_verify(std::string_view compact, const KeySet& keys, const AlgorithmRule& algorithms,
                                   const Limits& limits) {
  TRY(const jose::Compact parts, jose::split_compact(compact, limits));
  jose::JsonBuffer buffer;
  TRY(const jose::Header header, jose::read_header(parts.header, buffer, limits));
  const jose::KeyIndex index({{keys, algorithms, TypRule::accept_any_because("a JWS may be of any type")}},
                             limits.key_candidates_max);
  TRY(const auto found, index.find(header));
  TRY(const jose::Candidate signer, index.verify(parts, found));
  std::string bytes;
  TRY([[maybe_unused]] const std::size_t size, jose::decode_segment(parts.payload, bytes));
  return VerifiedPayload(std::move(bytes), signer.key->algorithm(), std::string(signer.key->kid()));
}

}  // namespace jeton
