#include <jeton/token_cache.h>

#include "crypto/random.h"
#include "jose/token_state.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace jeton {
namespace {

constexpr std::size_t ways = 8;           // entries that share a set
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
    std::uint64_t hash = secret_[0] ^ token.size();
    for (std::size_t i = 0; i < words.size(); i += 2)
      hash = mix(words[i] ^ secret_[i + 1], words[i + 1] ^ secret_[i + 2] ^ hash);
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

struct Entry {
  std::uint64_t hash = 0, generation = 0;
  std::string compact;
  std::shared_ptr<const VerifiedToken::State> token;
  bool used = false;  // since the last search for a victim
};

}  // namespace

struct TokenCache::State {
  // A short lock for each set of eight: no two threads meet but on the same set.
  struct alignas(64) Set {
    std::mutex mutex;
    std::array<Entry, ways> entries;
    std::array<std::uint16_t, remembered> seen_once{};
    std::uint8_t next_seen = 0, hand = 0;
  };

  explicit State(TokenCacheOptions given) : options(given), sets(std::max<std::size_t>(given.entries_max / ways, 1)) {}

  // By the upper bits of the key; what tells tokens of one set apart is in the lower ones.
  Set& set_of(std::uint64_t key) noexcept {
    __extension__ using Wide = unsigned __int128;
    return sets[static_cast<std::size_t>(static_cast<Wide>(key) * sets.size() >> 64)];
  }
  // The places of a set that count: all but where fewer entries are allowed than a set has.
  std::span<Entry> places_of(Set& set) const noexcept {
    return std::span(set.entries).first(std::min(ways, options.entries_max));
  }

  TokenCacheOptions options;
  KeyedHash hash;
  std::vector<Set> sets;
  std::atomic<std::uint64_t> hits{0}, misses{0}, entries{0}, evictions{0};

  std::shared_ptr<const VerifiedToken::State> find(std::uint64_t key, std::uint64_t generation,
                                                   std::string_view compact) {
    Set& set = set_of(key);
    const std::lock_guard lock(set.mutex);
    for (Entry& entry : places_of(set)) {
      if (entry.hash == key && entry.generation == generation && entry.token && entry.compact == compact) {
        entry.used = true;
        return entry.token;
      }
    }
    return nullptr;
  }

  // True if the fingerprint was seen before; remembers it otherwise.
  static bool seen_before(Set& set, std::uint64_t key) noexcept {
    const auto fingerprint = static_cast<std::uint16_t>(key | 1);
    if (std::ranges::find(set.seen_once, fingerprint) != set.seen_once.end()) return true;
    set.seen_once[set.next_seen++ % remembered] = fingerprint;
    return false;
  }

  // A free place, or that of a token that has ended. Else, for a token seen before, that of one which has not been used
  // since the hand went by last, and rather one of another verifier, which may be gone.
  Entry* place_for(Set& set, std::uint64_t key, std::uint64_t generation, UnixTime now) {
    for (Entry& entry : places_of(set)) {
      if (!entry.token) {
        entries.fetch_add(1, std::memory_order_relaxed);
        return &entry;
      }
      if (entry.token->exp && *entry.token->exp <= to_unix_seconds(now)) return &entry;
    }
    if (!seen_before(set, key)) return nullptr;
    const auto places = places_of(set);
    for (Entry& entry : places) {
      if (entry.generation != generation && !entry.used) {
        evictions.fetch_add(1, std::memory_order_relaxed);
        return &entry;
      }
    }
    for (std::size_t turn = 0; turn < 2 * places.size(); ++turn) {
      Entry& entry = places[set.hand++ % places.size()];
      if (!entry.used) {
        evictions.fetch_add(1, std::memory_order_relaxed);
        return &entry;
      }
      entry.used = false;
    }
    return nullptr;
  }

  void insert(std::uint64_t key, std::uint64_t generation, std::string_view compact,
              std::shared_ptr<const VerifiedToken::State> token, UnixTime now) {
    Set& set = set_of(key);
    const std::lock_guard lock(set.mutex);
    for (const Entry& entry : set.entries) {
      if (entry.token && entry.hash == key && entry.generation == generation && entry.compact == compact) return;
    }
    Entry* place = place_for(set, key, generation, now);
    if (!place) return;
    place->hash = key;
    place->generation = generation;
    place->compact.assign(compact);
    place->token = std::move(token);
    place->used = false;
  }
};

TokenCache::TokenCache(TokenCacheOptions options) : state_(std::make_unique<State>(options)) {}
TokenCache::~TokenCache() = default;

Result<VerifiedToken> TokenCache::verify(const Verifier& verifier, std::string_view compact, UnixTime now) {
  if (compact.size() > state_->options.token_bytes_max) return verifier.verify(compact, now);
  const std::uint64_t key = state_->hash(compact);
  const std::uint64_t generation = verifier.generation();  // read before the verification begins
  if (auto token = state_->find(key, generation, compact)) {
    state_->hits.fetch_add(1, std::memory_order_relaxed);
    return verifier.check_time(VerifiedToken(std::move(token)), now);
  }
  state_->misses.fetch_add(1, std::memory_order_relaxed);
  auto verified = verifier.verify(compact, now);
  if (verified) state_->insert(key, generation, compact, verified->state_, now);
  return verified;
}

TokenCache::Counts TokenCache::counts() const noexcept {
  return {state_->hits.load(), state_->misses.load(), state_->entries.load(), state_->evictions.load()};
}

void TokenCache::clear() noexcept {
  for (State::Set& set : state_->sets) {
    const std::lock_guard lock(set.mutex);
    for (Entry& entry : set.entries) {
      if (entry.token) state_->entries.fetch_sub(1, std::memory_order_relaxed);
      entry = {};
    }
  }
}

}  // namespace jeton
