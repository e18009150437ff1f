// PolicyCases: requests as text, with the decision that each is to get. docs/policy.md has the form:
//
//   name    = a premium listener hears it in high quality
//   request = GET https://api.example.com/v1/tracks/7/stream?quality=high
//   claims  = {"plan":"premium"}
//   expect  = allowed
//   route   = high quality stream
//   pass    = X-Auth-User: u1
//
// A case says nothing of keys: whoever runs it signs its token with keys made for the run (CaseSigner), so that the
// whole verification is part of what is tested, and the same case can be sent over HTTP. Times are relative to now.
#pragma once

#include "gateway/policy_file.h"
#include "platform/fault.h"

#include <jeton/guard.h>
#include <jeton/key.h>
#include <jeton/time.h>
#include <jeton/value.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jeton::gateway {

inline constexpr std::size_t policy_cases_bytes_max = 16 * 1024 * 1024;

using CaseHeader = std::pair<std::string, std::string>;

struct PolicyCase {
  int line = 0;  // of its `request`
  std::string name{};
  // request = METHOD URL, or METHOD and a path without a host.
  std::string method{}, scheme{}, host{}, path{}, query{};  // path and query as they are sent
  // header = NAME: VALUE, again and again; $TOKEN is the token. Without an Authorization among them, and unless there
  // is no token, the request has "Authorization: Bearer $TOKEN".
  std::vector<CaseHeader> headers{};
  std::string form{};     // form = a form that is the body
  std::string address{};  // address = the client's

  Value claims = Value::object();      // claims = JSON, over the usual ones; texts "$now", "$now+600" become times
  std::vector<std::string> without{};  // without = the usual claims that are left out
  std::string issuer{};                // issuer = who signs; else the first of the policy
  std::string typ = "at+jwt";          // typ = of the header
  // token = good, none, forged (another key's signature under the same kid), changed (the payload, after signing)
  enum class Token : std::uint8_t { good, none, forged, changed } token = Token::good;
  int repeated = 1;          // repeated = N: the last of N equal requests is meant
  bool needs_clock = false;  // clock = still: times are compared to the second, so no running clock will do

  // expect = "allowed", or STATUS and code: "403 insufficient_plan".
  int status = 200;
  std::string code{};                             // empty: allowed
  std::optional<std::string> route{};             // route = name of the route that is met
  std::optional<std::vector<CaseHeader>> pass{};  // pass = NAME: VALUE, each; "none" if nothing is passed on
  std::optional<std::string> challenge{};         // challenge = WWW-Authenticate
  std::optional<std::string> body{};              // body = of a refusal
  std::optional<std::string> forwards{};          // forwards = the path that goes on

  std::string title() const { return name.empty() ? method + " " + path : name; }
};

// Everything that is wrong, at once, by file and line.
platform::Outcome<std::vector<PolicyCase>> parse_policy_cases(std::string_view text, const std::string& file_name);

// Keys of a run, one for each issuer of a policy, and tokens signed with them.
class CaseSigner {
 public:
  explicit CaseSigner(const PolicyFile& file);
  // In the order of the policy's issuers.
  const std::vector<SigningKey>& keys() const noexcept { return keys_; }
  // What verifies these keys' tokens as the policy says.
  Verifier verifier() const;
  // The case's token; empty if it has none.
  std::string token(const PolicyCase& one, UnixTime now) const;

 private:
  const PolicyFile& file_;
  std::vector<SigningKey> keys_, strangers_;  // strangers have the same kid as the key and are not it
};

// All headers of the case's request but Host, with its token in place.
std::vector<CaseHeader> headers_of(const PolicyCase& one, const std::string& token);

// Runs cases through a Guard, one after the other: what one uses up of a limit the next will miss.
class CaseRunner {
 public:
  explicit CaseRunner(const PolicyFile& file);
  // What is not as expected, for a person: "is 403 insufficient_plan, route "stream"". Empty: all is.
  std::string objection_to(const PolicyCase& one, Moment now);

 private:
  Decision decide(const PolicyCase& one, Moment now);
  CaseSigner signer_;
  TokenCache cache_;
  RateLimiter limiter_;
  Guard guard_;
};

}  // namespace jeton::gateway
