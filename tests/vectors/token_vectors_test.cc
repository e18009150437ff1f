// The signed examples of the RFCs: verified as JWS, verified as JWT, and, where a signature has but one outcome,
// signed.
#include "vector_file.h"

#include "crypto/key.h"
#include "jose/base64url.h"
#include "jose/jwk.h"

#include <jeton/algorithm.h>
#include <jeton/jws.h>
#include <jeton/key.h>
#include <jeton/key_set.h>
#include <jeton/verifier.h>

#include <gtest/gtest.h>

#include <charconv>
#include <map>
#include <span>
#include <stdexcept>
#include <string>

namespace jeton {
namespace {

using vectors::Block;

std::string jwk_named(std::string_view name) {
  static const auto keys = vectors::read_blocks("keys.vec");
  for (const Block& block : keys) {
    if (block.value("key") == name) return std::string(block.value("jwk"));
  }
  throw std::runtime_error("no key " + std::string(name));
}

Algorithm algorithm_of(const Block& block) { return algorithm_named(block.value("alg")).value(); }

// The key of a block as an operator's own file would hold it: by its verifying part, bound to the block's algorithm.
KeySet keys_of(const Block& block) {
  const KeySetOptions options{.origin = KeyOrigin::local, .algorithms_without_alg = {algorithm_of(block)}};
  return KeySet::parse(jwk_named(block.value("key")), options).value();
}

std::string bytes_of(std::string_view base64url) {
  const auto bytes = jose::base64url::decode(base64url).value();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

template <class T>
std::string_view outcome_of(const Result<T>& result) {
  return result ? "ok" : name_of(result.error().code);
}

class JwsVector : public testing::TestWithParam<Block> {};

TEST_P(JwsVector, IsVerifiedOrRefused) {
  const Block& block = GetParam();
  const auto payload = jws_verify(block.value("jws"), keys_of(block), AlgorithmRule::only({algorithm_of(block)}));
  EXPECT_TRUE(vectors::is_one_of(outcome_of(payload), block.value("expect")))
      << outcome_of(payload) << " at " << block.place();
  if (payload) {
    EXPECT_EQ(payload->bytes(), bytes_of(block.value("payload"))) << block.place();
    EXPECT_EQ(payload->algorithm(), algorithm_of(block));
  }
}

class JwtVector : public testing::TestWithParam<Block> {};

TEST_P(JwtVector, IsVerifiedOrRefused) {
  const Block& block = GetParam();
  std::int64_t now = 0;
  const std::string_view text = block.value("now");
  ASSERT_EQ(std::from_chars(text.data(), text.data() + text.size(), now).ptr, text.data() + text.size());
  const Verifier verifier{{
      .issuer = std::string(block.value("issuer")),
      .audience = AudienceRule::accept_any_because("the examples name none"),
      .keys = keys_of(block),
      .typ = TypRule::accept_any_because("the examples say JWT, or nothing"),
  }};
  const auto token = verifier.verify(block.value("jwt"), from_unix_seconds(now));
  EXPECT_TRUE(vectors::is_one_of(outcome_of(token), block.value("expect")))
      << outcome_of(token) << " at " << block.place();
  if (!token) return;
  EXPECT_EQ(token->issuer(), block.value("issuer"));
  EXPECT_EQ(token->expires_at(), from_unix_seconds(1300819380));
  EXPECT_EQ(token->get<bool>("http://example.com/is_root"), true);
}

class SignVector : public testing::TestWithParam<Block> {};

TEST_P(SignVector, SameSignatureComesOut) {
  const Block& block = GetParam();
  const auto jwk = jose::read_jwk(jwk_named(block.value("key")), default_limits);
  ASSERT_TRUE(jwk.has_value() && jwk->private_material()) << block.place();
  const auto key =
      crypto::PrivateKey::create(crypto::duplicate(*jwk->private_material()), algorithm_of(block), default_limits);
  ASSERT_TRUE(key.has_value()) << block.place();
  const std::string_view jws = block.value("jws");
  std::string signature((*key)->signature_bytes(), '\0');
  ASSERT_TRUE((*key)->sign(jws.substr(0, jws.rfind('.')), std::as_writable_bytes(std::span(signature))));
  EXPECT_EQ(signature, bytes_of(jws.substr(jws.rfind('.') + 1))) << block.place();
}

TEST_P(SignVector, SameTokenComesOutOfJwsSign) {
  const Block& block = GetParam();
  const auto key = SigningKey::from_jwk(jwk_named(block.value("key")), algorithm_of(block));
  ASSERT_TRUE(key.has_value()) << block.place();
  const auto jws = jws_sign(*key, bytes_of(block.value("payload")));
  ASSERT_TRUE(jws.has_value()) << block.place();
  const bool has_kid = jwk_named(block.value("key")).contains("\"kid\"");
  if (has_kid) {
    EXPECT_EQ(*jws, block.value("jws")) << block.place();
  } else {
    EXPECT_EQ(untrusted_header_peek(*jws).value().kid, thumbprint(jwk_named(block.value("key"))).value());
  }
}

std::string name_by(std::string_view key, const Block& block) { return std::string(block.value(key)); }

INSTANTIATE_TEST_SUITE_P(Rfc, JwsVector, testing::ValuesIn(vectors::read_blocks("jws_compact.vec")),
                         [](const auto& instance) { return name_by("test", instance.param); });
INSTANTIATE_TEST_SUITE_P(Rfc, JwtVector, testing::ValuesIn(vectors::read_blocks("jwt.vec")),
                         [](const auto& instance) { return name_by("test", instance.param); });
INSTANTIATE_TEST_SUITE_P(Rfc, SignVector, testing::ValuesIn(vectors::read_blocks("sign.vec")),
                         [](const auto& instance) { return name_by("sign", instance.param); });

// A file of vectors in which nothing was refused, or nothing accepted, would prove little.
TEST(TokenVectors, EachRefusalHasAnAcceptedTwin) {
  for (const char* file : {"jws_compact.vec", "jwt.vec"}) {
    std::map<std::string_view, int> count;
    const auto blocks = vectors::read_blocks(file);
    for (const Block& block : blocks) ++count[block.value("expect") == "ok" ? "ok" : "refused"];
    EXPECT_GE(count["ok"], 3) << file;
    EXPECT_GE(count["refused"], 5) << file;
  }
}

}  // namespace
}  // namespace jeton
