// OwnTokens: verifies this issuer's access tokens where the guard of the keyring does not fit: tokens for the issuer
// itself (the audience of its management), and tokens for anybody, to say what has become of them.
//
// Threads: every member may be called from any thread.
#pragma once

#include "issuer/foundation.h"
#include "issuer/keyring.h"

#include <jeton/error.h>
#include <jeton/time.h>
#include <jeton/verified_token.h>
#include <jeton/verifier.h>

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace jeton::issuer {

class OwnTokens {
 public:
  OwnTokens(Keyring& keyring, const Foundation& foundation) : keyring_(keyring), foundation_(foundation) {}

  enum class Audience : std::uint8_t { anybody, issuer };
  // Reads the keys anew where they are old and the token's is unknown. The views are read until it is done.
  boost::asio::awaitable<Result<VerifiedToken>> verify(std::string_view compact, Audience audience, UnixTime now);

 private:
  struct Verifiers {
    std::string etag;  // of the keys
    Verifier for_anybody, for_issuer;
  };
  std::shared_ptr<const Verifiers> current();

  Keyring& keyring_;
  const Foundation& foundation_;
  std::mutex mutex_;
  std::shared_ptr<const Verifiers> verifiers_;
};

}  // namespace jeton::issuer
