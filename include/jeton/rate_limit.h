// Limits that come from claims: how much a caller may do, said by its plan or by the token itself, with no look-up.
//
//   const LimitRule rule{.name = "audio", .by = LimitBy::subject,
//                        .allowance = PlanRates{{{"premium", rate("600/min")}, {"family", rate("1200/min")}}}};
//   jeton::RateLimiter limiter;
//   auto charge = charge_for(rule, &token, address, limiter.seed());     // pure: which key, which rate
//   auto result = limiter.charge({&*charge, 1}, monotonic, wall);        // allowed, over_limit or unavailable
//
// There are three kinds of limit, and one word for each of them, Rate:
//   rate        "600/min", "10/s burst 20": GCRA, a token bucket kept as one time. `burst` at once, regained evenly;
//               without a burst all of a period may come at once
//   quota       "10000/day": counted per UTC day. What was counted is in memory alone and does not survive a restart
//   concurrent  "4 concurrent": requests under way at one moment
//
// Threads: LimitRule, Rate and Charge are plain values. RateLimiter may be used from any number of threads.
#pragma once

#include <jeton/error.h>
#include <jeton/time.h>
#include <jeton/verified_token.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace jeton {

enum class LimitKind : std::uint8_t { rate, quota, concurrent };

inline constexpr std::uint64_t rate_per_second_max = 1'000'000;
inline constexpr std::uint64_t limit_count_max = 1'000'000'000;  // of a rate, a burst, a quota or a concurrency
inline constexpr std::chrono::seconds rate_period_max = std::chrono::hours{1};
inline constexpr std::chrono::seconds rate_window_max = std::chrono::hours{24 * 31};  // until a burst is regained
inline constexpr std::size_t limit_name_bytes_max = 64;
inline constexpr std::size_t charges_max = 8;  // of one request

// How much is allowed. Never nothing: a limit of 0 is a refusal, not a rate.
class Rate {
 public:
  Rate() = default;  // 1/s
  // Errors: invalid_claim, if a number is 0 or above its limit.
  static Result<Rate> per(std::chrono::seconds period, std::uint64_t count, std::optional<std::uint64_t> burst = {});
  static Result<Rate> per_day(std::uint64_t count);
  static Result<Rate> at_once(std::uint64_t count);

  LimitKind kind() const noexcept { return kind_; }
  std::uint64_t count() const noexcept { return count_; }                   // in a period, a day, or at once
  std::uint64_t burst() const noexcept { return burst_; }                   // of a rate; else the count
  std::chrono::seconds period() const noexcept { return period_; }          // of a rate; a day for a quota; else 0
  std::chrono::nanoseconds interval() const noexcept { return interval_; }  // of a rate: in which one is regained
  std::string text() const;  // as parse_rate reads it: "600/min", "10/s burst 20", "10000/day", "4 concurrent"

  // True if it allows more than `other`, which is of the same kind: in the long run, then at once.
  bool allows_more_than(const Rate& other) const noexcept;
  friend bool operator==(const Rate&, const Rate&) = default;

