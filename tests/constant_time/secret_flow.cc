// Whether anything decides or addresses by a secret, watched by valgrind's memcheck.
//
// Memcheck follows every undefined bit through registers and memory and reports a branch or an address that depends on
// one. So a secret is declared undefined, the code that must take constant time runs on it, and what it lets out (a
// verdict, a signature) is declared defined again: whatever memcheck reported in between depended on the secret. That
// finds what a stopwatch cannot, and on a loaded machine too. It sees the code as compiled for this build, and no
// instruction whose own time depends on its operands (division).
//
// Planted comparisons that leave early must be reported, or the harness is blind and the check fails.
#include "crypto/hmac.h"
#include "crypto/key.h"
#include "crypto/mac.h"
#include "crypto/sealed_box.h"
#include "crypto/sha2.h"
#include "jose/base64url.h"
#include "oauth/refresh_token.h"

#include <jeton/limits.h>

#include <valgrind/memcheck.h>
#include <valgrind/valgrind.h>
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// The macros are valgrind's, old-style casts and all.
#pragma GCC diagnostic ignored "-Wold-style-cast"
#pragma GCC diagnostic ignored "-Wunused-value"

namespace jeton::constant_time {
namespace {

using crypto::Bytes;

void classify(std::span<const std::byte> secret) { VALGRIND_MAKE_MEM_UNDEFINED(secret.data(), secret.size()); }
void declassify(std::span<const std::byte> revealed) { VALGRIND_MAKE_MEM_DEFINED(revealed.data(), revealed.size()); }

bool declassified(bool verdict) {
  VALGRIND_MAKE_MEM_DEFINED(&verdict, sizeof verdict);
  return verdict;
}

// True if each byte is one that memcheck takes for undefined.
bool is_watched(std::span<const std::byte> bytes) {
  Bytes undefined(bytes.size());
  if (VALGRIND_GET_VBITS(bytes.data(), undefined.data(), bytes.size()) != 1) return false;
  return std::ranges::all_of(undefined, [](std::byte bits) { return bits == std::byte{0xff}; });
}

Bytes pattern(std::size_t size, unsigned seed) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(seed + 37 * i + (i * i) / 7);
  return bytes;
}

SecretBytes secret(std::size_t size, unsigned seed) {
  SecretBytes made{pattern(size, seed)};
  classify(made.reveal(InsecureSecretAccess::get()));
  return made;
}

// The same bytes, one of them changed.
Bytes changed(Bytes bytes, std::size_t at) {
  bytes[at] ^= std::byte{1};
  return bytes;
}

int failures = 0;

void say(std::string_view name, bool good, const char* what) {
  if (!good) ++failures;
  std::printf("%-8s %.*s: %s\n", good ? "ok" : "FAILED", static_cast<int>(name.size()), name.data(), what);
}

unsigned long reports() { return VALGRIND_COUNT_ERRORS; }

// `work` returns whether the outcome was the right one.
void must_be_constant(std::string_view name, const std::function<bool()>& work) {
  const unsigned long before = reports();
  const bool right = work();
  const unsigned long found = reports() - before;
  say(name, right && found == 0,
      !right       ? "the outcome is wrong"
      : found == 0 ? "nothing depends on the secret"
                   : "a branch or an address depends on the secret");
}

void must_be_noticed(std::string_view name, const std::function<void()>& work) {
  const unsigned long before = reports();
  work();
  say(name, reports() != before, reports() != before ? "noticed, as it must be" : "NOT noticed: the harness is blind");
}

// --- planted ---

volatile unsigned long sink;  // so that nothing is left out as unused

// What a comparison looks like that gives a MAC away byte by byte.
[[gnu::noinline]] bool early_exit_equal(std::span<const std::byte> a, std::span<const std::byte> b) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] != b[i]) return false;
  }
  return true;
}

[[gnu::noinline]] unsigned looked_up(std::byte secret_byte) {
  static volatile unsigned table[256] = {1, 2, 3};
  return table[std::to_integer<unsigned>(secret_byte)];
}

void check_the_planted() {
  const Bytes other = pattern(32, 5);
  must_be_noticed("planted: a comparison that leaves at the first difference", [&] {
    Bytes mac = pattern(32, 5);
    classify(mac);
    sink = declassified(early_exit_equal(mac, other));
  });
  must_be_noticed("planted: memcmp on a MAC", [&] {
    Bytes mac = changed(pattern(32, 5), 31);
    classify(mac);
    volatile std::size_t size = mac.size();  // so that it is called and not computed by the compiler
    int order = std::memcmp(mac.data(), other.data(), size);
    VALGRIND_MAKE_MEM_DEFINED(&order, sizeof order);
    sink = order;
  });
  must_be_noticed("planted: a table indexed by a secret", [&] {
    Bytes key = pattern(1, 9);
    classify(key);
    sink = looked_up(key[0]);
  });
}

