#include <jeton/token_cache.h>

#include "crypto/random.h"
#include "jose/token_memory.h"
#include "jose/token_state.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace jeton {
namespace {

constexpr std::size_t ways = 6;           // entries that share a set: as many as fit in a cache line
constexpr std::size_t remembered = 8;     // tokens seen once, by fingerprint, per set
constexpr std::size_t hashed_bytes = 64;  // of the token's end: its signature, which nobody can choose freely

// Keyed by the process. Only tokens with a good signature get in, so the end of the signature tells them apart as well
// as all of their bytes would; a lookup is confirmed by comparing everything.
class KeyedHash {
 public:
  KeyedHash() { crypto::random_bytes(std::as_writable_bytes(std::span(secret_))); }

  std::uint64_t operator()(std::string_view token) const noexcept {
    std::array<std::uint64_t, hashed_bytes / 8> words{};
    const std::size_t size = std::min(token.size(), hashed_bytes);
    if (size > 0) std::memcpy(words.data(), token.data() + (token.size() - size), size);
    // Four products that do not wait for one another.
    std::uint64_t hash = secret_[0] ^ token.size();
    for (std::size_t i = 0; i < words.size(); i += 2)
      hash ^= mix(words[i] ^ secret_[i + 1], words[i + 1] ^ secret_[i + 2]);
    return mix(hash, secret_[9]);
  }

 private:
  static std::uint64_t mix(std::uint64_t a, std::uint64_t b) noexcept {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  }
  std::array<std::uint64_t, 10> secret_{};
};

// Counts by several threads at once, each in a cache line that few others use.
class Count {
 public:
  void add() noexcept { lines_[number_of_this_thread() % lines_.size()].value.fetch_add(1, std::memory_order_relaxed); }
  std::uint64_t value() const noexcept {
    std::uint64_t sum = 0;
    for (const Line& line : lines_) sum += line.value.load(std::memory_order_relaxed);
    return sum;
  }

 private:
  static std::size_t number_of_this_thread() noexcept {
    static std::atomic<std::size_t> next{0};
    thread_local const std::size_t number = next.fetch_add(1, std::memory_order_relaxed);
    return number;
  }
  struct alignas(64) Line {
    std::atomic<std::uint64_t> value{0};
  };
  std::array<Line, 16> lines_;
};

using TokenPtr = std::shared_ptr<const VerifiedToken::State>;

}  // namespace

// A look-up waits for memory twice: for its set, which is one cache line, and then for the token, which holds in one
// block what is compared, the text, and what is handed out.
struct TokenCache::State {
  // A short lock for each set of six: no two threads meet but on the same set. Nobody waits for long: who does not get
  // in soon verifies the token instead, as if it were not here.
  class alignas(64) Set {
   public:
    bool try_lock() noexcept { return !locked_.test_and_set(std::memory_order_acquire); }
    bool lock_soon() noexcept {
      constexpr int tries_max = 100;  // about as long as the cheapest verification
      for (int tried = 0; tried < tries_max; ++tried) {
        if (!locked_.test(std::memory_order_relaxed) && try_lock()) return true;
        pause();
      }
      return false;
    }
    void lock() noexcept {
      while (!lock_soon()) pause();
    }
    void unlock() noexcept { locked_.clear(std::memory_order_release); }
    void mark_used(std::size_t place) noexcept { used_ = static_cast<std::uint8_t>(used_ | 1u << place); }
    void mark_unused(std::size_t place) noexcept { used_ = static_cast<std::uint8_t>(used_ & ~(1u << place)); }
    bool is_used(std::size_t place) const noexcept { return (used_ >> place & 1) != 0; }

    // The cache's share lies in the token itself, so that its address is all that is wanted here.
    void put(std::size_t place, const TokenPtr& token, std::uint16_t tag) noexcept {
      take(place);
      token->own = token;
      tokens[place] = token.get();
      tags[place] = tag;
      mark_unused(place);
    }
    void take(std::size_t place) noexcept {
      if (const VerifiedToken::State* const token = std::exchange(tokens[place], nullptr))
        TokenPtr(std::move(token->own)).reset();
    }

    std::array<const VerifiedToken::State*, ways> tokens{};
    std::array<std::uint16_t, ways> tags{};  // of the hash; says which tokens are worth a look
    std::uint8_t next_seen = 0, hand = 0;

   private:
    static void pause() noexcept {
#if defined(__x86_64__)
      __builtin_ia32_pause();
#endif
    }
    std::uint8_t used_ = 0;  // a bit for each place: since the last search for a victim
    std::atomic_flag locked_;
  };
  static_assert(sizeof(Set) == 64);

  explicit State(TokenCacheOptions given)
      : options(given),
        sets(std::max<std::size_t>((given.entries_max + ways - 1) / ways, 1)),
        seen_once(sets.size()),
        last_places(given.entries_max - (sets.size() - 1) * ways) {}
  ~State() { clear(); }

  void clear() noexcept {
    for (Set& set : sets) {
      const std::lock_guard lock(set);
      for (std::size_t i = 0; i < ways; ++i) {
        if (set.tokens[i] != nullptr) entries.fetch_sub(1, std::memory_order_relaxed);
        set.take(i);
      }
    }
  }

  // By the upper bits of the key; what tells tokens of one set apart is in the lower ones.
  Set& set_of(std::uint64_t key) noexcept {
    __extension__ using Wide = unsigned __int128;
    return sets[static_cast<std::size_t>(static_cast<Wide>(key) * sets.size() >> 64)];
  }
  // The last set has only those that are left.
  std::size_t places_of(const Set& set) const noexcept { return &set == &sets.back() ? last_places : ways; }
  static std::uint16_t tag_of(std::uint64_t key) noexcept { return static_cast<std::uint16_t>(key | 1); }

