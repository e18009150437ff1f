// Guard: the decision before a protected endpoint. Facts of a request in, a decision out; pure, no I/O, no clock.
//
//   jeton::Guard guard{verifier, {.scopes = {"projects:read"}}};
//   auto decision = guard.decide(facts_of(request), now);
//
// It knows no HTTP library: the caller fills RequestFacts, and writes status, headers and body of a refusal.
// The answers are those of docs/errors.md: 401 `{"error":"Access token required"}`, 401 `{"error":"Token expired"}`,
// 403 `{"error":"Invalid token"}`, …, each with WWW-Authenticate (RFC 6750).
// Threads: const, immutable; share one among any number (the cache, if given, must outlive it).
#pragma once

#include <jeton/error.h>
#include <jeton/time.h>
#include <jeton/token_cache.h>
#include <jeton/verified_token.h>
#include <jeton/verifier.h>

#include <cstdint>
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

enum class ErrorStyle : std::uint8_t {
  reference,  // a token that is wrong, but not expired: 403 `{"error":"Invalid token"}`
  rfc6750,    // 401 with error="invalid_token"
};

// What the guard looks at. Views are read during the call only.
struct RequestFacts {
  std::span<const std::string_view> authorization{};  // the value of every Authorization header, in order
  std::string_view query{};      // what follows `?`, as received; for noticing a second token in it
  std::string_view form_body{};  // the body, if it is application/x-www-form-urlencoded; same purpose
};

// What a route demands beyond a good token. Every listed scope; one of the roles; one of the plans.
struct Policy {
  std::vector<std::string> scopes{};
  std::vector<std::string> roles{};
  std::vector<std::string> plans{};
  ErrorStyle errors = ErrorStyle::reference;
  std::string realm = "api";
};

struct Allowed {
  VerifiedToken token;
};
struct Refused {
  Error error;    // for the log, exact
  Answer answer;  // for the client, coarse
};

class [[nodiscard]] Decision {
 public:
  const VerifiedToken* allowed() const noexcept {
    const auto* allow = std::get_if<Allowed>(&outcome_);
    return allow ? &allow->token : nullptr;
  }
  const Refused* refused() const noexcept { return std::get_if<Refused>(&outcome_); }

 private:
  friend class Guard;
  explicit Decision(Allowed allowed) : outcome_(std::move(allowed)) {}
  explicit Decision(Refused refused) : outcome_(std::move(refused)) {}
  std::variant<Allowed, Refused> outcome_;
};

class Guard {
 public:
  Guard(Verifier verifier, Policy policy, TokenCache* cache = nullptr);
  Decision decide(const RequestFacts& facts, UnixTime now) const;

 private:
  Verifier verifier_;
  Policy policy_;
  TokenCache* cache_;
};

// The bearer token of a request (RFC 6750 section 2.1): exactly one Authorization header, the scheme in any case, one
// space, one token, and no second token in query or form. Errors: missing_token, multiple_tokens,
// misplaced_token, malformed_token.
Result<std::string_view> extract_bearer(const RequestFacts& facts);

// The answer for an error; `scope` is named in the challenge where a scope is what lacks.
Answer answer_for(const Error& error, ErrorStyle style, std::string_view realm, std::string_view scope = {});

}  // namespace jeton
