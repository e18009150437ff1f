#include <jeton/key_set.h>
#include <jeton/value.h>

#include <gtest/gtest.h>

#include <string>

namespace jeton {
namespace {

std::string jwk_of(Algorithm algorithm, std::string_view kid, std::string_view more = "") {
  const SigningKey key = SigningKey::generate(algorithm);
  Value jwk = Value::parse(key.verification_key().to_jwk()).value();
  jwk.set("kid", kid);
  std::string json = jwk.to_json();
  json.pop_back();
  return json + std::string(more) + "}";
}

std::string without_alg(const std::string& jwk) {
  Value::Object kept;
  const Value value = Value::parse(jwk).value();
  for (const Value::Member& member : *value.if_object()) {
    if (member.name != "alg") kept.push_back(member);
  }
  return Value(kept).to_json();
}

std::string set_of(std::initializer_list<std::string> keys) {
  std::string json = R"({"keys":[)";
  for (const std::string& key : keys) json += (json.back() == '[' ? "" : ",") + key;
  return json + "]}";
}

// One in 64 would; `jeton key revoke -d3LW…` was taken for options.
TEST(SigningKey, NoKidThatIsMadeBeginsWithAHyphen) {
  for (int i = 0; i < 600; ++i) {
    EXPECT_FALSE(SigningKey::generate(Algorithm::eddsa).kid().starts_with('-'));
    EXPECT_FALSE(SigningKey::generate(Algorithm::hs256).kid().starts_with('-'));
  }
}

TEST(KeySet, ReadsASetAndWritesItBack) {
  const std::string json =
      set_of({jwk_of(Algorithm::es256, "a"), jwk_of(Algorithm::rs256, "b"), jwk_of(Algorithm::eddsa, "c")});
  const auto set = KeySet::parse(json);
  ASSERT_TRUE(set);
  EXPECT_EQ(set->size(), 3u);
  EXPECT_EQ(Value::parse(set->to_jwks()), Value::parse(json));
  EXPECT_EQ(KeySet::parse(set->to_jwks())->to_jwks(), set->to_jwks());
}

TEST(KeySet, TwoKeysOfOneKidRefuseTheSet) {
  EXPECT_EQ(KeySet::parse(set_of({jwk_of(Algorithm::es256, "a"), jwk_of(Algorithm::eddsa, "a")})).error().code,
            Errc::duplicate_kid);
}

TEST(KeySet, KeysPutTogetherThatShareAKidAreRefused) {
  const auto key = [](std::string_view kid) {
    return VerificationKey::from_jwk(jwk_of(Algorithm::es256, kid)).value();
  };
  const KeySet set({key("same"), key("other"), key("same"), key(""), key("")});
  ASSERT_EQ(set.size(), 5u);
  for (const std::size_t doubled : {0u, 2u}) {
    ASSERT_FALSE(set.entries()[doubled].refusal.empty());
    EXPECT_EQ(set.entries()[doubled].refusal.front().code, Errc::duplicate_kid);
    EXPECT_TRUE(set.entries()[doubled].keys.empty());
  }
  for (const std::size_t good : {1u, 3u, 4u}) EXPECT_TRUE(set.entries()[good].refusal.empty());
}

TEST(KeySet, KeysOfUnknownTypesAreSkipped) {
  const auto set =
      KeySet::parse(set_of({R"({"kty":"AKP","kid":"pq","alg":"ML-DSA-44"})", jwk_of(Algorithm::es256, "a")}));
  ASSERT_TRUE(set);
  EXPECT_EQ(set->size(), 1u);
}

TEST(KeySet, ARefusedKeyStaysWithItsReason) {
  const auto set = KeySet::parse(
      set_of({R"({"kty":"EC","kid":"bad","crv":"P-256","x":"AA","y":"AA"})", jwk_of(Algorithm::es256, "a")}));
  ASSERT_TRUE(set);
  ASSERT_EQ(set->size(), 2u);
  EXPECT_EQ(set->entries()[0].refusal.front().code, Errc::invalid_key);
  EXPECT_TRUE(set->entries()[1].refusal.empty());
}

TEST(KeySet, PublishedSetsHoldPublicKeysOnly) {
  const SigningKey key = SigningKey::generate(Algorithm::es256);
  const SecretBytes secret = key.to_private_jwk(InsecureSecretAccess::get());
  const auto bytes = secret.reveal(InsecureSecretAccess::get());
  const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const auto published = KeySet::parse(set_of({text}));
  ASSERT_TRUE(published);
  EXPECT_EQ(published->entries()[0].refusal.front().code, Errc::private_key_not_allowed);
  const auto local = KeySet::parse(set_of({text}), {.origin = KeyOrigin::local});
  ASSERT_TRUE(local);
  EXPECT_TRUE(local->entries()[0].refusal.empty());
  EXPECT_EQ(local->to_jwks().find("\"d\""), std::string::npos);
}

TEST(KeySet, AnRsaKeyWithoutAlgNeedsAList) {
  const std::string jwk = without_alg(jwk_of(Algorithm::rs256, "r"));
  EXPECT_EQ(KeySet::parse(jwk)->entries()[0].refusal.front().code, Errc::key_without_alg);
  const auto listed = KeySet::parse(jwk, {.algorithms_without_alg = {Algorithm::ps256, Algorithm::es256}});
  EXPECT_EQ(listed->entries()[0].algorithms, std::vector{Algorithm::ps256});
  const auto any = KeySet::parse(jwk, {.any_fitting = true});
  EXPECT_EQ(any->entries()[0].algorithms.size(), 6u);
}

// What a list grants to keys without `alg` it does not grant to those that are for something else.
TEST(KeySet, NoListMakesAKeyForEncryptionOneForSignatures) {
  const std::string jwk = without_alg(jwk_of(Algorithm::rs256, "r"));
  const KeySetOptions listed{.algorithms_without_alg = {Algorithm::rs256}}, any{.any_fitting = true};
  const auto refusal = [](const std::string& key, const KeySetOptions& options) {
    const auto set = KeySet::parse(key, options);
    return set->entries()[0].refusal.empty() ? Errc{} : set->entries()[0].refusal.front().code;
  };
  const auto with = [&](std::string_view use) {
    std::string changed = jwk;
    const std::string_view sig = R"("use":"sig")";
    return changed.replace(changed.find(sig), sig.size(), use);
  };
  for (const KeySetOptions& options : {listed, any}) {
    EXPECT_EQ(refusal(jwk, options), Errc{});
    EXPECT_EQ(refusal(with(R"("use":"enc")"), options), Errc::key_not_for_signatures);
    EXPECT_EQ(refusal(with(R"("key_ops":["encrypt"])"), options), Errc::key_not_for_signatures);
    EXPECT_EQ(refusal(with(R"("alg":"RSA-OAEP")"), options), Errc::key_not_for_signatures);
    EXPECT_EQ(refusal(with(R"("alg":"none")"), options), Errc::unsupported_algorithm);
  }
}

TEST(KeySet, ASecretTooShortForAnyHashIsWeakWhateverIsListed) {
  const auto refusal = [](std::string_view k, const KeySetOptions& options) {
    return KeySet::parse(R"({"kty":"oct","k":")" + std::string(k) + R"("})", options)->entries()[0].refusal;
  };
  const KeySetOptions any{.origin = KeyOrigin::local, .any_fitting = true}, none{.origin = KeyOrigin::local};
  const std::string_view good = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T";
  EXPECT_TRUE(refusal(good, any).empty());
  EXPECT_EQ(refusal(good, none).front().code, Errc::key_without_alg);
  EXPECT_EQ(refusal("c2hvcnQ", any).front().code, Errc::weak_key);
  EXPECT_EQ(refusal("c2hvcnQ", none).front().code, Errc::weak_key);
}

TEST(KeySet, EcAndOkpKeysAreBoundByTheirCurve) {
  EXPECT_EQ(KeySet::parse(without_alg(jwk_of(Algorithm::es384, "e")))->entries()[0].algorithms,
            std::vector{Algorithm::es384});
  EXPECT_EQ(KeySet::parse(without_alg(jwk_of(Algorithm::eddsa, "e")))->entries()[0].algorithms,
            std::vector{Algorithm::eddsa});
}

TEST(KeySet, UseAndKeyOpsForbid) {
  const std::string key = jwk_of(Algorithm::es256, "a");
  const auto refusal = [&](std::string_view from, std::string_view to) {
    std::string changed = key;
    changed.replace(changed.find(from), from.size(), to);
    const auto set = KeySet::parse(changed);
    return set->entries()[0].refusal.empty() ? Errc{} : set->entries()[0].refusal.front().code;
  };
  EXPECT_EQ(refusal(R"("use":"sig")", R"("use":"enc")"), Errc::key_not_for_signatures);
  EXPECT_EQ(refusal(R"("use":"sig")", R"("key_ops":["encrypt"])"), Errc::key_not_for_signatures);
  EXPECT_EQ(refusal(R"("use":"sig")", R"("key_ops":["verify","verify"])"), Errc::malformed_key);
  EXPECT_EQ(refusal(R"("use":"sig")", R"("key_ops":["verify"])"), Errc{});
  EXPECT_EQ(refusal(R"("use":"sig")", R"("use":1)"), Errc::malformed_key);
  EXPECT_EQ(refusal(R"("alg":"ES256")", R"("alg":"ES384")"), Errc::algorithm_not_allowed);
  EXPECT_EQ(refusal(R"("alg":"ES256")", R"("alg":"NONE")"), Errc::unsupported_algorithm);
  EXPECT_EQ(refusal(R"("alg":"ES256")", R"("alg":"ECDH-ES")"), Errc::key_not_for_signatures);
}

// Row 11 of what must be refused: the twin of each is accepted.
TEST(KeySet, KeyOpsOfASecretSayWhatItMayDo) {
  const auto secret = [](std::string_view operations) {
    return R"({"kty":"oct","alg":"HS256","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T","key_ops":)" +
           std::string(operations) + "}";
  };
  const KeySetOptions local{.origin = KeyOrigin::local};
  EXPECT_TRUE(KeySet::parse(secret(R"(["verify"])"), local)->entries()[0].refusal.empty());
  EXPECT_EQ(KeySet::parse(secret(R"(["sign"])"), local)->entries()[0].refusal.front().code,
            Errc::key_not_for_signatures);
  EXPECT_TRUE(SigningKey::from_jwk(secret(R"(["sign"])")));
  EXPECT_EQ(SigningKey::from_jwk(secret(R"(["verify"])")).error().code, Errc::key_not_for_signatures);
}

TEST(KeySet, SetsAreBounded) {
  EXPECT_EQ(KeySet::parse(std::string(512 * 1024 + 1, ' ')).error().code, Errc::key_set_too_large);
  std::string many = R"({"keys":[{})";
  for (int i = 0; i < 100; ++i) many += ",{}";
  EXPECT_EQ(KeySet::parse(many + "]}").error().code, Errc::too_many_keys);
}

TEST(KeySet, WhatIsNoSetIsRefused) {
  for (const std::string_view text :
       {"", "[]", "{}", R"({"keys":{}})", R"({"keys":[)", "1", R"({"keys":[],"keys":[]})"}) {
    EXPECT_EQ(KeySet::parse(text).error().code, Errc::malformed_key) << text;
  }
  EXPECT_TRUE(KeySet::parse(R"({"keys":[]})"));
}

}  // namespace
}  // namespace jeton