// --- comparison ---

void check_comparison() {
  for (const std::size_t size :
       {std::size_t{16}, std::size_t{32}, std::size_t{48}, std::size_t{64}, std::size_t{100}}) {
    const Bytes plain = pattern(size, 3);
    for (const std::size_t at : {std::size_t{0}, size / 2, size - 1, size}) {  // size: nothing changed
      const std::string name = "ct_equal, " + std::to_string(size) + " bytes, " +
                               (at == size ? "equal" : "different at " + std::to_string(at));
      must_be_constant(name, [&] {
        Bytes a = plain;
        Bytes b = at == size ? plain : changed(plain, at);
        classify(a);
        classify(b);
        return declassified(crypto::ct_equal(a, b)) == (at == size);
      });
    }
  }
}

// --- MACs ---

template <class Hash>
void check_hmac_padding(std::string_view name) {
  for (const std::size_t size : {Hash::digest_bytes, Hash::block_bytes, Hash::block_bytes + 1, std::size_t{300}}) {
    must_be_constant(std::string(name) + ", key of " + std::to_string(size) + " bytes: padding and MAC", [&] {
      Bytes key = pattern(size, 11);
      const Bytes message = pattern(200, 1);
      const auto plain = crypto::HmacState<Hash>(key).compute({message});
      classify(key);
      auto mac = crypto::HmacState<Hash>(key).compute({message});
      declassify(mac);
      return mac == plain;
    });
  }
}

// The key as a verifier has it: made once (which looks at the secret, to refuse weak ones), then used for every token.
void check_hmac_key(Algorithm algorithm, std::size_t mac_bytes) {
  const std::string input = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1MSJ9";
  const crypto::SharedSecret plain{SecretBytes{pattern(64, 21)}};
  Bytes good(mac_bytes);
  const auto signer = crypto::PrivateKey::create(crypto::PrivateMaterial{crypto::SharedSecret{plain.k.duplicate()}},
                                                 algorithm, default_limits);
  if (!signer || !(*signer)->sign(input, good)) return say(name_of(algorithm), false, "no key");

  const auto key = crypto::PublicKey::create(crypto::SharedSecret{secret(64, 21)}, algorithm, default_limits);
  const auto poisoned_signer = crypto::PrivateKey::create(crypto::PrivateMaterial{crypto::SharedSecret{secret(64, 21)}},
                                                          algorithm, default_limits);
  if (!key || !poisoned_signer) return say(name_of(algorithm), false, "no key of a secret that memcheck watches");
  for (const std::size_t at : {std::size_t{0}, mac_bytes / 2, mac_bytes - 1, mac_bytes}) {
    const std::string name = std::string(name_of(algorithm)) + " verify, " +
                             (at == mac_bytes ? "good MAC" : "MAC different at " + std::to_string(at));
    must_be_constant(name, [&] {
      const Bytes mac = at == mac_bytes ? good : changed(good, at);
      return declassified((*key)->verify(input, mac)) == (at == mac_bytes);
    });
  }
  must_be_constant(std::string(name_of(algorithm)) + " sign", [&] {
    Bytes mac(mac_bytes);
    const bool done = declassified((*poisoned_signer)->sign(input, mac));
    const bool reached = is_watched(mac);  // else nothing of the above was watched
    declassify(mac);
    return done && reached && mac == good;
  });
}

void check_refresh_tokens() {
  const auto codec_of = [](SecretBytes key) {
    std::vector<oauth::RefreshTokenKey> keys;
    keys.push_back({.id = 7, .key = std::move(key)});
    return oauth::RefreshTokenCodec("https://id.example", "epoch", std::move(keys));
  };
  const auto plain = codec_of(SecretBytes{pattern(32, 31)});
  const auto watched = codec_of(secret(32, 31));
  const std::string good = plain.encode({.key_id = 7, .handle = {}, .generation = 3});
  must_be_constant("refresh token, good MAC", [&] { return watched.decode(good).has_value(); });
  const std::size_t mac_at = good.size() - 21;
  for (const std::size_t at : {mac_at, good.size() - 10, good.size() - 2}) {
    std::string forged = good;
    forged[at] = forged[at] == 'A' ? 'B' : 'A';
    must_be_constant("refresh token, MAC different at character " + std::to_string(at), [&] {
      const auto decoded = watched.decode(forged);
      return !decoded && decoded.error() == oauth::RefreshTokenFault::bad_mac;
    });
  }
}

// --- keys ---

