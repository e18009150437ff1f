// What happens on the heap: verifying takes nothing from it, and secrets go back to it wiped. This replaces operator
// new and delete for the whole test binary, which is why it is a file of its own. The thread sanitizer brings operators
// that cannot be replaced; its build goes without these tests.
#ifndef __has_feature
#define __has_feature(name) 0
#endif
#if !__has_feature(thread_sanitizer) && !defined(__SANITIZE_THREAD__)
#include "crypto/key.h"
#include "crypto/test_bytes.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

thread_local long allocations = 0;
// The block that is watched, how much of it, and whether it was all zero when it was given back.
thread_local const void* watched = nullptr;
thread_local std::size_t watched_bytes = 0;
thread_local bool given_back_wiped = false;

void* take(std::size_t size, std::size_t alignment) {
  ++allocations;
  void* const block = std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

void give_back(void* block) noexcept {
  if (block != nullptr && block == watched) {
    const auto* const bytes = static_cast<const volatile unsigned char*>(block);
    given_back_wiped = true;
    for (std::size_t i = 0; i < watched_bytes; ++i) given_back_wiped = given_back_wiped && bytes[i] == 0;
    watched = nullptr;
  }
  std::free(block);
}

}  // namespace

void* operator new(std::size_t size) { return take(size, alignof(std::max_align_t)); }
void* operator new(std::size_t size, std::align_val_t to) { return take(size, static_cast<std::size_t>(to)); }
void operator delete(void* block) noexcept { give_back(block); }
void operator delete(void* block, std::size_t) noexcept { give_back(block); }
void operator delete(void* block, std::align_val_t) noexcept { give_back(block); }
void operator delete(void* block, std::size_t, std::align_val_t) noexcept { give_back(block); }

namespace jeton::crypto {
namespace {

void watch(const SecretBytes& secret) {
  const auto bytes = secret.reveal(InsecureSecretAccess::get());
  watched = bytes.data();
  watched_bytes = bytes.size();
  given_back_wiped = false;
}

TEST(Heap, WatcherSeesABlockThatWasNotWiped) {
  {
    const Bytes plain = from_hex("0102030405060708");
    watched = plain.data();
    watched_bytes = plain.size();
    given_back_wiped = true;
  }
  EXPECT_FALSE(given_back_wiped);
}

TEST(Heap, SecretIsWipedWhenItEnds) {
  {
    const SecretBytes secret = SecretBytes::from_text("an old and well kept secret");
    watch(secret);
  }
  EXPECT_TRUE(given_back_wiped);
}

TEST(Heap, SecretIsWipedWhenAnotherIsMovedOverIt) {
  SecretBytes secret = SecretBytes::from_text("an old and well kept secret");
  watch(secret);
  secret = SecretBytes::from_text("a new one");
  EXPECT_TRUE(given_back_wiped);
}

TEST(Heap, SecretIsWipedWhereItWasMovedTo) {
  SecretBytes secret = SecretBytes::from_text("an old and well kept secret");
  watch(secret);
  {
    const SecretBytes elsewhere = std::move(secret);
  }
  EXPECT_TRUE(given_back_wiped);
}

TEST(Heap, VerifyingTakesNothingFromIt) {
  const PrivateMaterial rsa = PrivateKey::generate(Algorithm::rs256, 2048);
  for (int i = 0; i < algorithm_count; ++i) {
    const auto algorithm = static_cast<Algorithm>(i);
    const bool is_rsa = algorithm >= Algorithm::rs256 && algorithm <= Algorithm::ps512;
    PrivateMaterial material = is_rsa ? duplicate(rsa) : PrivateKey::generate(algorithm, 2048);
    const auto public_key = is_symmetric(algorithm)
                                ? PublicKey::create(std::get<SharedSecret>(material), algorithm, default_limits)
                                : PublicKey::create(public_part(material), algorithm, default_limits);
    const auto private_key = PrivateKey::create(std::move(material), algorithm, default_limits);
    ASSERT_TRUE(public_key && private_key) << i;
    const std::string input(300, 'x');
    Bytes signature((*private_key)->signature_bytes());
    ASSERT_TRUE((*private_key)->sign(input, signature));

    const long before = allocations;
    const bool good = (*public_key)->verify(input, signature);
    signature[signature.size() / 2] ^= std::byte{1};
    const bool bad = (*public_key)->verify(input, signature);
    const long after = allocations;
    EXPECT_EQ(after, before) << i;
    EXPECT_TRUE(good) << i;
    EXPECT_FALSE(bad) << i;
  }
}

}  // namespace
}  // namespace jeton::crypto

#endif
