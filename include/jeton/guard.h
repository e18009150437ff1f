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
//   route -> the token's place -> signature and claims, or the cache -> the route's issuers and audiences, then scopes,
//   roles, plans, conditions, how fresh the login is -> claims passed on
// Threads: const, immutable, cheap to copy; share one among any number. What GuardParts names must outlive it.
#pragma once

#include <jeton/error.h>
#include <jeton/policy.h>
#include <jeton/time.h>
#include <jeton/token_cache.h>
#include <jeton/verified_token.h>
#include <jeton/verifier.h>

#include <chrono>
#include <cstdint>
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

// When a request is decided. Wall time decides about tokens, monotonic time about rates and staleness.
struct Moment {
  UnixTime wall;
  std::chrono::nanoseconds monotonic{0};
  Moment(UnixTime at) noexcept : wall(at) {}
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

 private:
  friend class Guard;
  explicit Allowed(const Route* met) : route(met) {}
};
struct Refused {
  Error error;                   // for the log, exact
  Answer answer;                 // for the client, coarse
  const Route* route = nullptr;  // null: it met none
};

class [[nodiscard]] Decision {
 public:
  const Allowed* allowed() const noexcept { return std::get_if<Allowed>(&outcome_); }
  const Refused* refused() const noexcept { return std::get_if<Refused>(&outcome_); }
  // The token of an allowed request; null if it was refused, or came without one.
  const VerifiedToken* token() const noexcept {
    const Allowed* const allow = allowed();
    return allow != nullptr && allow->token.has_value() ? &*allow->token : nullptr;
  }

 private:
  friend class Guard;
  explicit Decision(Allowed allowed) : outcome_(std::move(allowed)) {}
  explicit Decision(Refused refused) : outcome_(std::move(refused)) {}
  std::variant<Allowed, Refused> outcome_;
};

// What a guard works with besides; each may be left out.
struct GuardParts {
  TokenCache* cache = nullptr;
};

class Guard {
 public:
  Guard(Verifier verifier, Policy policy, GuardParts parts = {});
  Guard(Verifier verifier, Routes routes, GuardParts parts = {});
  Decision decide(const RequestFacts& facts, Moment now) const;
  const Routes& routes() const noexcept { return routes_; }

 private:
  Verifier verifier_;
  Routes routes_;
  GuardParts parts_;
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
