// Key rows: signing keys as the store keeps them, and back.
#pragma once

#include "platform/fault.h"
#include "store/signing_keys.h"

#include <jeton/algorithm.h>
#include <jeton/key.h>
#include <jeton/secret.h>

#include <string>

namespace jeton::issuer {

// The key's private part sealed, its public part beside it. `audience` is for a shared secret alone.
store::StoredKey sealed_row(const SigningKey& key, const SecretBytes& sealing_key, store::KeyState state,
                            std::string audience = {});

// Fault: the row was not made with this master key, or is damaged.
platform::Outcome<SigningKey> open_row(const store::StoredKey& row, const SecretBytes& sealing_key);
platform::Outcome<VerificationKey> public_key_of(const store::StoredKey& row);

}  // namespace jeton::issuer
