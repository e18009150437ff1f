// What the library says to a case.
//
// Tokens meet a verifier of the issuer https://as.example, audience api, typ at+jwt, algorithms ES256 and PS256, no
// leeway, at 1700000000, with the keys ec1 (ES256), rsa1 (PS256) and rsa-noalg (RSA without `alg`). A case varies it
// by `v`: numbers now, leeway, age_max, lifetime_max; texts iss, aud, typ ("any": not looked at), expiry
// ("optional"), cnf ("accept"), profile ("access_token", "jeton").
#pragma once

#include "case_file.h"

#include <jeton/error.h>
#include <jeton/verifier.h>

#include <string>
#include <string_view>

namespace jeton::hostile {

struct Verdict {
  bool accepted = false;
  std::string code;   // "ok", or the code of the error
  std::string group;  // its class; empty if accepted
};

Verdict verdict_of(const Error& error);

Verifier verifier_for(const Case& hostile);
UnixTime now_of(const Case& hostile);

// Throws std::runtime_error if the case is not understood.
Verdict judge(const Case& hostile);

// "" if the verdict is what the case expects; else what is wrong. `only_group` is set if nothing but the class differs.
std::string complaint(const Case& hostile, const Verdict& verdict, bool& only_group);

}  // namespace jeton::hostile
