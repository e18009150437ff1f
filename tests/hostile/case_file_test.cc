#include "case_file.h"
#include "judge.h"
#include "material.h"
#include "token_forge.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace jeton::hostile {
namespace {

TEST(CaseFile, RepetitionsAreWrittenOut) {
  EXPECT_EQ(with_repetitions("a$REP(b,3)c"), "abbbc");
  EXPECT_EQ(with_repetitions("$REP([,2)$REP(],2)"), "[[]]");
  EXPECT_EQ(with_repetitions("[$REP(0,,3)0]"), "[0,0,0,0]");
  EXPECT_EQ(with_repetitions("no more"), "no more");
  EXPECT_THROW(with_repetitions("$REP(b"), std::runtime_error);
}

TEST(Material, CallsAndTextsAreJoined) {
  EXPECT_EQ(bytes_of("plain"), "plain");
  EXPECT_EQ(bytes_of("a+b"), "a+b");
  EXPECT_EQ(bytes_of("hex(6162)+c"), "abc");
  EXPECT_EQ(bytes_of("\\n+hex(61)"), "\na");
  EXPECT_EQ(bytes_of(""), "");
  EXPECT_EQ(bytes_of("x(EC1)").size(), 32u);
  EXPECT_EQ(bytes_of("\\n+pem(EC1.pub)"), "\n" + public_pem("EC1"));
  EXPECT_THROW(bytes_of("y(RSA1)"), std::runtime_error);
  EXPECT_THROW(bytes_of("nothing(EC1)"), std::runtime_error);
}

TEST(Material, PublicKeyWrittenHereIsReadByTheLibrary) {
  for (const char* name : {"EC1", "RSA1", "EC384", "EC521", "ED1"}) {
    const auto key = VerificationKey::from_pem(
        public_pem(name), std::string(name) == "RSA1" ? std::optional{Algorithm::ps256} : std::nullopt);
    EXPECT_TRUE(key.has_value()) << name;
  }
}

TEST(TokenForge, WhatItDoesNotKnowIsAnError) {
  Case hostile;
  hostile.texts["m"] = "nothing:1";
  EXPECT_THROW(forge_token(hostile), std::runtime_error);
  hostile.texts = {{"s", "NO:EC1"}};
  EXPECT_THROW(forge_token(hostile), std::runtime_error);
  hostile.texts = {{"s", "ES256:NOBODY"}};
  EXPECT_THROW(forge_token(hostile), std::runtime_error);
}

TEST(Judge, CaseThatExpectsTheOppositeIsComplainedOf) {
  bool only_group = true;
  Case hostile;
  hostile.area = "jose";
  hostile.expect = "reject:sig";
  EXPECT_NE(complaint(hostile, {true, "ok", ""}, only_group), "");
  EXPECT_FALSE(only_group);
  EXPECT_NE(complaint(hostile, {false, "expired", "exp"}, only_group), "");
  EXPECT_TRUE(only_group);
  EXPECT_EQ(complaint(hostile, {false, "bad_signature", "sig"}, only_group), "");
  hostile.expect = "accept";
  EXPECT_NE(complaint(hostile, {false, "bad_signature", "sig"}, only_group), "");
}

}  // namespace
}  // namespace jeton::hostile
