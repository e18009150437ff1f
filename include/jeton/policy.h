// Policy: what a route demands of a request, and Routes: which route a request meets.
//
//   auto routes = jeton::Routes::build({{
//       .name = "high quality stream",
//       .match = {.methods = {"GET"}, .path = "/v1/tracks/{id}/stream", .query = {{"quality", {"high"}}}},
//       .policy = {.audiences = {"api"}, .plans = {"premium", "family"}},
//   }});
//
// Policies are plain values; Routes is their immutable, checked form. What could be understood in two ways is a fault
// when it is built, not a surprise when it runs: two routes that one request could meet, of which neither is the more
// specific one.
//
// Which route a request meets is decided in this order, and never by the order in which routes stand:
//   1. host: the exact name, then the longest `*.` pattern, then routes without hosts; the first with a path that fits
//   2. path: segment by segment a literal before a {parameter} before `**`
//   3. among the routes of that very path: method and query, the most specific that fits
// There is no way back from 3 to a less specific path: a POST to a path for which only GET is known is refused (405),
// it does not fall through to `/**`. What meets no route is refused.
// Threads: Routes is immutable; copies share it.
#pragma once

#include <jeton/error.h>
#include <jeton/rate_limit.h>
#include <jeton/value.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace jeton {

enum class ErrorStyle : std::uint8_t {
  reference,  // a token that is wrong, but not expired: 403 `{"error":"Invalid token"}`
  rfc6750,    // 401 with error="invalid_token"
};

enum class Authentication : std::uint8_t {
  required,
  optional,   // without a token: allowed, and the demands on it are not looked at. A token that came must be good
  forbidden,  // a request with a token is refused (400), so that tokens do not travel to where nobody needs them
};

// One segment a level: {"limits", "audio"} is `audio` inside `limits`.
using ClaimPath = std::vector<std::string>;

// One demand on one claim. Types are strict: the text "1" is not the number 1, and 1.0 is no integer. A claim that is
// absent fulfils nothing.
struct Condition {
  struct Equals {  // a text, an integer or a boolean
    Value value;
  };
  struct OneOf {
    std::vector<Value> values;
  };
  struct AtLeast {  // a number, compared exactly
    std::int64_t least;
  };
  struct Contains {  // an array that holds the value, or the value itself
    Value value;
  };
  struct MatchesParameter {  // the text or integer that stands in the path, percent-decoded; or an array that holds it
    std::string parameter;
  };
  ClaimPath claim;
  std::variant<Equals, OneOf, AtLeast, Contains, MatchesParameter> test;
};

// The name of a header field that a claim may be passed on in (RFC 9110 section 5.1).
class HeaderName {
 public:
  // None if it is no token, or one that frames a message, routes it or carries credentials: Host, Content-Length,
  // Connection, Authorization, Cookie, …
  static std::optional<HeaderName> of(std::string_view name);
  const std::string& text() const noexcept { return text_; }
  // Without case, and what is no letter or digit is `-`: many servers cannot tell X_Auth.User from X-Auth-User.
  bool is(std::string_view name) const noexcept;
  friend bool operator==(const HeaderName& a, const HeaderName& b) noexcept { return a.is(b.text_); }

