// Case: one line of a file of hostile inputs, each a JSON object.
//
//   id, area, why   its name; what it is about: jose (a token), jwks (a key set), secret, pem; and the reason
//   expect          "accept", "reject", or "reject:CLASS" (jose: the class of docs/errors.md; else the code of the
//                   error, or several parted by `|`)
//   twin            the accepted case beside which a refused one stands
//   row             which line of the list of inputs that must be refused it belongs to
//   also            what must hold besides: no_net and no_open (sandbox_test.cc shows them for all cases at once),
//                   no_upstream, t<…
// jose:
//   h, p            header and payload as raw text; a good one where absent
//   s               who signs: "ES256:EC1" by default; "hmac:EXPR" is HS256 with those bytes; "hex:…"; "empty"
//   m               what is done to the token (token_forge.h)
//   v               an object: how the verifier differs from the usual one (judge.h)
// jwks: jwks (text, with ${EXPR} for base64url of those bytes), origin, algs; shared files name theirs by id alone
// secret: k (EXPR), alg       pem: pem (EXPR), alg, as ("public", "private")
//
// In every text $REP(c,n) stands for n times c. EXPR is in material.h.
#pragma once

#include <map>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace jeton::hostile {

struct Case {
  std::string id, area, expect, why, twin, row, also;
  std::map<std::string, std::string, std::less<>> texts{};       // every member that is a string
  std::map<std::string, long long, std::less<>> numbers{};       // integers of `v`
  std::map<std::string, std::string, std::less<>> variations{};  // strings of `v`
  std::string place;                                             // file:line

  bool accepted() const { return expect == "accept" || expect == "ok"; }
  const std::string* text(std::string_view name) const;
  friend std::ostream& operator<<(std::ostream& out, const Case& hostile) { return out << hostile.place; }
};

// Throws std::runtime_error where a line is not such an object.
std::vector<Case> read_cases(const std::string& file);
bool exists(const std::string& file);

std::string with_repetitions(std::string_view text);

}  // namespace jeton::hostile
