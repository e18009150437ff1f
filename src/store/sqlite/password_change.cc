#include "store/sqlite/password_change.h"

#include "store/sqlite/audit.h"
#include "store/sqlite/event_outbox.h"
#include "store/sqlite/revocation_log.h"
#include "store/sqlite/session_rows.h"

namespace jeton::store::sqlite {
namespace {

const std::string kChangePassword =
    "UPDATE users SET password_hash = ?, security_epoch = security_epoch + 1, version = version + 1 WHERE sub = ?";
// Only a session that was live under the epoch before; any other would be revived.
const std::string kKeepSession =
    std::string{
        "UPDATE sessions SET security_epoch = security_epoch + 1"
        " WHERE id = jeton_session_key(?1) AND sid = ?1 AND user_id = (SELECT id FROM users WHERE sub = ?2) AND "} +
    live_session;

}  // namespace

bool replace_password(Connection& db, const std::string& sub, const std::string& hash, const std::optional<Sid>& keep) {
  // While the old epoch still stands, since it is what makes a session live.
  const auto until = access_tokens_until(db, sub);
  if (keep) revoke_live_sessions(db, sub, keep);
  end_live_sessions_of(db, sub, EndReason::password_changed, keep);
  if (keep) db.query(kKeepSession).blob(*keep).text(sub).run();
  if (db.query(kChangePassword).text(hash).text(sub).run() == 0) return false;
  // The client of the session that is kept is told to refresh, and not that it was signed out.
  revoke_versions(db, sub, keep ? RevocationReason::stale_claims : RevocationReason::revoked, until);
  append_audit(db, {.kind = "password_changed", .sub = sub, .sid = keep});
  append_event(db, {.kind = "user.password_changed", .sub = sub});
  return true;
}

}  // namespace jeton::store::sqlite
