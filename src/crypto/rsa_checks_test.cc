#include "crypto/rsa_checks.h"

#include "crypto/key.h"
#include "crypto/test_bytes.h"

#include <gtest/gtest.h>

namespace jeton::crypto {
namespace {

// A number whose residue is a power of 65537 modulo each prime from 3 to 167; its factors do not matter to the check.
constexpr std::string_view roca_modulus =
    "d4be9e219c3b90a21390bcdd5558646ffbdfec3f5364a11658575ae7828e2b0adf7654734c27725b9592fea65c79224665c1"
    "1c1b25b486ec204a0850b99a0eb61abec22458ef8269e3b16cd3771cb332d136ddbed20b244ca56a2750818912441e410110"
    "eead96cf7688cdc5063e89c95f128dc86e43d7d17b8833a89c13d18a29b79db1e90405e2f81b57662f0ec1101279276de4ec"
    "5df33076da60539540a0e4c384f055fd96b9bc51da536fef05e65f5b5ab8b18cbecfebcb25ae41f263cde1b8d4daa331527f"
    "6a264cda81fc3d7cb3f5f5e59596f85c61c8291cd0a6ddfd5a74163d06285ed105d07365f408d531f79c8197a309dd50fbd1"
    "d3ce4ac0d92d";

RsaPrivate duplicate_of(const RsaPrivate& key) {
  return std::get<RsaPrivate>(
      duplicate(PrivateMaterial(RsaPrivate{key.pub, key.d.duplicate(), key.p.duplicate(), key.q.duplicate(),
                                           key.dp.duplicate(), key.dq.duplicate(), key.qi.duplicate()})));
}

class RsaChecks : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    key_ = new RsaPrivate(std::get<RsaPrivate>(PrivateKey::generate(Algorithm::rs256, 2048)));
  }
  static void TearDownTestSuite() { delete key_; }

  static RsaPublic good() { return key_->pub; }

  static void expect_refused(const RsaPublic& key, Errc code, std::string_view member,
                             const Limits& limits = default_limits) {
    const auto made = PublicKey::create(key, Algorithm::rs256, limits);
    ASSERT_FALSE(made.has_value());
    EXPECT_EQ(made.error().code, code) << name_of_code(made.error().code);
    EXPECT_EQ(made.error().claim, member);
  }
  static void expect_private_refused(RsaPrivate key) {
    const auto made = PrivateKey::create(std::move(key), Algorithm::rs256, default_limits);
    ASSERT_FALSE(made.has_value());
    EXPECT_EQ(made.error().code, Errc::invalid_key);
  }

  static RsaPrivate* key_;

 private:
  static int name_of_code(Errc code) { return static_cast<int>(code); }
};

RsaPrivate* RsaChecks::key_ = nullptr;

TEST_F(RsaChecks, GeneratedKeyOf2048BitsIsAccepted) {
  EXPECT_EQ(good().n.size(), 256u);
  EXPECT_EQ(to_hex(good().e), "010001");
  const auto made = PublicKey::create(good(), Algorithm::rs256, default_limits);
  ASSERT_TRUE(made.has_value());
  EXPECT_EQ((*made)->signature_bytes(), 256u);
}

TEST_F(RsaChecks, ModulusOf2047BitsIsRefused) {
  RsaPublic key = good();
  key.n[0] = std::byte{0x7f};
  expect_refused(key, Errc::weak_key, "n");
}

TEST_F(RsaChecks, ModulusOf1024BitsIsRefused) {
  RsaPublic key = good();
  key.n.erase(key.n.begin(), key.n.begin() + 128);
  key.n[0] |= std::byte{0x80};
  expect_refused(key, Errc::weak_key, "n");
}

TEST_F(RsaChecks, ModulusAboveTheLimitIsRefusedBeforeAnyArithmetic) {
  RsaPublic key = good();
  key.n.insert(key.n.begin(), 1'000'000, std::byte{0xa5});
  expect_refused(key, Errc::invalid_key, "n");
  Limits narrow;
  narrow.rsa_bits_max = 2047;
  expect_refused(good(), Errc::invalid_key, "n", narrow);
}

TEST_F(RsaChecks, EvenModulusIsRefused) {
  RsaPublic key = good();
  key.n.back() &= std::byte{0xfe};
  expect_refused(key, Errc::invalid_key, "n");
}

TEST_F(RsaChecks, ModulusWithASmallFactorIsRefused) {
  RsaPublic key = good();
  key.n.assign(256, std::byte{0xff});  // 2^2048 - 1 is divisible by 3
  expect_refused(key, Errc::invalid_key, "n");
}

TEST_F(RsaChecks, LeadingZeroByteIsRefused) {
  RsaPublic key = good();
  key.n.insert(key.n.begin(), std::byte{0});
  expect_refused(key, Errc::invalid_key, "n");
  key = good();
  key.e.insert(key.e.begin(), std::byte{0});
  expect_refused(key, Errc::invalid_key, "e");
}