crypto::PrivateMaterial pair_of(const crypto::OkpPublic& pub, const SecretBytes& seed) {
  return crypto::OkpPrivate{.pub = pub, .d = seed.duplicate()};
}

void check_ed25519() {
  const std::string input = "header.payload";
  const auto generated = crypto::PrivateKey::generate(Algorithm::eddsa, 0);
  const auto& made = std::get<crypto::OkpPrivate>(generated);
  const auto signer = crypto::PrivateKey::create(pair_of(made.pub, made.d), Algorithm::eddsa, default_limits);
  Bytes expected(64);
  if (!signer || !(*signer)->sign(input, expected)) return say("EdDSA", false, "no key");

  classify(made.d.reveal(InsecureSecretAccess::get()));
  std::shared_ptr<const crypto::PrivateKey> key;
  must_be_constant("EdDSA, private key against its public part: equal", [&] {
    auto created = crypto::PrivateKey::create(pair_of(made.pub, made.d), Algorithm::eddsa, default_limits);
    if (created) key = *created;
    return created.has_value();
  });
  const SecretBytes foreign = secret(32, 43);
  must_be_constant("EdDSA, private key against another public part: refused", [&] {
    const auto created = crypto::PrivateKey::create(pair_of(made.pub, foreign), Algorithm::eddsa, default_limits);
    return !created && created.error().code == Errc::invalid_key;
  });
  if (!key) return;
  must_be_constant("EdDSA sign", [&] {
    Bytes signature(64);
    const bool done = declassified(key->sign(input, signature));
    const bool reached = is_watched(signature);
    declassify(signature);
    return done && reached && signature == expected;
  });
}

void check_sealed_box() {
  const SecretBytes plain_key{pattern(32, 51)};
  const SecretBytes text{pattern(60, 52)};
  const Bytes sealed = crypto::seal(plain_key, text, "row 1");
  const SecretBytes key = secret(32, 51);
  must_be_constant("AES-256-GCM, good tag", [&] { return crypto::open(key, sealed, "row 1").has_value(); });
  for (const std::size_t at : {sealed.size() - 16, sealed.size() - 1}) {
    must_be_constant("AES-256-GCM, tag different at byte " + std::to_string(at),
                     [&] { return !crypto::open(key, changed(sealed, at), "row 1").has_value(); });
  }
}

int run() {
  if (RUNNING_ON_VALGRIND == 0) {
    std::fprintf(stderr, "constant_time: run this under valgrind: tools/soak constant-time\n");
    return 2;
  }
  check_the_planted();
  check_comparison();
  check_hmac_padding<crypto::Sha256State>("HMAC-SHA-256");
  check_hmac_padding<crypto::Sha384State>("HMAC-SHA-384");
  check_hmac_padding<crypto::Sha512State>("HMAC-SHA-512");
  check_hmac_key(Algorithm::hs256, 32);
  check_hmac_key(Algorithm::hs384, 48);
  check_hmac_key(Algorithm::hs512, 64);
  check_refresh_tokens();
  check_ed25519();
  check_sealed_box();
  std::printf("%s\n",
              failures == 0 ? "constant time: nothing found, and what was planted was" : "constant time: FAILED");
  return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace jeton::constant_time

// What a comparison answers is meant to be known, and its caller branches on it. Valgrind puts these functions in the
// place of ours and of OpenSSL's; each calls the real one, under watch, and declares its answer, nothing else, public.
extern "C" {

[[gnu::visibility("default")]] unsigned long I_WRAP_SONAME_FNNAME_ZU(
    NONE, _ZN5jeton6crypto8ct_equalESt4spanIKSt4byteLm18446744073709551615EES4_)(const void* a, std::size_t a_size,
                                                                                 const void* b, std::size_t b_size) {
  OrigFn original;
  VALGRIND_GET_ORIG_FN(original);
  unsigned long verdict = 0;
  CALL_FN_W_WWWW(verdict, original, a, a_size, b, b_size);
  VALGRIND_MAKE_MEM_DEFINED(&verdict, sizeof verdict);
  return verdict;
}

[[gnu::visibility("default")]] unsigned long I_WRAP_SONAME_FNNAME_ZZ(libcryptoZdsoZa,
                                                                     CRYPTOZumemcmp)(const void* a, const void* b,
                                                                                     std::size_t size) {
  OrigFn original;
  VALGRIND_GET_ORIG_FN(original);
  unsigned long difference = 0;
  CALL_FN_W_WWW(difference, original, a, b, size);
  VALGRIND_MAKE_MEM_DEFINED(&difference, sizeof difference);
  return difference;
}
}

int main() { return jeton::constant_time::run(); }
