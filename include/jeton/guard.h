// Guard: the decision before a protected endpoint. Facts of a request in, a decision out; pure, no I/O, no clock.
//
//   jeton::Guard guard{verifier, {.scopes = {"projects:read"}}};
//   auto decision = guard.decide(facts_of(request), now);
//
// With one Policy it guards every request alike; with Routes each by the route that it meets. It knows no HTTP library:
// the caller fills RequestFacts, and writes status, headers and body of a refusal. The answers are those of
// docs/errors.md: 401 `{"error":"Access token required"}`, 401 `{"error":"Token expired"}`,
// 403 `{"error":"Invalid token"}`, …, each with WWW-Authenticate (RFC 6750).
//
// The order is fixed, and the first failure is the answer:
//   route, the token's place; of a token not seen before the budget of wrong signatures, its signature and claims;
//   revocation, how old the knowledge of revocations is; the route's issuers and audiences, scopes, roles, plans,
//   conditions, how fresh the login is; claims passed on; limits
// Threads: const, immutable, cheap to copy; share one among any number. What GuardParts names must outlive it.
#pragma once

#include <jeton/error.h>
#include <jeton/failure_budget.h>
#include <jeton/policy.h>
#include <jeton/rate_limit.h>
#include <jeton/revocation_table.h>
#include <jeton/time.h>
#include <jeton/token_cache.h>
#include <jeton/verified_token.h>
#include <jeton/verifier.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace jeton {

// What an answer over HTTP consists of.
struct Answer {
  int status;
  std::vector<std::pair<std::string, std::string>> headers;  // Content-Type, WWW-Authenticate, …
  std::string body;
};

// When a request is decided. Wall time decides about tokens, monotonic time about rates and staleness. Where wall time
// is given alone it is taken for both: good enough for rates, and for a RevocationTable that is kept by it too.
struct Moment {
  UnixTime wall;
  std::chrono::nanoseconds monotonic;
  Moment(UnixTime at) noexcept : wall(at), monotonic(at.time_since_epoch()) {}
  Moment(UnixTime at, std::chrono::nanoseconds since) noexcept : wall(at), monotonic(since) {}
};

// What the guard looks at. Views are read during the call only.
struct RequestFacts {
  std::string_view method = "GET", scheme{}, host{};  // the host as the client named it; a port is allowed
  std::string_view path = "/";                        // canonical: see canonical_path
  std::string_view query{};                           // what follows `?`, as received; looked at for a second token too
  std::span<const std::string_view> authorization{};  // the value of every Authorization header, in order
  std::string_view form_body{};  // the body, if it is application/x-www-form-urlencoded; for noticing a token in it
  std::string_view address{};    // of the client, behind trusted proxies
};

// A claim as it goes on to the endpoint. The name lives as long as the Routes, or one of their copies.
struct PassedHeader {
  const HeaderName* name;
  HeaderValue value;
};

class Allowed {
 public:
  std::optional<VerifiedToken> token{};  // none: the route's authentication is optional or forbidden
  const Route* route = nullptr;          // never null; lives as long as the Guard or a copy of its Routes
  std::vector<PassedHeader> pass{};
  // The issuer's revocations have not been heard for longer than the route's staleness_max, and it allows that.
  bool is_stale = false;
  // Where the caller stands, if the route has limits: for the RateLimit fields. Holds the places of concurrent requests
  // until this goes, or take_running.
  std::optional<LimitResult> limits{};

 private:
  friend class Guard;
  explicit Allowed(const Route* met) : route(met) {}
};
struct Refused {
  Error error;                   // for the log, exact
  Answer answer;                 // for the client, coarse
  const Route* route = nullptr;  // null: it met none
};

// A good token, of which it is not known whether it has been revoked: ask its issuer (RFC 7662), then Guard::settle.
class Undecided {
 public:
  VerifiedToken token;
  const Route* route;

 private:
  friend class Guard;
  Undecided(VerifiedToken good, const Route* met) : token(std::move(good)), route(met) {}
};

// What an issuer said of a token (RFC 7662). Failed: nothing that can be believed, or not in time.
enum class Introspection : std::uint8_t { active, inactive, failed };

