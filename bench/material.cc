#include "material.h"

#include "measure.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <sodium.h>

#include <chrono>

namespace jeton::bench {
namespace {

struct FreeBio {
  void operator()(BIO* bio) const noexcept { BIO_free_all(bio); }
};

template <class Write>
std::string pem_of(Write write) {
  const std::unique_ptr<BIO, FreeBio> bio(BIO_new(BIO_s_mem()));
  expect(bio && write(bio.get()) == 1, "no PEM");
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

EVP_PKEY* make_pkey(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::rs256:
    case Algorithm::ps256: return EVP_RSA_gen(2048);
    case Algorithm::es256: return EVP_EC_gen("P-256");
    case Algorithm::eddsa: return EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
    default: return nullptr;
  }
}

}  // namespace

Material make_material(Algorithm algorithm) {
  Material made{.algorithm = algorithm, .pkey{make_pkey(algorithm)}};
  const std::string kid = "bench-" + std::string(name_of(algorithm));
  if (algorithm == Algorithm::hs256) {
    made.secret.resize(32);
    randombytes_buf(made.secret.data(), made.secret.size());
    auto key = SigningKey::from_secret(SecretBytes::from_text(made.secret), algorithm, kid);
    expect(key.has_value(), "no secret");
    made.key = std::make_unique<SigningKey>(*key);
    return made;
  }
  expect(made.pkey != nullptr, "no key");
  made.private_pem = pem_of([&](BIO* bio) {
    return PEM_write_bio_PKCS8PrivateKey(bio, made.pkey.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
  made.public_pem = pem_of([&](BIO* bio) { return PEM_write_bio_PUBKEY(bio, made.pkey.get()); });
  auto key = SigningKey::from_pem(made.private_pem, algorithm, kid);
  expect(key.has_value(), "a key that is refused");
  made.key = std::make_unique<SigningKey>(*key);
  return made;
}

UnixTime wall_clock() { return std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now()); }

Claims claims() {
  return Claims{"dev_12847"}
      .with("email", "dev.12847@engineering.example.com")
      .with("roles", {"developer", "team_lead"})
      .with("plan", "pro");
}

SignerOptions signer_options() {
  return {.issuer = "https://id.example.com",
          .audiences = {"https://api.example.com"},
          .lifetime = std::chrono::hours{12},
          .typ = "JWT"};  // libjwt takes no other
}

std::string make_token(const Material& material, UnixTime now) {
  return Signer(*material.key, signer_options()).sign(claims(), now).value();
}

TrustedIssuer trusted(KeySet keys) {
  return {.issuer = "https://id.example.com",
          .audience = AudienceRule::must_include("https://api.example.com"),
          .keys = std::move(keys),
          .typ = TypRule::must_be("JWT")};
}

std::size_t read_claims(const VerifiedToken& token) {
  std::size_t sum = 0;
  for (const std::string_view name : {"iss", "sub", "aud", "jti", "email", "plan"}) {
    sum += token.get<std::string_view>(name).value().size();
  }
  for (const std::string_view name : {"exp", "iat"}) {
    sum += static_cast<std::size_t>(token.get<std::int64_t>(name).value());
  }
  return sum + token.get<std::vector<std::string_view>>("roles").value().size();
}

}  // namespace jeton::bench
