// Whether a verified token of this issuer still stands, by what the store knows: exact at once, whatever process ended
// it.
#pragma once

#include "issuer/context.h"
#include "store/error.h"

#include <jeton/error.h>
#include <jeton/verified_token.h>

#include <boost/asio/awaitable.hpp>

#include <optional>

namespace jeton::issuer {

// Nothing if it stands; else revoked or stale_claims. A store that cannot say is the error.
boost::asio::awaitable<store::Result<std::optional<Errc>>> objection_to(const Context& context,
                                                                        const VerifiedToken& token);

}  // namespace jeton::issuer