TEST_F(RsaChecks, EmptyNumbersAreRefused) {
  expect_refused({{}, good().e}, Errc::invalid_key, "n");
  expect_refused({good().n, {}}, Errc::invalid_key, "e");
  expect_refused({Bytes(256), good().e}, Errc::invalid_key, "n");
}

TEST_F(RsaChecks, TinyExponentsAreRefused) {
  expect_refused({good().n, from_hex("01")}, Errc::invalid_key, "e");
  expect_refused({good().n, from_hex("03")}, Errc::weak_key, "e");
  expect_refused({good().n, from_hex("11")}, Errc::weak_key, "e");
  expect_refused({good().n, from_hex("ffff")}, Errc::weak_key, "e");
}

TEST_F(RsaChecks, EvenExponentsAreRefused) {
  expect_refused({good().n, from_hex("02")}, Errc::invalid_key, "e");
  expect_refused({good().n, from_hex("010000")}, Errc::invalid_key, "e");
  expect_refused({good().n, from_hex("fffffffe")}, Errc::invalid_key, "e");
}

TEST_F(RsaChecks, ExponentsOfUpTo32BitsAreAccepted) {
  EXPECT_TRUE(PublicKey::create(RsaPublic{good().n, from_hex("010003")}, Algorithm::rs256, default_limits));
  EXPECT_TRUE(PublicKey::create(RsaPublic{good().n, from_hex("ffffffff")}, Algorithm::rs256, default_limits));
  expect_refused({good().n, from_hex("0100000001")}, Errc::invalid_key, "e");
  expect_refused({good().n, good().n}, Errc::invalid_key, "e");
}

TEST_F(RsaChecks, RocaModulusIsRefused) {
  const Bytes modulus = from_hex(roca_modulus);
  EXPECT_TRUE(has_roca_fingerprint(modulus));
  EXPECT_FALSE(has_roca_fingerprint(good().n));
  expect_refused({modulus, good().e}, Errc::weak_key, "n");
}

TEST_F(RsaChecks, ModulusBesideARocaModulusIsAccepted) {
  Bytes modulus = from_hex(roca_modulus);
  // The next odd number without a small factor.
  do {
    modulus.back() = std::byte((std::to_integer<unsigned>(modulus.back()) + 2) & 0xff);
  } while (check_rsa_public({modulus, good().e}, default_limits) && modulus.back() != std::byte{0x01});
  EXPECT_TRUE(PublicKey::create(RsaPublic{modulus, good().e}, Algorithm::rs256, default_limits));
}

TEST_F(RsaChecks, PrivateKeyIsAccepted) {
  EXPECT_FALSE(check_rsa_private(*key_));
  EXPECT_TRUE(PrivateKey::create(duplicate_of(*key_), Algorithm::rs256, default_limits));
}

TEST_F(RsaChecks, PrivateKeyWithoutPrimesSigns) {
  RsaPrivate bare{good(), key_->d.duplicate()};
  const auto private_key = PrivateKey::create(std::move(bare), Algorithm::ps256, default_limits);
  ASSERT_TRUE(private_key.has_value());
  Bytes signature(256);
  ASSERT_TRUE((*private_key)->sign("input", signature));
  EXPECT_TRUE((*PublicKey::create(good(), Algorithm::ps256, default_limits))->verify("input", signature));
}

TEST_F(RsaChecks, PrivateKeyOfAnotherPublicKeyIsRefused) {
  const auto other = std::get<RsaPrivate>(PrivateKey::generate(Algorithm::rs256, 2048));
  RsaPrivate mixed = duplicate_of(*key_);
  mixed.pub = other.pub;
  expect_private_refused(std::move(mixed));
  expect_private_refused(RsaPrivate{other.pub, key_->d.duplicate()});
}

TEST_F(RsaChecks, EveryWrongPrivateNumberIsRefused) {
  const auto changed = [](const SecretBytes& number) {
    const auto bytes = number.reveal(InsecureSecretAccess::get());
    Bytes copy(bytes.begin(), bytes.end());
    copy[copy.size() / 2] ^= std::byte{0x10};
    return SecretBytes(copy);
  };
  for (SecretBytes RsaPrivate::* number :
       {&RsaPrivate::d, &RsaPrivate::p, &RsaPrivate::q, &RsaPrivate::dp, &RsaPrivate::dq, &RsaPrivate::qi}) {
    RsaPrivate key = duplicate_of(*key_);
    key.*number = changed(key.*number);
    expect_private_refused(std::move(key));

    key = duplicate_of(*key_);
    key.*number = SecretBytes{};
    expect_private_refused(std::move(key));

    key = duplicate_of(*key_);
    key.*number = SecretBytes(Bytes(1));
    expect_private_refused(std::move(key));

    key = duplicate_of(*key_);
    key.*number = SecretBytes(Bytes(1'000'000, std::byte{0xff}));
    expect_private_refused(std::move(key));
  }
}

TEST_F(RsaChecks, PrimesOfOneAndTheModulusAreRefused) {
  RsaPrivate key = duplicate_of(*key_);
  key.p = SecretBytes(key.pub.n);
  key.q = secret_from_hex("01");
  expect_private_refused(std::move(key));
}

}  // namespace
}  // namespace jeton::crypto
