// The feed key: signs the heads and snapshots of the revocation feed, and nothing else. It is not in the JWKS and does
// not rotate with the signing keys: verifiers pin it. At rest it is sealed like those, in the settings; the first start
// of a store makes it, and a restored database has the one of its backup.
#pragma once

#include "issuer/foundation.h"
#include "platform/fault.h"
#include "store/store.h"

#include <jeton/key.h>

namespace jeton::issuer {

// Waits for the store: not for an event loop's thread.
platform::Outcome<SigningKey> open_feed_key(store::Store& store, const Foundation& foundation);

}  // namespace jeton::issuer
