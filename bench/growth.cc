#include "growth.h"

#include "material.h"

#include <jeton/jws.h>
#include <jeton/token_cache.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>
#include <random>
#include <thread>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace jeton::bench {
namespace {

constexpr std::size_t cached_tokens = 100'000;
constexpr std::size_t cached_token_bytes = 600;
constexpr std::size_t hand_tokens = 256;  // texts at hand at a time: the second level of a cache holds them

// Waits until everything before has been done, as one request waits for the one before.
inline void finish_all() noexcept {
#if defined(__x86_64__)
  _mm_lfence();
#elif defined(__aarch64__)
  asm volatile("dsb sy\nisb" ::: "memory");
#endif
}

// Texts of one length, end to end.
struct Texts {
  std::vector<char> bytes;
  std::size_t each = 0;
  std::string_view operator[](std::size_t i) const { return {bytes.data() + i * each, each}; }
  std::size_t size() const { return bytes.size() / each; }
};

Texts tokens_of(const Material& material, std::size_t count, std::size_t bytes, UnixTime now) {
  const Signer signer(*material.key, signer_options());
  std::string padding;
  const auto make = [&] {
    Claims said = claims();
    if (bytes > 0) said.with("team", padding);
    return signer.sign(said, now).value();
  };
  while (bytes > 0 && make().size() < bytes) padding += 'x';
  Texts texts;
  texts.each = make().size();
  expect(bytes == 0 || texts.each == bytes, "no token of that length");
  texts.bytes.reserve(count * texts.each);
  for (std::size_t i = 0; i < count; ++i) {
    const std::string token = make();
    texts.bytes.insert(texts.bytes.end(), token.begin(), token.end());
  }
  return texts;
}

// Takes random texts at hand, a few dozen at a time, and times what is done with them and nothing else.
class RandomHand {
 public:
  explicit RandomHand(const Texts& texts) : texts_(texts) {}

  // `apart`: each use is over before the next begins, as with requests. Else the processor may run several at a time.
  template <class Use>
  double time_each(std::size_t count, bool apart, Use use) {
    double took = 0;
    for (std::size_t done = 0; done < count; done += hand_tokens) {
      for (std::size_t i = 0; i < hand_tokens; ++i) {
        at_[i] = chance_() % texts_.size();
        std::memcpy(hand_.data() + i * texts_.each, texts_[at_[i]].data(), texts_.each);
      }
      const double before = thread_ns();
      for (std::size_t i = 0; i < hand_tokens; ++i) {
        use(std::string_view(hand_.data() + i * texts_.each, texts_.each), at_[i]);
        if (apart) finish_all();
      }
      took += thread_ns() - before;
    }
    return took / static_cast<double>((count + hand_tokens - 1) / hand_tokens * hand_tokens);
  }

