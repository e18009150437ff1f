#include "store/sqlite/rotation.h"

#include "store/rotation_rule.h"
#include "store/sqlite/audit.h"
#include "store/sqlite/event_outbox.h"
#include "store/sqlite/revocation_log.h"
#include "store/sqlite/session_rows.h"

#include <sqlite3.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace jeton::store::sqlite {
namespace {

// The one statement that decides every race. A key equal to the stored one does not rotate: a constant key would let a
// thief walk in lockstep with the client.
const std::string kRotate =
    std::string{
        "UPDATE sessions SET generation = generation + 1, key_id = ?1, idempotency_key = ?2,"
        " previous_rotated_at = rotated_at, rotated_at = jeton_now_ms(),"
        " idle_expires_at = min(jeton_now_ms() + ?3, absolute_expires_at),"
        " access_expires_max = max(access_expires_max, ?4),"
        " user_agent = coalesce(?5, user_agent), address = coalesce(?6, address)"
        " WHERE sid = ?7 AND generation = ?8 AND generation < 4294967295 AND client_id = ?9 AND delivery = ?11"
        " AND jeton_scope_within(?10, scope)"
        " AND (idempotency_key IS NULL OR idempotency_key IS NOT ?2) AND "} +
    live_session;

const std::string kRepeat =
    std::string{
        "UPDATE sessions SET access_expires_max = max(access_expires_max, ?)"
        " WHERE sid = ? AND generation = ? AND "} +
    live_session;

bool rotate_if_current(Connection& db, const RotateRequest& request) {
  auto update = db.query(kRotate);
  update.integer(request.key_id).digest(request.idempotency_key).integer(bounded(request.idle));
  update.time(request.access_expires_at).text_or_null(short_user_agent(request.user_agent));
  if (const auto address = packed_address(request.address); address.empty()) {
    update.null();
  } else {
    update.blob(address);
  }
  update.blob(request.sid).integer(request.generation).text(request.client_id).text(request.scope);
  update.integer(static_cast<std::int64_t>(request.delivery));
  return update.run() == 1;
}

// The same current token again. The condition repeats what `judge` saw, so that this too is one conditional UPDATE.
void repeat(Connection& db, const RotateRequest& request, std::int64_t stored_generation) {
  const auto changed =
      db.query(kRepeat).time(request.access_expires_at).blob(request.sid).integer(stored_generation).run();
  if (changed != 1) db.fail(SQLITE_CORRUPT, "a live session could not be repeated");
}

void end_because(Connection& db, const SessionRow& row, EndReason reason, std::string_view kind) {
  if (!end_live_session(db, row.session.sid, reason)) db.fail(SQLITE_CORRUPT, "a live session could not be ended");
  revoke_session(db, row.session.sid, row.session.access_expires_max);
  append_audit(db, {.kind = kind, .sub = row.session.sub, .sid = row.session.sid, .detail = to_text(reason)});
  append_event(db, {.kind = "session.ended",
                    .sub = row.session.sub,
                    .sid = row.session.sid,
                    .detail = R"({"reason":")" + std::string(to_text(reason)) + R"("})"});
}

// Does what the verdict demands and names the outcome. After this the row is read again.
RotateOutcome carry_out(Connection& db, const RotateRequest& request, const SessionRow& row, Verdict verdict) {
  switch (verdict) {
    case Verdict::ended: return RotateOutcome::ended;
    case Verdict::other_client: return RotateOutcome::other_client;
    case Verdict::other_delivery: return RotateOutcome::other_delivery;
    case Verdict::wider_scope: return RotateOutcome::wider_scope;
    case Verdict::key_reused: return RotateOutcome::key_reused;
    case Verdict::superseded: return RotateOutcome::superseded;
    case Verdict::repeat: repeat(db, request, row.session.generation); return RotateOutcome::repeated;
    case Verdict::exhausted: end_because(db, row, EndReason::expired, "session_ended"); return RotateOutcome::ended;
    case Verdict::reuse: end_because(db, row, EndReason::reuse, "refresh_token_reused"); return RotateOutcome::reused;
    case Verdict::went_back:
      end_because(db, row, EndReason::store_went_back, "store_went_back");
      return RotateOutcome::went_back;
    case Verdict::rotate: db.fail(SQLITE_CORRUPT, "a session that could rotate did not"); return RotateOutcome::unknown;
  }
  std::unreachable();
}

Rotation describe(Connection& db, const Sid& sid, RotateOutcome outcome) {
  auto row = read_session(db, sid);
  if (!row) return {RotateOutcome::unknown, {}, {}};
  return {outcome, std::move(row->session), std::move(row->user).value_or(User{})};
}

}  // namespace

Rotation rotate(Connection& db, const RotateRequest& request) {
  if (rotate_if_current(db, request)) return describe(db, request.sid, RotateOutcome::rotated);
  const auto row = read_session(db, request.sid);
  if (!row) return {RotateOutcome::unknown, {}, {}};
  const auto verdict = judge(row->facts(), request, db.now());
  const auto outcome = carry_out(db, request, *row, verdict);
  return describe(db, request.sid, outcome);
}

}  // namespace jeton::store::sqlite
