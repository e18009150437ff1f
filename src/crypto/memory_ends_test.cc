// What happens when memory ends inside the crypto library: at the first thing it asks for, at the second, and so on
// until it gets everything. Each time the outcome is the right one or a clean refusal; never an acceptance, never a
// crash; and afterwards everything works again. This replaces OpenSSL's allocator for the whole test binary, which is
// why it is a file of its own.
#include "crypto/key.h"
#include "crypto/sealed_box.h"
#include "crypto/test_bytes.h"

#include <gtest/gtest.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <functional>
#include <new>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace jeton::crypto {
namespace {

constexpr long never = -1;
// How many more requests of this thread are granted. Then one is refused, or each until further notice.
thread_local long granted = never;
thread_local bool all_further = false;
thread_local bool refused = false;

bool may_have() noexcept {
  if (granted == never) return true;
  if (granted > 0) {
    --granted;
    return true;
  }
  refused = true;
  if (!all_further) granted = never;
  return false;
}

void* take(std::size_t size, const char*, int) { return may_have() ? std::malloc(size) : nullptr; }
void* take_again(void* block, std::size_t size, const char*, int) {
  return may_have() ? std::realloc(block, size) : nullptr;
}
void give_back(void* block, const char*, int) { std::free(block); }

const bool is_ours = CRYPTO_set_mem_functions(take, take_again, give_back) == 1;

// Runs `work`, which returns whether what came out is to be borne, with memory ending ever later.
void with_memory_ending(const std::string& what, const std::function<bool()>& work) {
  constexpr long requests_max = 20'000;
  ASSERT_TRUE(is_ours);
  ASSERT_TRUE(work()) << what;  // whatever is made once and kept is made now
  for (const bool all : {false, true}) {
    long at = 0;
    for (refused = true; refused && at < requests_max; at += 1 + at / 64) {  // late ones not one by one
      refused = false;
      all_further = all;
      granted = at;
      const bool borne = work();
      granted = never;
      ASSERT_TRUE(borne) << what << ", request " << at << (all ? " and all further" : "");
    }
    ASSERT_LT(at, requests_max) << what;
    EXPECT_TRUE(work()) << what << ", afterwards";
  }
}

struct Pair {
  PrivateMaterial material;
  Algorithm algorithm;
};

const std::vector<Pair>& pairs() {
  static const std::vector<Pair> all = [] {
    std::vector<Pair> made;
    const PrivateMaterial rsa = PrivateKey::generate(Algorithm::rs256, 2048);
    made.push_back({duplicate(rsa), Algorithm::rs256});
    made.push_back({duplicate(rsa), Algorithm::ps384});
    for (const Algorithm algorithm : {Algorithm::es256, Algorithm::es384, Algorithm::es512, Algorithm::eddsa})
      made.push_back({PrivateKey::generate(algorithm, 0), algorithm});
    return made;
  }();
  return all;
}

std::string name(const Pair& pair) { return std::string(name_of(pair.algorithm)); }

class MemoryEnds : public testing::TestWithParam<std::size_t> {
 protected:
  const Pair& pair() const { return pairs()[GetParam()]; }
  std::shared_ptr<const PublicKey> verifying() const {
    return PublicKey::create(public_part(pair().material), pair().algorithm, default_limits).value();
  }
  std::shared_ptr<const PrivateKey> signing() const {
    return PrivateKey::create(duplicate(pair().material), pair().algorithm, default_limits).value();
  }
  static Bytes signature_by(const PrivateKey& key) {
    Bytes signature(key.signature_bytes());
    EXPECT_TRUE(key.sign("input", signature));
    return signature;
  }
};

TEST_P(MemoryEnds, NoForgedSignatureIsAcceptedAndAGoodOneAtMostRefused) {
  const auto signer = signing();
  const Bytes good = signature_by(*signer);
  Bytes forged = good;
  forged[forged.size() / 2] ^= std::byte{1};
  // A new key each time, so that nothing it keeps hides what it asks for.
  with_memory_ending(name(pair()) + " verify", [&] {
    const long left = std::exchange(granted, never);
    const auto key = verifying();
    granted = left;
    const bool accepted = key->verify("input", good);
    granted = never;
    return (accepted || refused) && !key->verify("input", forged) && key->verify("input", good);
  });
  with_memory_ending(name(pair()) + " verify, forged", [&] {
    const long left = std::exchange(granted, never);
    const auto key = verifying();
    granted = left;
    return !key->verify("input", forged);
  });
}

// The signature before it is of another input: what is left of it must not come out again.
TEST_P(MemoryEnds, ASignatureIsGoodOrNone) {
  const auto verifier = verifying();
  with_memory_ending(name(pair()) + " sign", [&] {
    const long left = std::exchange(granted, never);
    const auto key = signing();
    Bytes signature(key->signature_bytes(), std::byte{0x55});
    bool done = false;
    for (const std::string_view input : {"another input", "input"}) {
      if (input == "input") granted = left;
      done = key->sign(input, signature);
    }
    granted = never;
    if (done) return verifier->verify("input", signature);
    return refused && std::ranges::all_of(signature, [](std::byte b) { return b == std::byte{0}; });
  });
}

TEST_P(MemoryEnds, AKeyIsWholeOrRefused) {
  const auto verifier = verifying();
  const Bytes good = signature_by(*signing());
  with_memory_ending(name(pair()) + " public key", [&] {
    const auto key = PublicKey::create(public_part(pair().material), pair().algorithm, default_limits);
    granted = never;
    return key ? (*key)->verify("input", good) : refused;
  });
  with_memory_ending(name(pair()) + " private key", [&] {
    const auto key = PrivateKey::create(duplicate(pair().material), pair().algorithm, default_limits);
    granted = never;
    return key ? verifier->verify("input", signature_by(**key)) : refused;
  });
}

std::string instance_name(const testing::TestParamInfo<std::size_t>& instance) {
  constexpr std::array names{"Rs256", "Ps384", "Es256", "Es384", "Es512", "EdDsa"};
  return names[instance.param];
}

INSTANTIATE_TEST_SUITE_P(Pairs, MemoryEnds, testing::Range(std::size_t{0}, std::size_t{6}), instance_name);

TEST(MemoryEndsInASealedBox, WhatIsSealedOpensOrIsNotSealed) {
  const SecretBytes key{Bytes(32, std::byte{7})};
  const SecretBytes plain = SecretBytes::from_text("a signing key");
  with_memory_ending("seal", [&] {
    try {
      const Bytes sealed = seal(key, plain, "row");
      granted = never;
      const auto opened = open(key, sealed, "row");
      return opened && to_hex(*opened) == to_hex(plain);
    } catch (const std::bad_alloc&) {
      return refused;
    }
  });
  const Bytes sealed = seal(key, plain, "row");
  Bytes changed = sealed;
  changed.back() ^= std::byte{1};
  with_memory_ending("open", [&] {
    const auto opened = open(key, sealed, "row");
    return opened ? to_hex(*opened) == to_hex(plain) : refused;
  });
  with_memory_ending("open, changed", [&] { return !open(key, changed, "row").has_value(); });
}

// Every number of it.
std::string numbers_of(const std::variant<PublicMaterial, PrivateMaterial>& read) {
  const auto of_public = [](const PublicMaterial& material) {
    if (const auto* rsa = std::get_if<RsaPublic>(&material)) return to_hex(rsa->n) + ' ' + to_hex(rsa->e);
    if (const auto* ec = std::get_if<EcPublic>(&material)) return to_hex(ec->x) + ' ' + to_hex(ec->y);
    return to_hex(std::get<OkpPublic>(material).x);
  };
  if (const auto* open = std::get_if<PublicMaterial>(&read)) return of_public(*open);
  const auto& material = std::get<PrivateMaterial>(read);
  std::string all = of_public(public_part(material));
  if (const auto* ec = std::get_if<EcPrivate>(&material)) return all + ' ' + to_hex(ec->d);
  if (const auto* okp = std::get_if<OkpPrivate>(&material)) return all + ' ' + to_hex(okp->d);
  const auto& rsa = std::get<RsaPrivate>(material);
  for (const SecretBytes* part : {&rsa.d, &rsa.p, &rsa.q, &rsa.dp, &rsa.dq, &rsa.qi}) {
    if (!part->empty()) all += ' ' + to_hex(*part);
  }
  return all;
}

// A key can be made of it.
bool is_sound(const std::variant<PublicMaterial, PrivateMaterial>& read) {
  const auto algorithm = [](const PublicMaterial& material) { return fitting_algorithms(material).front(); };
  if (const auto* open = std::get_if<PublicMaterial>(&read))
    return PublicKey::create(*open, algorithm(*open), default_limits).has_value();
  const auto& material = std::get<PrivateMaterial>(read);
  return PrivateKey::create(duplicate(material), algorithm(public_part(material)), default_limits).has_value();
}

TEST(MemoryEndsInAPem, AKeyIsReadAsItIsOrRefused) {
  for (const std::string file : {"rsa_pkcs1.pem", "rsa_certificate.pem", "p256_pkcs8.pem", "p256_sec1.pem",
                                 "ed25519_spki.pem", "p256_explicit_spki.pem"}) {
    const std::string text = pem_file(file);
    const auto whole = read_pem(text);
    with_memory_ending(file, [&] {
      const auto read = read_pem(text);
      granted = never;
      if (!read) return refused || !whole;
      // An RSA key does without its factors: it is the same key.
      return whole && numbers_of(*whole).starts_with(numbers_of(*read)) && is_sound(*read);
    });
  }
}

TEST(MemoryEndsInATable, ATableGivesTheSameVerdictsOrIsNotMade) {
  const PrivateMaterial material = PrivateKey::generate(Algorithm::es256, 0);
  const auto signing = PrivateKey::create(duplicate(material), Algorithm::es256, default_limits).value();
  const auto plain = PublicKey::create(public_part(material), Algorithm::es256, default_limits).value();
  Bytes good(64);
  ASSERT_TRUE(signing->sign("input", good));
  Bytes forged = good;
  forged[40] ^= std::byte{1};
  const auto with_table = PublicKey::precompute(plain, public_part(material));
  ASSERT_TRUE(with_table);
  with_memory_ending("ES256 with its table", [&] {
    const bool accepted = with_table->verify("input", good);
    granted = never;
    return (accepted || refused) && !with_table->verify("input", forged);
  });
  with_memory_ending("ES256 with its table, forged", [&] { return !with_table->verify("input", forged); });
}

}  // namespace
}  // namespace jeton::crypto
