// The revocation log from the inside of other groups' transactions. Whatever ends sessions, raises a version or kills a
// key calls one of these in its own group: that is the outbox (design 4.5).
//
//   const auto until = access_tokens_until(db, sub);      // while the sessions are still live
//   end_live_sessions_of(db, sub, reason, std::nullopt);
//   db.query(kRaiseEpochs).text(sub).run();
//   revoke_versions(db, sub, RevocationReason::revoked, until);
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "store/revocations.h"
#include "store/sqlite/connection.h"

namespace jeton::store::sqlite {

// Takes the next number from feed_head and appends the entry; its number. 0, and nothing, if by the feed's time it has
// expired already. Latches a failure if it is not well-formed.
std::uint64_t append_revocation(Connection&, const Revocation&);

// All tokens of each live session of a user but `keep`. Call it before they are ended. For a change that keeps one: its
// client is to be told to refresh, the others that they are revoked.
void revoke_live_sessions(Connection&, std::string_view sub, const std::optional<Sid>& keep);

// All tokens of one session, which end at `access_expires_max` at the latest.
void revoke_session(Connection&, const Sid&, StoreTime access_expires_max);

// The tokens of one session below a generation: its client is told to refresh, and goes on.
void revoke_generations_below(Connection&, const Sid&, std::int64_t least, StoreTime access_expires_max);

// The latest `exp` of all access tokens of the user's sessions that have not ended, expired ones included; the epoch if
// there are none. Those that have ended were revoked when they did.
StoreTime access_tokens_until(Connection&, std::string_view sub);

// The tokens of a user below its present version; call it after that was raised. `until` as found before.
void revoke_versions(Connection&, std::string_view sub, RevocationReason, StoreTime until);

}  // namespace jeton::store::sqlite
