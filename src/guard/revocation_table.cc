#include <jeton/revocation_table.h>

#include "crypto/short_hash.h"
#include "guard/feed/reader.h"
#include "guard/reader_count.h"
#include "guard/revocation_block.h"
#include "jose/base64url.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <functional>
#include <limits>
#include <utility>

namespace jeton {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using Wall = std::chrono::sys_time<milliseconds>;

constexpr std::size_t block_bits = 10;
constexpr std::size_t blocks_count = std::size_t{1} << block_bits;
constexpr std::size_t blocks_purged_each_time = 32;
constexpr std::size_t key_entries_reserve = 4096;  // beyond entries_max
constexpr std::int64_t left_out_margin_seconds = 5;
constexpr std::int64_t no_time = std::numeric_limits<std::int64_t>::min();
constexpr std::size_t kinds = 4;

constexpr std::array<RevocationKind, kinds> all_kinds{RevocationKind::key, RevocationKind::subject,
                                                      RevocationKind::session, RevocationKind::token};
constexpr std::size_t place_of(RevocationKind kind) noexcept { return static_cast<std::size_t>(kind) - 1; }

// A quick keyed hash: it chooses a block and a place in its filter, and decides nothing.
class QuickHash {
 public:
  QuickHash() = default;
  QuickHash(const crypto::ShortHashKey& key, std::string_view purpose) noexcept {
    const auto one = crypto::short_hash(key, purpose);
    secret_ = {one.high, one.low | 1};
  }

  std::uint64_t operator()(std::string_view text) const noexcept {
    std::uint64_t hash = secret_[0] ^ text.size();
    std::size_t at = 0;
    for (; at + 16 < text.size(); at += 16) hash = mix(word_at(text, at) ^ secret_[1], word_at(text, at + 8) ^ hash);
    // The last words overlap those before where the length is odd.
    std::uint64_t first = 0, last = 0;
    if (text.size() >= 16) {
      first = word_at(text, text.size() - 16);
      last = word_at(text, text.size() - 8);
    } else if (text.size() >= 8) {
      first = word_at(text, 0);
      last = word_at(text, text.size() - 8);
    } else {
      for (const char c : text) first = first << 8 | static_cast<unsigned char>(c);
    }
    return mix(mix(first ^ secret_[1], last ^ hash) ^ secret_[0], secret_[1]);
  }

 private:
  static std::uint64_t word_at(std::string_view text, std::size_t at) noexcept {
    std::uint64_t word;
    std::memcpy(&word, text.data() + at, sizeof word);
    return word;
  }
  static std::uint64_t mix(std::uint64_t a, std::uint64_t b) noexcept {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  }
  std::array<std::uint64_t, 2> secret_{};
};

// How the entries of one kind and one issuer are named.
struct Naming {
  QuickHash quick;
  crypto::ShortHashKey key{};
};

std::size_t block_of(std::uint64_t quick) noexcept { return static_cast<std::size_t>(quick >> (64 - block_bits)); }
std::uint32_t mark_of(std::uint64_t quick) noexcept { return static_cast<std::uint32_t>(quick); }

struct Placed {
  std::size_t block;
  RevocationSlot slot;
};

// One version of what is known of an issuer: what a reader sees at one look. Its blocks belong to it and to those
// versions after it that still have them.
struct Version {
  std::array<RevocationBlock::Ref, blocks_count> blocks{};
  std::vector<std::uint64_t> kids{};  // by their quick hash
  bool knows_kids = false;
  bool refuses_all = false;
  std::int64_t stale_up_to = no_time;  // tokens made up to then are stale: entries were left out
};

// A snapshot that is not proved yet.
struct Staged {
  std::array<std::vector<RevocationSlot>, blocks_count> blocks{};
  std::vector<Placed> keys{};      // within their own reserve
  std::size_t keys_gone = 0;       // those that are beyond it too
  std::uint64_t count = 0;         // in blocks
  std::uint64_t left_out = 0;
};

// What is put aside together.
struct Replaced {
  std::unique_ptr<const Version> version;
  std::vector<RevocationBlock::Words> blocks;
};

struct Source {
  std::string issuer;
  RevocationNumbers numbers;
  std::array<Naming, kinds> naming;
  std::atomic<const Version*> version{nullptr};
  std::atomic<std::int64_t> feed_seconds{no_time};
  // By the monotonic clock; no_time: never heard.
  std::atomic<std::int64_t> complete_at{no_time};
  std::atomic<bool> clock_ahead{false};

