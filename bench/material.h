// What is measured with: a key of each algorithm, made afresh, and the token of nine claims.
#pragma once

#include <jeton/claims.h>
#include <jeton/key.h>
#include <jeton/signer.h>
#include <jeton/verifier.h>

#include <openssl/evp.h>

#include <memory>
#include <string>
#include <vector>

namespace jeton::bench {

struct FreePkey {
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
};

// One key in all the forms that are wanted.
struct Material {
  Algorithm algorithm;
  std::unique_ptr<EVP_PKEY, FreePkey> pkey;  // null for HS256
  std::string secret;                        // of HS256
  std::string private_pem, public_pem;       // empty for HS256
  std::unique_ptr<SigningKey> key;
};

Material make_material(Algorithm algorithm);

UnixTime wall_clock();

// The token: nine claims, some 240 bytes of payload: iss sub aud exp iat jti email roles plan.
Claims claims();
SignerOptions signer_options();
std::string make_token(const Material& material, UnixTime now);
TrustedIssuer trusted(KeySet keys);

// Reads all nine claims, each as what it is, and says something that depends on all of them.
std::size_t read_claims(const VerifiedToken& token);

}  // namespace jeton::bench