 private:
  Rate(LimitKind kind, std::uint64_t count, std::uint64_t burst, std::chrono::seconds period) noexcept;
  LimitKind kind_ = LimitKind::rate;
  std::uint64_t count_ = 1, burst_ = 1;
  std::chrono::seconds period_{1};
  std::chrono::nanoseconds interval_{1'000'000'000};
};

// COUNT "/" [NUMBER] UNIT [" burst " COUNT], COUNT "/day", or COUNT " concurrent". UNIT is s, min or h; a period is at
// most an hour. Nothing else is read: no sign, no fraction, no other spelling, one space where one is written here.
// Errors: invalid_claim, `expected` saying what would have been right.
Result<Rate> parse_rate(std::string_view text);
// What 1 means: "min" is 1/min, "10s" is 1/10s, "day" is 1/day, "concurrent" is 1 concurrent.
Result<Rate> parse_unit(std::string_view text);

// Whose requests are counted together, among those of one rule. Subjects and clients are told apart by issuer.
enum class LimitBy : std::uint8_t {
  subject,  // `sub`
  client,   // `client_id`, else `azp`, else `sub`
  address,  // of the client: an IPv4 address, or a block of IPv6 addresses, /64
  claim,    // the text or integer in `by_claim`
  all,      // everybody together
};

// By the token's `plan`, a text or an array of texts; of several plans the one that allows most.
struct PlanRates {
  std::vector<std::pair<std::string, Rate>> rates;
};
// Carried in the token: an integer, so many per `per`, or a text as for parse_rate of the same kind. `most` bounds
// what a token can ask for.
struct ClaimRate {
  std::vector<std::string> claim;  // its path, one segment a level
  Rate per{};                      // what 1 means: see parse_unit
  Rate most{};
};

// One limit of a route. Rules of the same name, kind and `by` count together, on whatever routes they stand: that is
// how a class of routes shares one limit.
struct LimitRule {
  std::string name;  // as RateLimit-Policy tells it: visible ASCII and spaces
  LimitBy by = LimitBy::subject;
  std::vector<std::string> by_claim{};
  std::variant<Rate, PlanRates, ClaimRate> allowance{};
  // For a token whose plan is not listed, or that has no such claim, and for a request without a token. None: refused.
  std::optional<Rate> otherwise{};

  LimitKind kind() const noexcept;
};
// What is wrong with a rule, for who writes it: `expected` says what would be right. Once, when it is loaded.
Result<void> check(const LimitRule& rule);

// Who is charged under which rule, as a keyed hash; says nothing to anybody without the seed.
struct LimitKey {
  std::uint64_t high = 0, low = 0;
  friend bool operator==(const LimitKey&, const LimitKey&) = default;
};
class LimitSeed {
 public:
  static LimitSeed random();
  // The same at every gateway that is given the same text: for limits that are shared between them.
  static LimitSeed derived_from(std::string_view secret);
  const std::array<std::byte, 16>& bytes() const noexcept { return bytes_; }

 private:
  LimitSeed() = default;
  std::array<std::byte, 16> bytes_{};
};

struct Charge {
  LimitKey key{};
  Rate rate{};
  std::string_view name{};  // of the rule, which must live as long
  // Whether the caller is known by its address alone. Such keys cost nothing to make, so they have a table of their own
  // and cannot push out others.
  bool by_address = false;
};

// Resolves a rule: pure, no allocation but for an error. Without a token (an optional authentication) subject, client
// and claim are the address, and the rate is `otherwise`, or the fixed one.
// What a token says is never read with good will. Where a rate stands in a claim:
//   absent                  `otherwise`; without it insufficient_plan
//   another type, 0, negative, unreadable, of another kind
//                           insufficient_plan, with or without `otherwise`: what cannot be read is not absent
//   above `most`            no more than that, in the long run and at once
// Errors: insufficient_plan; missing_token where only a token could say; missing_claim if `by` names a claim that is
// not there, or is neither a text nor an integer.
Result<Charge> charge_for(const LimitRule& rule, const VerifiedToken* token, std::string_view address,
                          const LimitSeed& seed);

enum class LimitVerdict : std::uint8_t {
  allowed,
  over_limit,   // 429
  unavailable,  // 503: the limits are shared, their server is away, and the setting is to refuse then
};

class RateLimiter;

// At most charges_max values, which are moved no further than they go: a decision is made of them for every request.
template <class T>
class FewPerRequest {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  FewPerRequest() noexcept {}
  FewPerRequest(const FewPerRequest& other) noexcept { *this = other; }
  FewPerRequest& operator=(const FewPerRequest& other) noexcept {
    count_ = other.count_;
    if (this != &other && count_ > 0) std::memcpy(bytes_, other.bytes_, count_ * sizeof(T));
    return *this;
  }
  void push(const T& value) noexcept {
    if (count_ == charges_max) std::abort();  // a bug of the caller
    new (bytes_ + count_++ * sizeof(T)) T(value);
  }
  void clear() noexcept { count_ = 0; }
  std::span<T> all() noexcept { return {reinterpret_cast<T*>(bytes_), count_}; }
  std::span<const T> all() const noexcept { return {reinterpret_cast<const T*>(bytes_), count_}; }