  // The writer's own.
  std::unique_ptr<Version> current;
  std::array<RevocationBlock::Words, blocks_count> blocks;
  std::vector<std::string> snapshot_kids, admitted_kids;
  std::size_t next_purged = 0;
  std::int64_t purged_at = no_time;  // by the feed's clock
  std::unique_ptr<Staged> staged{};
  std::size_t keys_gone = 0;
};

std::int64_t seconds_of(const feed::Head& head) noexcept { return head.time / 1000; }

}  // namespace

struct RevocationTable::State {
  explicit State(RevocationTableOptions given) : options(std::move(given)) {
    crypto::ShortHashKey key{};
    const auto given_key = options.key.reveal(InsecureSecretAccess::get());
    std::copy_n(given_key.begin(), std::min(given_key.size(), key.size()), key.begin());
    for (const RevocationIssuer& one : options.issuers) {
      Source& source = *sources.emplace_back(std::make_unique<Source>());
      source.issuer = one.issuer;
      source.numbers = one.numbers;
      for (const RevocationKind kind : all_kinds) {
        const std::string purpose = std::to_string(static_cast<int>(kind)) + ' ' + one.issuer;
        Naming& naming = source.naming[place_of(kind)];
        naming.quick = QuickHash(key, "quick " + purpose);
        const auto derived = crypto::short_hash(key, "fingerprint " + purpose);
        std::memcpy(naming.key.data(), &derived, sizeof derived);
      }
      source.current = std::make_unique<Version>();
      source.current->blocks.fill(RevocationBlock::ref(nullptr));
      source.version.store(source.current.get());
    }
  }

  Source* source_of(std::string_view issuer) const noexcept {
    for (const auto& source : sources) {
      if (source->issuer == issuer) return source.get();
    }
    return nullptr;
  }

  Placed placed(const Source& source, const Revocation& revocation) const;
  void publish(Source& source, std::unique_ptr<Version> next, std::vector<RevocationBlock::Words> replaced);
  void put_block(Source& source, Version& version, std::size_t at, RevocationBlock::Words block,
                 std::vector<RevocationBlock::Words>& replaced);
  void keep_time(Source& source, const feed::Proved& proved, Wall wall, nanoseconds monotonic);
  void take_entries(Source& source, Version& next, const feed::Proved& proved,
                    std::vector<RevocationBlock::Words>& replaced);
  std::size_t held_by_others(const Source& source) const;
  void stage(Source& source, const feed::Entry& entry) const;
  void take_staged(Source& source, Version& next, const feed::Proved& proved,
                   std::vector<RevocationBlock::Words>& replaced);
  std::vector<Placed> that_fit(Source& source, Version& next, const feed::Proved& proved,
                               std::vector<RevocationBlock::Words>& replaced);
  void purge(Source& source, Version& next, std::size_t count, std::vector<RevocationBlock::Words>& replaced);
  void name_kids(const Source& source, Version& next) const;

  RevocationTableOptions options;
  std::vector<std::unique_ptr<Source>> sources{};
  mutable ReaderCount readers{};
  PutAside<Replaced> put_aside{};
  std::atomic<std::uint64_t> entries{0}, bytes{0}, left_out{0}, ahead{0}, purged{0}, waiting{0};
};

RevocationTable::RevocationTable(RevocationTableOptions options)
    : state_(std::make_unique<State>(std::move(options))) {}
RevocationTable::~RevocationTable() = default;

// --- reading ---------------------------------------------------------------------------------------------------------

namespace {

// Whether a token whose number is `number` is below `least`.
bool is_below(const Result<std::int64_t>& number, std::uint64_t least) noexcept {
  return !number.has_value() || least == RevocationSlot::no_least || *number < static_cast<std::int64_t>(least);
}

// Rounded down; an `iat` that cannot be read is long ago.
Result<std::int64_t> issued_at(const VerifiedToken& token) {
  const auto iat = token.get<double>("iat");
  if (!iat.has_value()) return std::unexpected(iat.error());
  constexpr double far = 1e15;
  return static_cast<std::int64_t>(std::clamp(*iat, -far, far));
}

bool concerns(const RevocationSlot& slot, RevocationKind kind, RevocationNumbers numbers, const VerifiedToken& token) {
  if (kind == RevocationKind::key || kind == RevocationKind::token) return true;
  if (numbers == RevocationNumbers::issued_at) return is_below(issued_at(token), slot.least_number());
  const std::string_view number = kind == RevocationKind::subject ? "ver" : "gen";
  return is_below(token.get<std::int64_t>(number), slot.least_number());
}

bool is_stale(const Version& version, const VerifiedToken& token) {
  if (version.stale_up_to == no_time) return false;
  const auto iat = issued_at(token);
  return !iat.has_value() || *iat <= version.stale_up_to;
}

std::optional<RevocationReason> worse(std::optional<RevocationReason> a, RevocationReason b) noexcept {
  return a == RevocationReason::revoked ? a : b;
}

}  // namespace

