#include "floors.h"

#include <openssl/ecdsa.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace jeton::bench {
namespace {

struct FreeContext {
  void operator()(EVP_PKEY_CTX* context) const noexcept { EVP_PKEY_CTX_free(context); }
};
using ContextPtr = std::shared_ptr<EVP_PKEY_CTX>;

struct Parts {
  std::string input;
  std::vector<unsigned char> signature;
};

Parts parts_of(std::string_view token) {
  const std::size_t dot = token.rfind('.');
  const std::string_view text = token.substr(dot + 1);
  Parts parts{std::string(token.substr(0, dot)), std::vector<unsigned char>(text.size())};
  std::size_t size = 0;
  expect(sodium_base642bin(parts.signature.data(), parts.signature.size(), text.data(), text.size(), nullptr, &size,
                           nullptr, sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0,
         "a signature that is not base64url");
  parts.signature.resize(size);
  return parts;
}

const unsigned char* octets(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

using Digest = std::array<unsigned char, SHA256_DIGEST_LENGTH>;

Digest sha256(std::string_view input) {
  Digest digest;
  SHA256_CTX state;
  SHA256_Init(&state);
  SHA256_Update(&state, input.data(), input.size());
  SHA256_Final(digest.data(), &state);
  return digest;
}

// HMAC-SHA256 with both padded blocks hashed beforehand.
struct KeptMac {
  explicit KeptMac(std::string_view secret) {
    std::array<unsigned char, 64> block{};
    std::ranges::copy(secret, block.begin());
    for (unsigned char& b : block) b ^= 0x36;
    SHA256_Init(&inner);
    SHA256_Update(&inner, block.data(), block.size());
    for (unsigned char& b : block) b ^= 0x36 ^ 0x5c;
    SHA256_Init(&outer);
    SHA256_Update(&outer, block.data(), block.size());
  }
  Digest operator()(std::string_view input) const {
    Digest digest;
    SHA256_CTX state = inner;
    SHA256_Update(&state, input.data(), input.size());
    SHA256_Final(digest.data(), &state);
    state = outer;
    SHA256_Update(&state, digest.data(), digest.size());
    SHA256_Final(digest.data(), &state);
    return digest;
  }
  SHA256_CTX inner, outer;
};

#pragma GCC diagnostic pop

ContextPtr context_of(const Material& material, int (*init)(EVP_PKEY_CTX*)) {
  ContextPtr context(EVP_PKEY_CTX_new(material.pkey.get(), nullptr), FreeContext{});
  const bool pss = material.algorithm == Algorithm::ps256;
  bool good = context && init(context.get()) == 1;
  if (good && material.algorithm != Algorithm::es256)
    good = EVP_PKEY_CTX_set_rsa_padding(context.get(), pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) == 1;
  good = good && EVP_PKEY_CTX_set_signature_md(context.get(), EVP_sha256()) == 1;
  if (good && pss) good = EVP_PKEY_CTX_set_rsa_pss_saltlen(context.get(), RSA_PSS_SALTLEN_DIGEST) == 1;
  expect(good, "no context");
  return context;
}

std::vector<unsigned char> der_of(const std::vector<unsigned char>& raw) {
  const std::unique_ptr<ECDSA_SIG, decltype([](ECDSA_SIG* s) { ECDSA_SIG_free(s); })> signature(ECDSA_SIG_new());
  ECDSA_SIG_set0(signature.get(), BN_bin2bn(raw.data(), 32, nullptr), BN_bin2bn(raw.data() + 32, 32, nullptr));
  std::vector<unsigned char> der(80);
  unsigned char* end = der.data();
  der.resize(static_cast<std::size_t>(i2d_ECDSA_SIG(signature.get(), &end)));
  return der;
}

using Ed25519Public = std::array<unsigned char, crypto_sign_PUBLICKEYBYTES>;
using Ed25519Secret = std::array<unsigned char, crypto_sign_SECRETKEYBYTES>;

struct Ed25519Pair {
  explicit Ed25519Pair(const Material& material) {
    std::array<unsigned char, 32> seed;
    std::size_t size = seed.size();
    expect(EVP_PKEY_get_raw_private_key(material.pkey.get(), seed.data(), &size) == 1, "no seed");
    crypto_sign_seed_keypair(pub.data(), secret.data(), seed.data());
  }
  Ed25519Public pub;
  Ed25519Secret secret;
};

}  // namespace

Loop floor_of_verifying(const Material& material, std::string_view token) {
  Parts parts = parts_of(token);
  if (material.algorithm == Algorithm::hs256) {
    return [parts = std::move(parts), mac = KeptMac(material.secret)](std::size_t count) {
      for (std::size_t i = 0; i < count; ++i)
        expect(std::ranges::equal(mac(parts.input), parts.signature), "a bad MAC");
    };
  }
  if (material.algorithm == Algorithm::eddsa) {
    return [parts = std::move(parts), key = Ed25519Pair(material).pub](std::size_t count) {
      for (std::size_t i = 0; i < count; ++i) {
        expect(crypto_sign_verify_detached(parts.signature.data(), octets(parts.input), parts.input.size(),
                                           key.data()) == 0,
               "a bad signature");
      }
    };
  }
  if (material.algorithm == Algorithm::es256) parts.signature = der_of(parts.signature);
  return [parts = std::move(parts), context = context_of(material, EVP_PKEY_verify_init)](std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      const Digest digest = sha256(parts.input);
      expect(EVP_PKEY_verify(context.get(), parts.signature.data(), parts.signature.size(), digest.data(),
                             digest.size()) == 1,
             "a bad signature");
    }
  };
}

Loop floor_of_signing(const Material& material, std::string_view token) {
  std::string input = parts_of(token).input;
  if (material.algorithm == Algorithm::hs256) {
    return [input = std::move(input), mac = KeptMac(material.secret)](std::size_t count) {
      for (std::size_t i = 0; i < count; ++i) keep(mac(input).data());
    };
  }
  if (material.algorithm == Algorithm::eddsa) {
    return [input = std::move(input), key = Ed25519Pair(material).secret](std::size_t count) {
      std::array<unsigned char, crypto_sign_BYTES> out;
      for (std::size_t i = 0; i < count; ++i)
        expect(crypto_sign_detached(out.data(), nullptr, octets(input), input.size(), key.data()) == 0, "no signature");
    };
  }
  return [input = std::move(input), context = context_of(material, EVP_PKEY_sign_init)](std::size_t count) {
    std::array<unsigned char, 256> out;
    for (std::size_t i = 0; i < count; ++i) {
      const Digest digest = sha256(input);
      std::size_t size = out.size();
      expect(EVP_PKEY_sign(context.get(), out.data(), &size, digest.data(), digest.size()) == 1, "no signature");
    }
  };
}

}  // namespace jeton::bench