  TokenCacheOptions options;
  KeyedHash hash;
  std::shared_ptr<TokenMemory> memory = std::make_shared<TokenMemory>();  // whoever holds a token of it holds it too
  std::vector<Set> sets;
  std::vector<std::array<std::uint16_t, remembered>> seen_once;  // beside the sets: a hit needs nothing of it
  std::size_t last_places;
  Count hits, misses;
  std::atomic<std::uint64_t> entries{0}, evictions{0};

  // All that a hit will touch, at once: the count of shares before the state, its beginning, and the text behind it.
  static void fetch(const VerifiedToken::State& token, std::size_t compact_bytes) noexcept {
    __builtin_prefetch(reinterpret_cast<const char*>(&token) - 2 * sizeof(void*));
    __builtin_prefetch(&token.source);
    const char* const text = reinterpret_cast<const char*>(&token + 1);
    for (std::size_t at = 0; at < compact_bytes; at += 64) __builtin_prefetch(text + at);
  }

  TokenPtr find(std::uint64_t key, std::uint64_t generation, std::string_view compact) {
    Set& set = set_of(key);
    if (!set.try_lock() && !set.lock_soon()) return nullptr;
    const std::lock_guard lock(set, std::adopt_lock);
    for (std::size_t i = 0; i < ways; ++i) {
      if (set.tags[i] != tag_of(key) || set.tokens[i] == nullptr) continue;
      const VerifiedToken::State& token = *set.tokens[i];
      fetch(token, compact.size());
      if (token.generation == generation && token.compact == compact) {
        set.mark_used(i);
        return token.own;
      }
    }
    return nullptr;
  }

  // True if the fingerprint was seen before; remembers it otherwise.
  bool seen_before(Set& set, std::uint64_t key) noexcept {
    auto& seen = seen_once[static_cast<std::size_t>(&set - sets.data())];
    if (std::ranges::find(seen, tag_of(key)) != seen.end()) return true;
    seen[set.next_seen++ % remembered] = tag_of(key);
    return false;
  }

  // A free place, or that of a token that has ended. Else, for a token seen before, that of one which has not been used
  // since the hand went by last, and rather one of another verifier, which may be gone.
  std::optional<std::size_t> place_for(Set& set, std::uint64_t key, std::uint64_t generation, UnixTime now) {
    const std::size_t places = places_of(set);
    for (std::size_t i = 0; i < places; ++i) {
      const VerifiedToken::State* const token = set.tokens[i];
      if (token == nullptr) {
        entries.fetch_add(1, std::memory_order_relaxed);
        return i;
      }
      if (token->exp && *token->exp <= to_unix_seconds(now)) return i;
    }
    if (!seen_before(set, key)) return std::nullopt;
    for (std::size_t i = 0; i < places; ++i) {
      if (set.tokens[i]->generation != generation && !set.is_used(i)) {
        evictions.fetch_add(1, std::memory_order_relaxed);
        return i;
      }
    }
    for (std::size_t turn = 0; turn < 2 * places; ++turn) {
      const std::size_t i = set.hand++ % places;
      if (!set.is_used(i)) {
        evictions.fetch_add(1, std::memory_order_relaxed);
        return i;
      }
      set.mark_unused(i);
    }
    return std::nullopt;
  }

  // The token as it is remembered: one copy for all that ask for it. As it was given if there is no place for it.
  TokenPtr insert(std::uint64_t key, TokenPtr token, std::string_view compact, UnixTime now) {
    Set& set = set_of(key);
    if (!set.lock_soon()) return token;
    const std::lock_guard lock(set, std::adopt_lock);
    for (const VerifiedToken::State* const other : set.tokens) {
      if (other != nullptr && other->generation == token->generation && other->compact == compact) return other->own;
    }
    const auto place = place_for(set, key, token->generation, now);
    if (!place) return token;
    token = VerifiedToken::State::with_compact(*token, compact, memory);
    set.put(*place, token, tag_of(key));
    return token;
  }
};

TokenCache::TokenCache(TokenCacheOptions options) : state_(std::make_unique<State>(options)) {}
TokenCache::~TokenCache() = default;

std::optional<Result<VerifiedToken>> TokenCache::recall(const Verifier& verifier, std::string_view compact,
                                                        UnixTime now) {
  if (compact.size() > state_->options.token_bytes_max) return std::nullopt;
  auto token = state_->find(state_->hash(compact), verifier.generation(), compact);
  if (!token) return std::nullopt;
  state_->hits.add();
  return verifier.check_time(VerifiedToken(std::move(token)), now);
}

Result<VerifiedToken> TokenCache::verify(const Verifier& verifier, std::string_view compact, UnixTime now) {
  if (compact.size() > state_->options.token_bytes_max) return verifier.verify(compact, now);
  const std::uint64_t key = state_->hash(compact);
  const std::uint64_t generation = verifier.generation();  // read before the verification begins
  if (auto token = state_->find(key, generation, compact)) {
    state_->hits.add();
    return verifier.check_time(VerifiedToken(std::move(token)), now);
  }
  state_->misses.add();
  auto verified = verifier.verify(compact, now);
  if (verified) verified->state_ = state_->insert(key, std::move(verified->state_), compact, now);
  return verified;
}

void TokenCache::expect(std::string_view compact) const noexcept {
  __builtin_prefetch(&state_->set_of(state_->hash(compact)), 1);
}

TokenCache::Counts TokenCache::counts() const noexcept {
  return {state_->hits.value(), state_->misses.value(), state_->entries.load(), state_->evictions.load()};
}

void TokenCache::clear() noexcept { state_->clear(); }

}  // namespace jeton
