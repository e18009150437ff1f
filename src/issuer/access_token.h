// What an access token of this issuer says (design 4.1), from the user's record and the session, or from the client's.
#pragma once

#include "issuer/context.h"
#include "store/clients.h"
#include "store/users.h"

#include <jeton/error.h>
#include <jeton/signer.h>
#include <jeton/time.h>

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jeton::issuer {

struct AccessTokenFacts {
  const store::User& user;
  std::string_view client_id;
  std::string sid;              // base64url
  std::int64_t generation = 0;  // of the session, when the token is made
  UnixTime auth_time{};
  std::string_view scope{};  // a list of words; empty: the claim is left out
};

// Makes tokens for those audiences, a list of words; an empty one means the issuer's usual audience. `algorithm` is the
// client's choice, empty the issuer's own. HS256 is for one audience alone, whose service holds the same secret.
// Nothing if there is no such key that may sign now, or the store cannot be asked whether there is.
boost::asio::awaitable<std::optional<Signer>> signer_for(const Context& context, std::string_view audiences,
                                                         std::string_view algorithm);
// The choice of the client of our own login: never HS256, which our own endpoints do not believe.
std::string_view algorithm_for_own_login(const store::Client& client);

// `expires_at` is what the store was told; the token says the same. Errors: those of Signer::sign_until, and
// malformed_json if the user's record holds no JSON object.
Result<std::string> make_access_token(const Signer& signer, const std::vector<std::string>& allowed_claims,
                                      const AccessTokenFacts& facts, UnixTime now, UnixTime expires_at);

struct ClientTokenFacts {
  const store::Client& client;
  std::string_view scope;
};

// A token that a client gets for itself: `sub` and `client_id` are its id, `ver` is its version.
Result<std::string> make_client_token(const Signer& signer, const std::vector<std::string>& allowed_claims,
                                      const ClientTokenFacts& facts, UnixTime now, UnixTime expires_at);

}  // namespace jeton::issuer
