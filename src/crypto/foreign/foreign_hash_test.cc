#include "crypto/foreign/foreign_hash.h"

#include "crypto/password_hash.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace jeton::crypto {
namespace {

constexpr std::string_view password = "correct horse battery";

struct Vector {
  std::string_view password, stored;
};

// bcrypt: OpenBSD's and John the Ripper's test vectors; scrypt and PBKDF2: made by Python's hashlib, and by Django's
// documented rule; Argon2: the reference implementation's tests.
const std::vector<Vector>& vectors() {
  static const std::vector<Vector> all{
      {"", "$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s."},
      {"U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"},
      {"U*U*U", "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a"},
      {password, "$2b$05$abcdefghijklmnopqrstuuD3mHdCr44zlIZ.VZCaYRpfQhXMYnEo."},
      {password, "$2y$05$abcdefghijklmnopqrstuuD3mHdCr44zlIZ.VZCaYRpfQhXMYnEo."},
      {password, "$scrypt$ln=14,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$6W7GuoxjojaYIg83x/wEKSXUMMf+reyc6wSvA8q7ny8"},
      {password, "$pbkdf2$29000$AAECAwQFBgcICQoLDA0ODw$Qol93xBpb6W5PB2g4xmg2VM5ivE"},
      {password, "$pbkdf2-sha256$29000$AAECAwQFBgcICQoLDA0ODw$QKlCDPGRoLK139911fz4wmw.qxtasIBS/3PnV5Q49G0"},
      {password, "$pbkdf2-sha256$i=29000,l=32$AAECAwQFBgcICQoLDA0ODw$QKlCDPGRoLK139911fz4wmw+qxtasIBS/3PnV5Q49G0"},
      {password,
       "$pbkdf2-sha512$29000$AAECAwQFBgcICQoLDA0ODw$daADzkkLkCG75EuGNDJDjU4hRQN/9FhvuQgZNz.Z."
       "IJ08n.rUhZKGUijuyZ451szbSzyVCp99DSvywGNnCAOZw"},
      {password, "pbkdf2_sha256$20000$Zx9saltText$b+sa9dDxB8P4EcXEowBe1dgwxLzo3xJpFWKGCuqOOKU="},
      {"password", "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA"},
      {"password", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"},
      // A hash of 64 bytes: longer than any that we make.
      {"password",
       "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$QKydTkkjrDHgfMHfM/0S8GdMiFJYR/udf9Z+jxv6VY81g8GX66pnJCsi"
       "4x1ZpUNmKV6/arNtKD1IXgg64J7bbA"},
      {"password", "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc"},
  };
  return all;
}

TEST(ForeignHash, PasswordsOfOtherSystemsAreVerified) {
  for (const auto& [right, stored] : vectors()) {
    EXPECT_EQ(objection_to_hash(stored), "") << stored;
    EXPECT_TRUE(verify_any_password(right, std::string(stored))) << stored;
    EXPECT_FALSE(verify_any_password(std::string(right) + "x", std::string(stored))) << stored;
  }
}

TEST(ForeignHash, AHashWithOneCharacterChangedIsOfAnotherPassword) {
  for (const auto& [right, stored] : vectors()) {
    std::string changed(stored);
    const std::size_t place = changed.size() - 8;
    changed[place] = changed[place] == 'b' ? 'c' : 'b';
    EXPECT_FALSE(verify_any_password(right, changed)) << changed;
  }
}

TEST(ForeignHash, JetonsOwnAreVerifiedToo) {
  const std::string own = hash_password(password, {.memory_bytes = 64 * 1024, .passes = 1});
  EXPECT_EQ(objection_to_hash(own), "");
  EXPECT_TRUE(verify_any_password(password, own));
  EXPECT_FALSE(verify_any_password("wrong", own));
}

// As where the hash was made; the Argon2id hash that takes its place counts every byte.
TEST(ForeignHash, BcryptLooksAtTheFirst72Bytes) {
  const std::string stem(72, 'a');
  const std::string stored = "$2b$05$/OK.fbVrR/bpIqNJ5ianF.Tyda.o6kz4y.pokQa990nfo3hdXc8Ai";  // of 72 times 'a'
  EXPECT_TRUE(verify_any_password(stem, stored));
  EXPECT_TRUE(verify_any_password(stem + "A", stored));
  EXPECT_FALSE(verify_any_password(stem.substr(1), stored));
}

// Each of these would cost minutes or gigabytes (or is computed otherwise than by the reference); none is computed.
TEST(ForeignHash, AHashThatWouldCostTooMuchIsRefusedAndNotComputed) {
  for (const std::string_view stored :
       {"$2b$15$abcdefghijklmnopqrstuuD3mHdCr44zlIZ.VZCaYRpfQhXMYnEo.",
        "$2b$31$abcdefghijklmnopqrstuuD3mHdCr44zlIZ.VZCaYRpfQhXMYnEo.",
        "$scrypt$ln=24,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$6W7GuoxjojaYIg83x/wEKSXUMMf+reyc6wSvA8q7ny8",
        "$scrypt$ln=14,r=8,p=64000$AAECAwQFBgcICQoLDA0ODw$6W7GuoxjojaYIg83x/wEKSXUMMf+reyc6wSvA8q7ny8",
        "$scrypt$ln=63,r=4294967295,p=1$AAECAwQFBgcICQoLDA0ODw$6W7GuoxjojaYIg83x/wEKSXUMMf+reyc6wSvA8q7ny8",
        "$scrypt$ln=16,r=1,p=1$AAECAwQFBgcICQoLDA0ODw$6W7GuoxjojaYIg83x/wEKSXUMMf+reyc6wSvA8q7ny8",
        "$pbkdf2-sha256$2000001$AAECAwQFBgcICQoLDA0ODw$QKlCDPGRoLK139911fz4wmw.qxtasIBS/3PnV5Q49G0",
        "$argon2id$v=19$m=4194304,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        "$argon2id$v=19$m=65536,t=4000000,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        "$argon2i$v=19$m=256,t=2,p=2$c29tZXNhbHQ$tsEVYKap1h6scGt5ovl9aLRGOqOth+AMB+KwHpDFZPs",
        "$argon2id$v=19$m=256,t=2,p=17$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"}) {
    EXPECT_NE(objection_to_hash(stored), "") << stored;
    EXPECT_FALSE(verify_any_password(password, std::string(stored))) << stored;
  }
}

TEST(ForeignHash, WhatIsNoHashIsRefusedWithTheReason) {
  EXPECT_EQ(objection_to_hash(""), "hash: of a format that is not known");
  EXPECT_EQ(objection_to_hash("plain text"), "hash: of a format that is not known");
  EXPECT_EQ(objection_to_hash("{SSHA}abc"), "hash: of a format that is not known");
  EXPECT_EQ(objection_to_hash("$1$abcdefgh$0123456789012345678901"), "hash: of a format that is not known");
  EXPECT_EQ(objection_to_hash("$6$rounds=999999999$salt$hash"), "hash: of a format that is not known");
  EXPECT_EQ(objection_to_hash("$2x$05$abcdefghijklmnopqrstuuD3mHdCr44zlIZ.VZCaYRpfQhXMYnEo."),
            "hash: of a format that is not known");
  EXPECT_EQ(objection_to_hash("$2b$17$abcdefghijklmnopqrstuuD3mHdCr44zlIZ.VZCaYRpfQhXMYnEo."),
            "bcrypt: cost 17 is above 14");
  for (const std::string_view bad :
       {"$2b$5$abc", "$2b$05$short", "$2b$0x$abcdefghijklmnopqrstuuD3mHdCr44zlIZ.VZCaYRpfQhXMYnEo.",
        "$2b$03$abcdefghijklmnopqrstuuD3mHdCr44zlIZ.VZCaYRpfQhXMYnEo.",
        "$2b$05$abcdefghijklmnopqrstuuD3mHdCr44zlIZ.VZCaYRpfQhXMYnE:.",
        "$scrypt$ln=014,r=8,p=1$AAEC$6W7GuoxjojaYIg83x/wEKSXUMMf+reyc6wSvA8q7ny8",
        "$scrypt$ln=14,r=8$AAEC$6W7GuoxjojaYIg83x/wEKSXUMMf+reyc6wSvA8q7ny8", "$scrypt$ln=14,r=8,p=1$AAEC$6W7G",
        "$scrypt$ln=14,r=8,p=1$A!EC$6W7GuoxjojaYIg83x/wEKSXUMMf+reyc6wSvA8q7ny8",
        "$pbkdf2-sha256$-1$AAEC$QKlCDPGRoLK139911fz4wmw.qxtasIBS/3PnV5Q49G0",
        "$pbkdf2-sha256$0$AAEC$QKlCDPGRoLK139911fz4wmw.qxtasIBS/3PnV5Q49G0", "$pbkdf2-sha256$1$AAEC$",
        "pbkdf2_sha256$20000$salt", "pbkdf2_md5$1$salt$b+sa9dDxB8P4EcXEowBe1dgwxLzo3xJpFWKG",
        "$argon2id$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
        "$argon2d$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
        "$argon2id$v=19$m=256,t=2,p=2$$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc"}) {
    EXPECT_NE(objection_to_hash(bad), "") << bad;
    EXPECT_FALSE(verify_any_password(password, std::string(bad))) << bad;
  }
  EXPECT_NE(objection_to_hash(std::string(600, '$')), "");
  EXPECT_NE(objection_to_hash(std::string_view("$2b$05$abc\0", 11)), "");
}

}  // namespace
}  // namespace jeton::crypto