class [[nodiscard]] Decision {
 public:
  const Allowed* allowed() const noexcept { return std::get_if<Allowed>(&outcome_); }
  const Refused* refused() const noexcept { return std::get_if<Refused>(&outcome_); }
  Allowed* allowed() noexcept { return std::get_if<Allowed>(&outcome_); }
  // Never, unless GuardParts says that issuers can be asked.
  const Undecided* undecided() const noexcept { return std::get_if<Undecided>(&outcome_); }
  // The token of an allowed request; null if it was refused, or came without one.
  const VerifiedToken* token() const noexcept {
    const Allowed* const allow = allowed();
    return allow != nullptr && allow->token.has_value() ? &*allow->token : nullptr;
  }

 private:
  friend class Guard;
  explicit Decision(Allowed allowed) : outcome_(std::move(allowed)) {}
  explicit Decision(Refused refused) : outcome_(std::move(refused)) {}
  explicit Decision(Undecided undecided) : outcome_(std::move(undecided)) {}
  std::variant<Allowed, Refused, Undecided> outcome_;
};

// What a guard works with besides; each may be left out.
struct GuardParts {
  TokenCache* cache = nullptr;                   // none: each token is verified each time
  const RevocationTable* revocations = nullptr;  // none: tokens are good until their `exp`
  RateLimiter* limiter = nullptr;                // none: the guard counts by itself, anew when it is made anew
  FailureBudget* failures = nullptr;             // none: every token is verified
  bool can_introspect = false;                   // else WhenStale::introspect is WhenStale::deny
};

class Guard {
 public:
  Guard(Verifier verifier, Policy policy, GuardParts parts = {});
  Guard(Verifier verifier, Routes routes, GuardParts parts = {});
  Decision decide(const RequestFacts& facts, Moment now) const;
  // What becomes of an undecided request once its issuer was asked about the token; what was heard or has ended in the
  // meantime counts too. Where asking failed it is answered as with WhenStale::deny, unless revocations are fresh
  // again. The address is the client's, as in the facts.
  Decision settle(const Undecided& undecided, Introspection said, std::string_view address, Moment now) const;
  const Routes& routes() const noexcept { return routes_; }

  // Why what was allowed by this token on this route may not go on, as the route's `streams_until` says; nothing: it
  // may. For what outlasts its request (a WebSocket, a stream of events), to be asked again and again, also of a Guard
  // that came after the one that allowed it. What time, keys and feed can change is looked at, and nothing else; where
  // revocations are stale, `deny` ends it, and so does `introspect`: nobody asks the issuer again.
  // Errors: unknown_key, expired, too_old, revoked, stale_claims, stale_revocations.
  std::optional<Error> objection_later(const VerifiedToken& token, const Route& route, Moment now) const;

  // Why `other` would refuse a request that was allowed here: a new policy can be tried on live traffic before it
  // decides anything. Nothing where it would allow it too, or where the request was refused already. Limits are not
  // charged, and so not compared; tokens of issuers that only `other` knows are not known here.
  std::optional<Error> objection_by(const Routes& other, const RequestFacts& facts, const Decision& decision,
                                    Moment now) const;

 private:
  Result<VerifiedToken> verify(std::string_view compact, std::string_view address, Moment now) const;
  Decision admit(Allowed allowed, std::string_view address, Moment now) const;

  Verifier verifier_;
  Routes routes_;
  GuardParts parts_;
  std::shared_ptr<RateLimiter> own_limiter_;
};

// The bearer token of a request (RFC 6750 section 2.1): exactly one Authorization header, the scheme in any case, one
// space, one token, and no second token in query or form. Errors: missing_token, multiple_tokens,
// misplaced_token, malformed_token.
Result<std::string_view> extract_bearer(const RequestFacts& facts);

// The answer for an error; `scope` is named in the challenge where a scope is what lacks.
Answer answer_for(const Error& error, ErrorStyle style, std::string_view realm, std::string_view scope = {});
// The answer in front of a route, with all that its challenge can say (RFC 6750, RFC 9470).
Answer answer_for(const Error& error, const Policy& policy);

}  // namespace jeton