 private:
  const Texts& texts_;
  std::mt19937_64 chance_{7};
  std::array<std::size_t, hand_tokens> at_{};
  std::vector<char> hand_ = std::vector<char>(hand_tokens * texts_.each);
};

// Every token in the cache; a second look at each makes sure of it.
struct FullCache {
  FullCache(const Texts& texts, const KeySet& keys, UnixTime at)
      : verifier(trusted(keys)), cache({.entries_max = 4 * texts.size() + 4096}), now(at) {
    for (int turn = 0; turn < 2; ++turn) {
      for (std::size_t i = 0; i < texts.size(); ++i)
        expect(cache.verify(verifier, texts[i], now).has_value(), "a good token is refused");
    }
  }
  Verifier verifier;
  TokenCache cache;
  UnixTime now;
};

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

Figure measure_hits(const Texts& texts, const Material& material, UnixTime now, bool apart) {
  FullCache full(texts, KeySet({material.key->verification_key()}), now);
  const Texts table = texts;  // what the floor reads: the same bytes, elsewhere
  RandomHand hand(texts);
  std::vector<double> works, floors;
  constexpr std::size_t turns = 20, in_turn = 1024;
  constexpr std::size_t count = turns * in_turn;
  constexpr int rounds = 9;
  std::size_t allocated = 0;
  const auto before = full.cache.counts().misses;
  for (int round = 0; round < rounds; ++round) {
    double work_took = 0, floor_took = 0;
    for (std::size_t turn = 0; turn < turns; ++turn) {
      const std::size_t allocations_before = allocations();
      work_took += hand.time_each(in_turn, apart, [&](std::string_view token, std::size_t) {
        const auto verified = full.cache.verify(full.verifier, token, now);
        expect(verified.has_value(), "a cached token is refused");
        keep(verified->expires_at());
      });
      allocated += allocations() - allocations_before;
      floor_took += hand.time_each(in_turn, apart, [&](std::string_view token, std::size_t at) {
        expect(std::memcmp(table[at].data(), token.data(), token.size()) == 0, "a table that forgets");
      });
    }
    works.push_back(work_took / turns);
    floors.push_back(floor_took / turns);
  }
  const auto misses = full.cache.counts().misses - before;
  expect(misses * 200 < count * rounds, "a cache that forgets");
  return {median(works), median(floors), static_cast<double>(allocated) / (rounds * count)};
}

using Print = std::function<void(const std::string&, const Figure&)>;

void grow_keys(UnixTime now, const Print& print) {
  for (const std::size_t count : {1u, 10u, 1000u}) {
    std::vector<VerificationKey> keys;
    std::vector<std::string> tokens;
    for (std::size_t i = 0; i < count; ++i) {
      const SigningKey key = SigningKey::generate(Algorithm::hs256);
      keys.push_back(key.verification_key());
      tokens.push_back(Signer(key, signer_options()).sign(claims(), now).value());
    }
    const Verifier verifier(trusted(KeySet(std::move(keys))));
    std::size_t next = 0;
    print("growth/keys/" + std::to_string(count), measure([&](std::size_t times) {
            for (std::size_t i = 0; i < times; ++i) {
              const auto verified = verifier.verify(tokens[next], now);
              expect(verified.has_value(), "a good token is refused");
              keep(read_claims(*verified));
              next = next + 1 == tokens.size() ? 0 : next + 1;
            }
          }));
  }
}

void grow_bytes(UnixTime now, const Print& print) {
  const Material material = make_material(Algorithm::hs256);
  const SigningKey key = SigningKey::from_secret(SecretBytes::from_text(material.secret), Algorithm::hs256).value();
  const std::string exp = std::to_string(to_unix_seconds(now) + 3600);
  const Verifier verifier(TrustedIssuer{.issuer = IssuerRule::accept_any_because("only the size is measured"),
                                        .audience = AudienceRule::accept_any_because("only the size is measured"),
                                        .keys = KeySet({key.verification_key()}),
                                        .typ = TypRule::accept_any_because("only the size is measured")});
  for (const std::size_t bytes : {100u, 300u, 1024u, 4096u, 8192u}) {
    std::string padding, token;
    do {
      token = jws_sign(key, R"({"exp":)" + exp + (padding.empty() ? "" : ",\"t\":\"" + padding + '"') + '}').value();
      padding += 'x';
    } while (token.size() + 1 < bytes);
    print("growth/bytes/" + std::to_string(bytes), measure([&](std::size_t times) {
            for (std::size_t i = 0; i < times; ++i) {
              const auto verified = verifier.verify(token, now);
              expect(verified.has_value(), "a good token is refused");
              keep(verified->expires_at());
            }
          }));
  }
}

void grow_cache(UnixTime now, const Print& print) {
  const Material material = make_material(Algorithm::hs256);
  for (const std::size_t count : {1u, 100u, 10'000u, 1'000'000u}) {
    const Texts texts = tokens_of(material, count, 0, now);
    print("growth/cached/" + std::to_string(count), measure_hits(texts, material, now, true));
    print("growth/cached-overlapping/" + std::to_string(count), measure_hits(texts, material, now, false));
  }
}

// What one operation costs each of the threads, when all of them are at it with one verifier.
void on_threads(const std::string& name, unsigned threads, const Loop& work, const Print& print) {
  constexpr std::size_t count = 100'000;
  std::vector<double> medians(threads);
  std::vector<std::thread> running;
  for (unsigned t = 0; t < threads; ++t) {
    running.emplace_back([&, t] {
      std::vector<double> rounds;
      for (int round = 0; round < 9; ++round) {
        const double before = thread_ns();
        work(count);
        rounds.push_back((thread_ns() - before) / count);
      }
      medians[t] = median(rounds);
    });
  }
  for (std::thread& thread : running) thread.join();
  print(name + std::to_string(threads),
        {.ns = std::accumulate(medians.begin(), medians.end(), 0.0) / threads, .floor_ns = 0, .allocs = 0});
}

void grow_threads(UnixTime now, const Print& print) {
  const Material material = make_material(Algorithm::hs256);
  const Texts texts = tokens_of(material, 1000, 0, now);
  FullCache full(texts, KeySet({material.key->verification_key()}), now);
  for (const unsigned threads : {1u, 2u}) {
    on_threads(
        "growth/threads/verify/", threads,
        [&](std::size_t count) {
          for (std::size_t i = 0; i < count; ++i)
            expect(full.verifier.verify(texts[i % texts.size()], now).has_value(), "a good token is refused");
        },
        print);
    on_threads(
        "growth/threads/cached/", threads,
        [&](std::size_t count) {
          for (std::size_t i = 0; i < count; ++i)
            expect(full.cache.verify(full.verifier, texts[i % texts.size()], now).has_value(),
                   "a good token is refused");
        },
        print);
  }
}

}  // namespace

Figure measure_cached(UnixTime now) {
  const Material material = make_material(Algorithm::hs256);
  return measure_hits(tokens_of(material, cached_tokens, cached_token_bytes, now), material, now, true);
}

void profile_cached(UnixTime now, std::size_t count) {
  const Material material = make_material(Algorithm::hs256);
  const Texts texts = tokens_of(material, 1000, cached_token_bytes, now);
  FullCache full(texts, KeySet({material.key->verification_key()}), now);
  for (std::size_t i = 0; i < count; ++i) keep(full.cache.verify(full.verifier, texts[i % texts.size()], now));
}

int growth(const Print& print) {
  const UnixTime now = wall_clock();
  grow_keys(now, print);
  grow_bytes(now, print);
  grow_cache(now, print);
  grow_threads(now, print);
  return 0;
}

}  // namespace jeton::bench
