#ifndef __has_feature
#define __has_feature(name) 0
#endif
#include "crypto/password_hash.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdlib>
#include <new>

namespace jeton::crypto {
namespace {

constexpr Argon2Cost low_cost{.memory_bytes = 64 * 1024, .passes = 1};

TEST(PasswordHash, TheRightPasswordVerifies) {
  const std::string phc = hash_password("correct horse", low_cost);
  EXPECT_TRUE(phc.starts_with("$argon2id$v=19$m=64,t=1,p=1$")) << phc;
  EXPECT_TRUE(verify_password("correct horse", phc));
  EXPECT_FALSE(verify_password("correct hors", phc));
  EXPECT_FALSE(verify_password("correct horse ", phc));
  EXPECT_FALSE(verify_password("", phc));
}

TEST(PasswordHash, DefaultCostIsOwaspsMinimum) {
  const std::string phc = hash_password("correct horse", {});
  EXPECT_TRUE(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$")) << phc;
  EXPECT_TRUE(verify_password("correct horse", phc));
}

TEST(PasswordHash, SamePasswordGivesAnotherHash) {
  EXPECT_NE(hash_password("x", low_cost), hash_password("x", low_cost));
}

TEST(PasswordHash, AnEmptyPasswordIsAPasswordToo) {
  const std::string phc = hash_password({}, low_cost);
  EXPECT_TRUE(verify_password({}, phc));
  EXPECT_TRUE(verify_password("", phc));
  EXPECT_FALSE(verify_password("x", phc));
}

TEST(PasswordHash, ZeroBytesBelongToThePassword) {
  using std::string_view_literals::operator""sv;
  const std::string phc = hash_password("a\0b"sv, low_cost);
  EXPECT_TRUE(verify_password("a\0b"sv, phc));
  EXPECT_FALSE(verify_password("a"sv, phc));
  EXPECT_FALSE(verify_password("a\0c"sv, phc));
}

// Argon2's reference implementation, test.c: version 0x13, argon2id, t=2, m=2^16, p=1.
TEST(PasswordHash, HashOfTheReferenceImplementationVerifies) {
  const std::string phc = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
  EXPECT_TRUE(verify_password("password", phc));
  EXPECT_FALSE(verify_password("Password", phc));
}

TEST(PasswordHash, WhatIsNoArgon2idHashVerifiesNothing) {
  const std::string good = hash_password("x", low_cost);
  EXPECT_FALSE(verify_password("x", ""));
  EXPECT_FALSE(verify_password("x", "x"));
  EXPECT_FALSE(verify_password("x", "$argon2id$"));
  EXPECT_FALSE(verify_password("x", good.substr(0, good.size() - 1)));
  EXPECT_FALSE(verify_password("x", good + "A"));
  EXPECT_FALSE(verify_password("x", good + std::string(1, '\0')));
  EXPECT_FALSE(verify_password("x", good + std::string(4096, 'A')));
  EXPECT_FALSE(verify_password("x", "$2b$12$" + std::string(53, 'a')));
  // argon2i of the reference implementation's test.c
  EXPECT_FALSE(verify_password(
      "password", "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA"));
}

TEST(PasswordHash, ACostBeyondTheMachineGivesNoHash) {
  EXPECT_TRUE(hash_password("x", {.memory_bytes = std::uint64_t{1} << 50, .passes = 1}).empty());
  EXPECT_FALSE(verify_password("x",
                               "$argon2id$v=19$m=4294967295,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8"
                               "ArZWb2GRPPc"));
}

// A sanitizer ends the process itself where memory ends.
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool memory_may_end = false;
#else
constexpr bool memory_may_end = true;
#endif

// For real: the address space of the process ends, in a process of its own.
TEST(PasswordHashDeathTest, TooLittleMemoryIsNoWrongPassword) {
  if (!memory_may_end) GTEST_SKIP() << "a sanitizer ends the process where memory ends";
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        const std::string phc = hash_password("x", {.memory_bytes = 64 << 20, .passes = 1});
        if (!verify_password("x", phc) || verify_password("y", phc)) std::_Exit(1);
        rlimit limit{};
        getrlimit(RLIMIT_AS, &limit);
        limit.rlim_cur = 1;
        setrlimit(RLIMIT_AS, &limit);
        int refused = 0;
        for (const char* password : {"x", "y"}) {
          try {
            static_cast<void>(verify_password(password, phc));
          } catch (const std::bad_alloc&) {
            ++refused;
          }
        }
        std::_Exit(refused == 2 ? 42 : 2);
      },
      testing::ExitedWithCode(42), "");
}

TEST(PasswordHash, AnotherCostAsksForAnotherHash) {
  const std::string phc = hash_password("x", low_cost);
  EXPECT_FALSE(needs_rehash(phc, low_cost));
  EXPECT_TRUE(needs_rehash(phc, {.memory_bytes = 128 * 1024, .passes = 1}));
  EXPECT_TRUE(needs_rehash(phc, {.memory_bytes = 64 * 1024, .passes = 2}));
  EXPECT_TRUE(needs_rehash("no hash", low_cost));
}

}  // namespace
}  // namespace jeton::crypto
