// The floors: the least that any library must do for a signature, by the libraries that do it. A kept HMAC state; an
// EVP_PKEY_CTX made once, called with the digest; libsodium's own call. They allocate nothing of ours, parse nothing
// and check nothing.
#pragma once

#include "material.h"
#include "measure.h"

#include <string>
#include <string_view>

namespace jeton::bench {

// Verifies the signature of `token` again and again.
Loop floor_of_verifying(const Material& material, std::string_view token);
// Signs the signing input of `token` again and again.
Loop floor_of_signing(const Material& material, std::string_view token);

}  // namespace jeton::bench
