// What `jeton explain` says about a token, apart from where token and keys come from: header, claims, signature,
// verdict, each with what it is, in plain words. It shows; it decides nothing that Verifier has not decided.
//
// No signature bytes and no value whose name looks like a secret are printed, and nothing a stranger wrote can move
// the cursor.
#pragma once

#include "cli/verify_request.h"

#include <jeton/time.h>

#include <string>

namespace jeton::cli {

struct Explanation {
  std::string text;
  bool accepted = false;
};

struct ExplainStyle {
  bool colour = false;
  bool brief = false;  // without the lines that say what each part is
};

// request.now must be set. An empty request.jwks means that there are no keys: then the signature is not checked, and
// no token is accepted.
Explanation explain_token(const VerifyRequest& request, const ExplainStyle& style);

}  // namespace jeton::cli
