// Records as JSON, as management over HTTP and the command line show them. Never a secret nor a hash of one.
#pragma once

#include "http/message.h"
#include "issuer/context.h"
#include "store/audit.h"
#include "store/clients.h"
#include "store/error.h"
#include "store/held_of_user.h"
#include "store/sessions.h"
#include "store/signing_keys.h"

#include <jeton/value.h>

#include <cstddef>
#include <expected>
#include <optional>
#include <string>

namespace jeton::issuer {

Value as_json(const store::User& user);
Value as_json(const store::Client& client);
Value as_json(const store::StoredKey& key);
Value as_json(const store::AuditEntry& entry);
Value as_json(const store::Session& session);
// Everything that is held of a user.
Value as_json(const store::HeldOfUser& held);

inline constexpr std::size_t page_rows_max = 200;

// Which part of a list: `?after=` the last one seen, `limit=` 1 to 200, 50 if it does not say.
struct Page {
  std::string after{};
  std::size_t limit = 50;
};
std::expected<Page, http::Response> page_of(const http::Request& request);

// Whom `/api/admin/users/{sub}` names. No path here is percent-encoded, and some subs of users that live elsewhere
// cannot stand in one as they are: those are named by `/api/admin/users/-?sub=`, and so before every further segment.
std::string sub_of(const http::Request& request);

// 400 where a claim is one that the issuer sets, or looks like a secret: what everybody could read, or what would
// change the meaning of a token, is refused and not left out, since whoever sends it believes that it arrives.
std::optional<http::Response> objection_to_claims(const Value& claims);

// 503, counted and logged.
http::Response management_failed(const Context& context, const store::Error& error);

}  // namespace jeton::issuer