 private:
  std::size_t count_ = 0;
  alignas(T) std::byte bytes_[charges_max * sizeof(T)];
};

// Places of concurrent requests: given back when this goes. The limiter must outlive it.
class Running {
 public:
  Running() = default;
  Running(Running&& other) noexcept;
  Running& operator=(Running&& other) noexcept;
  ~Running() { end(); }
  void end() noexcept;
  std::size_t places() const noexcept { return places_.all().size(); }

 private:
  friend class RateLimiter;
  struct Place {
    LimitKey key{};
    bool by_address = false;
  };
  void add(RateLimiter& limiter, const Charge& charge) noexcept;
  RateLimiter* limiter_ = nullptr;
  FewPerRequest<Place> places_;
};

// Where the caller stands under one charge, after it.
struct LimitStatus {
  std::string_view name{};
  Rate rate{};
  std::uint64_t remaining = 0;   // that could be taken at once
  std::chrono::seconds next{0};  // rate: until more can be; quota: to midnight UTC; concurrent: 0. Rounded up
  bool refused = false;
};

class LimitResult {
 public:
  LimitVerdict verdict() const noexcept { return verdict_; }
  bool allowed() const noexcept { return verdict_ == LimitVerdict::allowed; }
  std::span<const LimitStatus> statuses() const noexcept { return statuses_.all(); }
  // After which to try again; at least 1 s when refused. For a day's quota spread over a minute, so that not all come
  // back at midnight.
  std::chrono::seconds retry_after() const noexcept { return retry_after_; }
  Running take_running() noexcept { return std::move(running_); }

  // Values of the header fields of draft-ietf-httpapi-ratelimit-headers-11, appended.
  //   RateLimit-Policy: "audio";q=600;w=60, "daily";q=10000;w=86400, "streams";q=4;qu="concurrent-requests"
  //   RateLimit: "audio";r=599;t=1, "daily";r=9312;t=40211, "streams";r=3
  void append_policy(std::string& out) const;
  void append_rate_limit(std::string& out) const;

 private:
  friend class RateLimiter;
  void refuse_at(std::size_t charge) noexcept;
  LimitVerdict verdict_ = LimitVerdict::allowed;
  std::chrono::seconds retry_after_{0};
  FewPerRequest<LimitStatus> statuses_;
  Running running_;
};

struct RateLimiterOptions {
  std::size_t entries_max = 256 * 1024;         // callers known by a token; 37 bytes each, taken as they are used
  std::size_t address_entries_max = 64 * 1024;  // callers known by their address
};

// Counts in memory of a fixed size. When a caller has no place it takes that of the one, among seven, for whom the
// least requests are remembered: to have n requests of somebody forgotten, six others in the same place must have made
// more than n each, and who shares a place is keyed by the process. Requests under way are never forgotten.
//
// Time is handed in and may lie: a monotonic time before an earlier one counts as no time passed, and nobody is kept
// out for longer than a window and ten seconds by a clock that was wrong; a day that seems to be over and comes again
// goes on.
class RateLimiter {
 public:
  explicit RateLimiter(RateLimiterOptions options = {});
  RateLimiter(RateLimiterOptions options, LimitSeed seed);
  ~RateLimiter();
  RateLimiter(const RateLimiter&) = delete;
  RateLimiter& operator=(const RateLimiter&) = delete;

  const LimitSeed& seed() const noexcept;

  // Takes one of every charge, or, if one of them is over its limit, of none. At most charges_max; what is beyond is a
  // bug. No allocation; never waits but for another thread's look at the same place.
  LimitResult charge(std::span<const Charge> charges, std::chrono::nanoseconds monotonic, UnixTime wall) noexcept;

  struct Counts {
    std::uint64_t refused;    // requests
    std::uint64_t evictions;  // callers that were forgotten while something was remembered of them
    std::uint64_t crowded;    // requests refused because all places were taken by requests under way
  };
  Counts counts() const noexcept;

 private:
  friend class Running;
  friend class LimitExchange;
  struct State;
  void release(const Running& running) noexcept;
  std::unique_ptr<State> state_;
};

}  // namespace jeton
