// advice_on: what a policy file says that is no fault and is hardly meant: a limit without effect, a route that no
// request meets, an issuer whose revocations nobody hears. For `jeton policy check`, and for the log of a gateway that
// starts.
#pragma once

#include "gateway/policy_file.h"

#include <string>
#include <vector>

namespace jeton::gateway {

// One sentence each, in the file's order of issuers, upstreams and routes.
std::vector<std::string> advice_on(const PolicyFile& file);

}  // namespace jeton::gateway