 private:
  explicit HeaderName(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

// What a header field may hold: visible ASCII and single spaces inside, so nothing can be injected through it. Made
// from any text: each byte that is not visible ASCII, `%`, the comma, and a space that stands first or last become
// percent-encoded. Texts of an array are made so one by one and joined by `,`.
class HeaderValue {
 public:
  static HeaderValue of(std::string_view text);
  static HeaderValue joined(std::span<const std::string_view> texts);
  const std::string& text() const noexcept { return text_; }
  friend bool operator==(const HeaderValue&, const HeaderValue&) = default;

 private:
  explicit HeaderValue(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

// A claim that goes on in a header: texts, integers, numbers, booleans, and arrays of them. An absent claim, null, an
// empty array, an object and an array that holds one are not passed on.
struct PassedClaim {
  ClaimPath claim;
  HeaderName header;
};
inline constexpr std::size_t passed_value_bytes_max = 4 * 1024;  // a longer one refuses the request: invalid_claim

// What to do when the issuer's revocations have not been heard for longer than the route can bear. It is no rule for
// an issuer that the RevocationTable was not given: nobody tells of its revocations, so its tokens are never stale.
// Where they must not pass, let the route name the issuers that have a feed. (The gateway's policy file refuses it.)
enum class WhenStale : std::uint8_t {
  allow,       // an issuer that is away must not stop the services; the decision says `stale`
  deny,        // 503, never 401: the token may well be good
  introspect,  // ask the issuer about this token (RFC 7662); the decision is Undecided
};

// What a route demands beyond a good token. Every scope; one of each other list, if it is not empty.
struct Policy {
  Authentication authentication = Authentication::required;
  std::vector<std::string> issuers{};
  std::vector<std::string> audiences{};
  std::vector<std::string> scopes{};
  std::vector<std::string> roles{};
  std::vector<std::string> plans{};
  std::vector<Condition> conditions{};  // all of them
  // RFC 9470: how long ago `auth_time` may be, and which `acr` will do.
  std::optional<std::chrono::seconds> login_age_max{};
  std::vector<std::string> acr_values{};
  std::vector<LimitRule> limits{};  // all of them, or none is charged; at most charges_max
  std::chrono::nanoseconds staleness_max = std::chrono::seconds{10};
  WhenStale when_stale = WhenStale::allow;
  std::vector<PassedClaim> pass{};
  ErrorStyle errors = ErrorStyle::reference;
  std::string realm = "api";
};

// A parameter of the query, percent-decoded, and the values of which it must have one; none: any value. A parameter
// that a route looks at and that stands in a query twice is refused: who reads the query next may take the other one.
struct QueryCondition {
  std::string name;
  std::vector<std::string> values{};
};

struct Match {
  std::vector<std::string> hosts{};    // "api.example.com", "*.example.com" (one label or more); empty: every host
  std::vector<std::string> methods{};  // empty: every method. GET covers HEAD, unless a route of the path names HEAD
  // Literal segments, {parameters} of one segment each, and at the end `**` for anything, nothing included. Literals
  // are compared decoded, `%40` is `@`, and a slash at the end makes no difference.
  std::string path = "/**";
  std::vector<QueryCondition> query{};  // all of them
};

// For how long what outlasts its request may go on: a WebSocket, a stream of events, an answer that takes its time.
enum class StreamsUntil : std::uint8_t {
  expiry,  // of the token, leeway included; and until it is revoked
  closed,  // by either side: the token is looked at once, and no revocation ends it
};

struct Route {
  std::string name{};
  Match match{};
  Policy policy{};
  std::string upstream{};  // the gateway's
  StreamsUntil streams_until = StreamsUntil::expiry;
};

inline constexpr std::size_t path_parameters_max = 16;

struct RequestFacts;
struct CompiledRoutes;  // inside the library

class Routes {
 public:
  struct Fault {
    std::size_t route;  // its index
    std::string text;   // "path must begin with /"
  };
  // All faults at once.
  static std::expected<Routes, std::vector<Fault>> build(std::vector<Route> routes);
  // One policy for every request; the facts' host, method, path and query are not looked at.
  static Routes everywhere(Policy policy);

  std::span<const Route> all() const noexcept;

  // The route that a request meets. `path` must be canonical (path.h), else invalid_path.
  // Errors: invalid_path, no_route, method_not_allowed (expected: the methods that are, "GET, HEAD"), ambiguous_query,
  // in that order.
  Result<const Route*> find(const RequestFacts& facts) const;

  // The headers that any route passes claims in. All of them are to be removed from every incoming request, in
  // whatever case and with `_` for `-`, whether or not the decision sets them.
  std::span<const HeaderName> passed_headers() const noexcept;
  bool is_passed_header(std::string_view name) const noexcept;

 private:
  friend class Guard;
  explicit Routes(std::shared_ptr<const CompiledRoutes> compiled) : compiled_(std::move(compiled)) {}
  std::shared_ptr<const CompiledRoutes> compiled_;
};

}  // namespace jeton