std::optional<RevocationReason> RevocationTable::find(const VerifiedToken& token) const noexcept {
  const Source* const source = state_->source_of(token.issuer());
  if (source == nullptr) return std::nullopt;
  const std::array<std::string_view, kinds> names{token.key_id(), token.subject(), token.session_id(),
                                                  token.token_id()};
  std::array<std::uint64_t, kinds> quick;
  for (std::size_t i = 0; i < kinds; ++i) quick[i] = source->naming[i].quick(names[i]);

  const ReaderCount::Reading reading(state_->readers);
  const Version& version = *source->version.load(std::memory_order_seq_cst);
  // All four at once: they wait for memory together.
  std::array<bool, kinds> may_hold;
  for (std::size_t i = 0; i < kinds; ++i) {
    may_hold[i] = version.blocks[block_of(quick[i])].may_hold(mark_of(quick[i]));
  }
  const bool kid_is_gone =
      version.knows_kids && !names[0].empty() && std::ranges::find(version.kids, quick[0]) == version.kids.end();
  if (version.refuses_all || kid_is_gone) return RevocationReason::revoked;

  std::optional<RevocationReason> found;
  if (is_stale(version, token)) found = RevocationReason::stale_claims;
  const std::int64_t now = source->feed_seconds.load(std::memory_order_relaxed);
  for (std::size_t i = 0; i < kinds; ++i) {
    if (!may_hold[i] || names[i].empty()) continue;
    const auto fingerprint = crypto::short_hash(source->naming[i].key, names[i]);
    for (const RevocationSlot& slot : RevocationBlock::find(version.blocks[block_of(quick[i])].block, fingerprint)) {
      if (!has_ended(slot, now) && concerns(slot, all_kinds[i], source->numbers, token)) {
        found = worse(found, slot.reason());
      }
    }
  }
  return found;
}

std::optional<nanoseconds> RevocationTable::staleness(std::string_view issuer, nanoseconds monotonic) const noexcept {
  const Source* const source = state_->source_of(issuer);
  if (source == nullptr) return std::nullopt;
  const std::int64_t complete_at = source->complete_at.load(std::memory_order_relaxed);
  if (complete_at == no_time || source->clock_ahead.load(std::memory_order_relaxed)) return nanoseconds::max();
  return std::max(monotonic - nanoseconds(complete_at), nanoseconds(0));
}

RevocationTable::Counts RevocationTable::counts() const noexcept {
  return {.entries = state_->entries,
          .bytes = state_->bytes,
          .left_out = state_->left_out,
          .clock_ahead = state_->ahead,
          .purged = state_->purged,
          .waiting_for_readers = state_->waiting};
}

// --- writing ---------------------------------------------------------------------------------------------------------

Placed RevocationTable::State::placed(const Source& source, const Revocation& revocation) const {
  const Naming& naming = source.naming[place_of(revocation.kind)];
  // A session's entry has the bytes that a token's `sid` spells.
  const std::string name =
      revocation.kind == RevocationKind::session ? jose::base64url::encode(revocation.subject) : revocation.subject;
  const std::uint64_t quick = naming.quick(name);
  constexpr std::int64_t never = std::numeric_limits<std::uint32_t>::max();
  const auto least = static_cast<std::uint64_t>(revocation.least.value_or(RevocationSlot::no_least));
  const std::uint64_t reason = revocation.reason == RevocationReason::stale_claims ? 1 : 0;
  return {.block = block_of(quick),
          .slot = {.fingerprint = crypto::short_hash(naming.key, name),
                   .least = least << 1 | reason,
                   .expires = static_cast<std::uint32_t>(std::clamp<std::int64_t>(revocation.expires_at, 0, never)),
                   .mark = mark_of(quick)}};
}

void RevocationTable::State::publish(Source& source, std::unique_ptr<Version> next,
                                     std::vector<RevocationBlock::Words> replaced) {
  source.version.exchange(next.get(), std::memory_order_seq_cst);
  put_aside.add({std::exchange(source.current, std::move(next)), std::move(replaced)});
}

