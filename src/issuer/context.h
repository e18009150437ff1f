// Context: what every endpoint of the issuer works with. It belongs to the Issuer and outlives every request.
#pragma once

#include "issuer/browser/refresh_cookie.h"
#include "issuer/foundation.h"
#include "issuer/keyring.h"
#include "issuer/limits/attempt_limits.h"
#include "issuer/metrics.h"
#include "issuer/oauth/client_directory.h"
#include "issuer/oauth/own_tokens.h"
#include "issuer/password_pool.h"
#include "issuer/rules.h"
#include "platform/clock.h"
#include "platform/place_file.h"
#include "store/store.h"

#include <jeton/token_cache.h>

#include <memory>
#include <optional>
#include <string>

namespace jeton::issuer {

class FeedHub;

struct Context {
  store::Store& store;
  const platform::ClockSource& clock;
  const Replaceable<Rules>& rules;
  const Foundation& foundation;
  Keyring& keyring;
  TokenCache& tokens;
  PasswordPool& passwords;
  // A hash of no password, of today's cost: what an unknown user's password is compared with, so that both take as
  // long.
  const Replaceable<std::string>& decoy_hash;
  Metrics& metrics;
  const RefreshCookie& refresh_cookie;
  ClientDirectory& clients;
  OwnTokens& own_tokens;
  const platform::PlaceFile* places = nullptr;  // none is configured
  AttemptLimits& limits;
  const std::optional<std::string>& mail_link_base;  // where links in mails lead; nothing: no mail is sent
  FeedHub& feed;
};

}  // namespace jeton::issuer
