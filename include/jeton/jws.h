// JWS in compact serialization with a payload of any kind (RFC 7515), below the level of claims. For access tokens use
// Signer and Verifier: here no time, issuer, audience or typ is looked at.
#pragma once

#include <jeton/error.h>
#include <jeton/key.h>
#include <jeton/key_set.h>
#include <jeton/limits.h>
#include <jeton/verifier.h>

#include <string>
#include <string_view>

namespace jeton {

struct JwsHeader {
  std::string typ{};
  std::string cty{};
};

// Signs `payload`; the header holds alg, the key's kid if it has one, and the given members.
Result<std::string> jws_sign(const SigningKey& key, std::string_view payload, const JwsHeader& header = {});

class VerifiedPayload {
 public:
  const std::string& bytes() const noexcept { return bytes_; }
  Algorithm algorithm() const noexcept { return algorithm_; }
  const std::string& key_id() const noexcept { return kid_; }

 private:
  friend Result<VerifiedPayload> jws_verify(std::string_view, const KeySet&, const AlgorithmRule&, const Limits&);
  VerifiedPayload(std::string bytes, Algorithm algorithm, std::string kid)
      : bytes_(std::move(bytes)), algorithm_(algorithm), kid_(std::move(kid)) {}
  std::string bytes_;
  Algorithm algorithm_;
  std::string kid_;
};

// Errors: those of Verifier::verify up to bad_signature.
[[nodiscard]] Result<VerifiedPayload> jws_verify(std::string_view compact, const KeySet& keys,
                                                 const AlgorithmRule& algorithms,
                                                 const Limits& limits = default_limits);

}  // namespace jeton