void RevocationTable::State::put_block(Source& source, Version& version, std::size_t at, RevocationBlock::Words block,
                                       std::vector<RevocationBlock::Words>& replaced) {
  RevocationBlock::Words& place = source.blocks[at];
  entries += RevocationBlock::count(block.get()) - RevocationBlock::count(place.get());
  bytes += RevocationBlock::bytes(block.get()) - RevocationBlock::bytes(place.get());
  version.blocks[at] = RevocationBlock::ref(block.get());
  if (place) replaced.push_back(std::move(place));
  place = std::move(block);
}

void RevocationTable::State::keep_time(Source& source, const feed::Proved& proved, Wall wall, nanoseconds monotonic) {
  const nanoseconds delay = wall - Wall(milliseconds(proved.head.time));
  const bool is_ahead = -delay > clock_ahead_max;
  source.clock_ahead.store(is_ahead, std::memory_order_relaxed);
  if (is_ahead) ahead += 1;
  const std::int64_t before = proved.begins_history ? no_time : source.feed_seconds.load(std::memory_order_relaxed);
  const std::int64_t complete_before =
      proved.begins_history ? no_time : source.complete_at.load(std::memory_order_relaxed);
  const std::int64_t complete = is_ahead ? no_time : (monotonic - std::max(delay, nanoseconds(0))).count();
  source.feed_seconds.store(is_ahead ? before : std::max(before, seconds_of(proved.head)), std::memory_order_relaxed);
  source.complete_at.store(std::max(complete_before, complete), std::memory_order_relaxed);
}

std::size_t RevocationTable::State::held_by_others(const Source& source) const {
  std::size_t held = entries;
  for (const auto& block : source.blocks) held -= RevocationBlock::count(block.get());
  return held;
}

void RevocationTable::State::stage(Source& source, const feed::Entry& entry) const {
  if (!source.staged) source.staged = std::make_unique<Staged>();
  Staged& staged = *source.staged;
  if (entry.revocation.kind == RevocationKind::key) {
    if (++staged.keys_gone <= key_entries_reserve) staged.keys.push_back(placed(source, entry.revocation));
    return;
  }
  if (staged.count >= options.entries_max) {  // whatever room there will be, not for this one
    ++staged.left_out;
    return;
  }
  const Placed one = placed(source, entry.revocation);
  staged.blocks[one.block].push_back(one.slot);
  ++staged.count;
}

// The snapshot that was staged, block by block: what was staged of one is given back before the next is made.
void RevocationTable::State::take_staged(Source& source, Version& next, const feed::Proved& proved,
                                         std::vector<RevocationBlock::Words>& replaced) {
  const auto staged = source.staged ? std::move(source.staged) : std::make_unique<Staged>();
  const std::int64_t now = source.feed_seconds.load(std::memory_order_relaxed);
  std::size_t room = options.entries_max - std::min(options.entries_max, held_by_others(source));
  std::uint64_t ended = 0, without_place = staged->left_out;
  for (std::size_t at = 0; at < blocks_count; ++at) {
    std::vector<RevocationSlot> slots = std::exchange(staged->blocks[at], {});
    if (slots.size() > room) {
      without_place += slots.size() - room;
      slots.resize(room);
    }
    room -= slots.size();
    for (const Placed& key : staged->keys) {
      if (key.block == at) slots.push_back(key.slot);
    }
    std::ranges::sort(slots, std::less());
    put_block(source, next, at, RevocationBlock::merged(nullptr, slots, now, ended), replaced);
  }
  source.keys_gone = staged->keys_gone;
  next.refuses_all = staged->keys_gone > key_entries_reserve;
  next.stale_up_to = without_place > 0 ? seconds_of(proved.head) + left_out_margin_seconds : no_time;
  left_out += without_place;
  purged += ended;
}

// Those entries for which there is room, by block; notes what that means for the others.
std::vector<Placed> RevocationTable::State::that_fit(Source& source, Version& next, const feed::Proved& proved,
                                                     std::vector<RevocationBlock::Words>& replaced) {
  if (entries + proved.entries.size() > options.entries_max) purge(source, next, blocks_count, replaced);
  std::size_t room = options.entries_max - std::min<std::size_t>(options.entries_max, entries);
  std::vector<Placed> fitting;
  fitting.reserve(std::min(proved.entries.size(), room + key_entries_reserve));
  std::uint64_t without_place = 0;
  for (const feed::Entry& entry : proved.entries) {
    if (entry.revocation.kind == RevocationKind::key) {
      if (++source.keys_gone > key_entries_reserve) {
        next.refuses_all = true;
        continue;
      }
    } else if (room == 0) {
      ++without_place;
      continue;
    } else {
      --room;
    }
    fitting.push_back(placed(source, entry.revocation));
  }
  if (without_place > 0) {
    left_out += without_place;
    next.stale_up_to = std::max(next.stale_up_to, seconds_of(proved.head) + left_out_margin_seconds);
  }
  std::ranges::sort(fitting, [](const Placed& a, const Placed& b) {
    return a.block != b.block ? a.block < b.block : a.slot < b.slot;
  });
  return fitting;
}

