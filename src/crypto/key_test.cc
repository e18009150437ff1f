// What holds for the keys of all families alike.
#include "crypto/key.h"

#include "crypto/random.h"
#include "crypto/test_bytes.h"

#include <openssl/err.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>

namespace jeton::crypto {
namespace {

struct Pair {
  Algorithm algorithm;
  PrivateMaterial material;
  std::shared_ptr<const PublicKey> verifying;
  std::shared_ptr<const PrivateKey> signing;
};

Result<std::shared_ptr<const PublicKey>> verifying_key(const PrivateMaterial& material, Algorithm algorithm) {
  if (const auto* secret = std::get_if<SharedSecret>(&material)) {
    return PublicKey::create(*secret, algorithm, default_limits);
  }
  return PublicKey::create(public_part(material), algorithm, default_limits);
}

const std::vector<Pair>& pairs() {
  static const std::vector<Pair> all = [] {
    std::vector<Pair> made;
    for (int i = 0; i < algorithm_count; ++i) {
      const auto algorithm = static_cast<Algorithm>(i);
      PrivateMaterial material = PrivateKey::generate(algorithm, 2048);
      auto verifying = verifying_key(material, algorithm).value();
      auto signing = PrivateKey::create(duplicate(material), algorithm, default_limits).value();
      made.push_back({algorithm, std::move(material), std::move(verifying), std::move(signing)});
    }
    return made;
  }();
  return all;
}

Bytes signature_by(const Pair& pair, std::string_view input) {
  Bytes signature(pair.signing->signature_bytes());
  EXPECT_TRUE(pair.signing->sign(input, signature));
  return signature;
}

TEST(Keys, EveryAlgorithmVerifiesWhatItSigned) {
  for (const Pair& pair : pairs()) {
    EXPECT_EQ(pair.verifying->algorithm(), pair.algorithm);
    EXPECT_EQ(pair.signing->algorithm(), pair.algorithm);
    EXPECT_EQ(pair.verifying->signature_bytes(), pair.signing->signature_bytes());
    for (const std::string& input :
         {std::string(), std::string("x"), std::string(100'000, 'y'), std::string(64, '\0')}) {
      const Bytes signature = signature_by(pair, input);
      EXPECT_TRUE(pair.verifying->verify(input, signature));
      EXPECT_FALSE(pair.verifying->verify(input + "z", signature));
    }
  }
}

TEST(Keys, SignatureLengthsAreThoseOfRfc7518) {
  const std::vector<std::size_t> expected{32, 48, 64, 256, 256, 256, 256, 256, 256, 64, 96, 132, 64};
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(pairs()[i].verifying->signature_bytes(), expected[i]);
}

TEST(Keys, OnlyTheDiagonalOfKeysAndSignaturesVerifies) {
  for (const Pair& signer : pairs()) {
    const Bytes signature = signature_by(signer, "input");
    for (const Pair& verifier : pairs()) {
      EXPECT_EQ(verifier.verifying->verify("input", signature), &signer == &verifier);
    }
  }
}

// mission row 12: material serves the algorithms of its own type and no other, whoever asks.
TEST(Keys, MaterialServesOnlyFittingAlgorithms) {
  for (const Pair& pair : pairs()) {
    const auto* secret = std::get_if<SharedSecret>(&pair.material);
    const auto fitting = secret ? fitting_algorithms(*secret) : fitting_algorithms(public_part(pair.material));
    for (int i = 0; i < algorithm_count; ++i) {
      const auto algorithm = static_cast<Algorithm>(i);
      const bool fits = std::ranges::find(fitting, algorithm) != fitting.end();
      const auto verifying = verifying_key(pair.material, algorithm);
      const auto signing = PrivateKey::create(duplicate(pair.material), algorithm, default_limits);
      EXPECT_EQ(verifying.has_value(), fits);
      EXPECT_EQ(signing.has_value(), fits);
      if (!fits) {
        const bool too_short = secret != nullptr && is_symmetric(algorithm);
        EXPECT_EQ(verifying.error().code, too_short ? Errc::weak_key : Errc::algorithm_not_allowed);
      }
    }
  }
}

TEST(Keys, EveryGeneratedKeyDiffers) {
  for (const Pair& pair : pairs()) {
    const Bytes signature = signature_by(pair, "input");
    const PrivateMaterial other = PrivateKey::generate(pair.algorithm, 2048);
    EXPECT_FALSE((*verifying_key(other, pair.algorithm))->verify("input", signature));
  }
}

TEST(Keys, FailuresLeaveOpenSslsErrorQueueAsItWas) {
  ERR_clear_error();
  ERR_raise(ERR_LIB_USER, 42);
  const unsigned long mine = ERR_peek_last_error();
  for (const Pair& pair : pairs()) {
    Bytes signature = signature_by(pair, "input");
    signature[signature.size() / 3] ^= std::byte{1};
    EXPECT_FALSE(pair.verifying->verify("input", signature));
    random_bytes(signature);
    EXPECT_FALSE(pair.verifying->verify("input", signature));
    EXPECT_EQ(ERR_peek_last_error(), mine);
    EXPECT_EQ(ERR_peek_error(), mine);
  }
  EXPECT_FALSE(PublicKey::create(EcPublic{Curve::p256, Bytes(32), Bytes(32)}, Algorithm::es256, default_limits));
  EXPECT_FALSE(read_pem("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"));
  EXPECT_FALSE(read_pem("nothing"));
  EXPECT_EQ(ERR_peek_last_error(), mine);
  ERR_clear_error();
}

// Any number of threads share one key: good and bad signatures, and signing in between.
TEST(Keys, EightThreadsShareOneKey) {
  for (const Pair& pair : pairs()) {
    const bool slow = pair.algorithm == Algorithm::es384 || pair.algorithm == Algorithm::es512;
    const int rounds = slow ? 10 : 60;
    const Bytes good = signature_by(pair, "input");
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([&, t] {
        Bytes bad = good;
        bad[static_cast<std::size_t>(t) % bad.size()] ^= std::byte{4};
        for (int i = 0; i < rounds; ++i) {
          wrong += pair.verifying->verify("input", good) ? 0 : 1;
          wrong += pair.verifying->verify("input", bad) ? 1 : 0;
          if (i % 10 == 0) {
            Bytes own(pair.signing->signature_bytes());
            const std::string text = std::to_string(t * 1000 + i);
            wrong += pair.signing->sign(text, own) && pair.verifying->verify(text, own) ? 0 : 1;
          }
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(wrong.load(), 0);
  }
}

// More threads than the pool has slots, so that some share one.
TEST(Keys, FortyThreadsShareOneRsaKey) {
  const Pair& pair = pairs()[static_cast<std::size_t>(Algorithm::ps256)];
  const Bytes good = signature_by(pair, "input");
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 40; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) wrong += pair.verifying->verify("input", good) ? 0 : 1;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong.load(), 0);
}

TEST(Keys, DuplicateOfMaterialIsTheSameKey) {
  for (const Pair& pair : pairs()) {
    const auto again = PrivateKey::create(duplicate(pair.material), pair.algorithm, default_limits);
    ASSERT_TRUE(again.has_value());
    Bytes signature((*again)->signature_bytes());
    ASSERT_TRUE((*again)->sign("input", signature));
    EXPECT_TRUE(pair.verifying->verify("input", signature));
  }
}

TEST(Keys, ASecretHasNoPublicPart) {
  const PrivateMaterial secret = PrivateKey::generate(Algorithm::hs256, 0);
  EXPECT_DEATH(static_cast<void>(public_part(secret)), "");
}

}  // namespace
}  // namespace jeton::crypto