void RevocationTable::State::take_entries(Source& source, Version& next, const feed::Proved& proved,
                                          std::vector<RevocationBlock::Words>& replaced) {
  const std::vector<Placed> fitting = that_fit(source, next, proved, replaced);
  const std::int64_t now = source.feed_seconds.load(std::memory_order_relaxed);
  std::uint64_t ended = 0;
  std::vector<RevocationSlot> slots;
  auto from = fitting.begin();
  for (std::size_t at = 0; at < blocks_count; ++at) {
    slots.clear();
    for (; from != fitting.end() && from->block == at; ++from) slots.push_back(from->slot);
    if (slots.empty()) continue;
    put_block(source, next, at, RevocationBlock::merged(source.blocks[at].get(), slots, now, ended), replaced);
  }
  purged += ended;
}

void RevocationTable::State::purge(Source& source, Version& next, std::size_t count,
                                   std::vector<RevocationBlock::Words>& replaced) {
  const std::int64_t now = source.feed_seconds.load(std::memory_order_relaxed);
  std::uint64_t ended = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t at = source.next_purged++ % blocks_count;
    const std::uint64_t* const block = source.blocks[at].get();
    if (!RevocationBlock::holds_ended(block, now)) continue;
    put_block(source, next, at, RevocationBlock::merged(block, {}, now, ended), replaced);
  }
  purged += ended;
}

void RevocationTable::State::name_kids(const Source& source, Version& next) const {
  next.kids.clear();
  const QuickHash& quick = source.naming[place_of(RevocationKind::key)].quick;
  for (const auto* kids : {&source.snapshot_kids, &source.admitted_kids}) {
    for (const std::string& kid : *kids) next.kids.push_back(quick(kid));
  }
}

void RevocationTable::apply(std::string_view issuer, const feed::Proved& proved, Wall wall, nanoseconds monotonic) {
  Source* const source = state_->source_of(issuer);
  if (source == nullptr) return;
  state_->keep_time(*source, proved, wall, monotonic);
  auto next = std::make_unique<Version>(*source->current);
  std::vector<RevocationBlock::Words> replaced;
  if (proved.replaces) {
    source->snapshot_kids = proved.kids;
    source->admitted_kids.clear();
    next->knows_kids = true;
    state_->name_kids(*source, *next);
  }
  if (proved.replaces) {
    if (!proved.is_staged) {
      source->staged.reset();
      for (const feed::Entry& entry : proved.entries) state_->stage(*source, entry);
    }
    state_->take_staged(*source, *next, proved, replaced);
  } else if (!proved.entries.empty()) {
    state_->take_entries(*source, *next, proved, replaced);
  }
  // Some blocks a second, whatever the number of statements in it.
  if (const std::int64_t second = source->feed_seconds; std::exchange(source->purged_at, second) != second) {
    state_->purge(*source, *next, blocks_purged_each_time, replaced);
  }
  if (proved.replaces || !proved.entries.empty() || !replaced.empty()) {
    state_->publish(*source, std::move(next), std::move(replaced));
  }
  state_->put_aside.give_back(state_->readers);
  state_->waiting = state_->put_aside.size();
}

void RevocationTable::begin_staging(std::string_view issuer) {
  if (Source* const source = state_->source_of(issuer); source != nullptr) source->staged.reset();
}

void RevocationTable::stage(std::string_view issuer, const feed::Entry& entry) {
  if (Source* const source = state_->source_of(issuer); source != nullptr) state_->stage(*source, entry);
}

void RevocationTable::admit_keys(std::string_view issuer, std::span<const std::string> kids) {
  Source* const source = state_->source_of(issuer);
  if (source == nullptr) return;
  source->admitted_kids.assign(kids.begin(), kids.end());
  auto next = std::make_unique<Version>(*source->current);
  state_->name_kids(*source, *next);
  state_->publish(*source, std::move(next), {});
  state_->put_aside.give_back(state_->readers);
  state_->waiting = state_->put_aside.size();
}

}  // namespace jeton
