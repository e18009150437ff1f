#include "store/sqlite/rotation.h"

#include "store/rotation_rule.h"
#include "store/sqlite/audit.h"
#include "store/sqlite/event_outbox.h"
#include "store/sqlite/history_rows.h"
#include "store/sqlite/revocation_log.h"
#include "store/sqlite/session_rows.h"

#include <jeton/value.h>

#include <sqlite3.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace jeton::store::sqlite {
namespace {

// The one statement that decides every race. A key equal to the stored one does not rotate: a constant key would let a
// thief walk in lockstep with the client. With ?13 it rotates for a device alone that looks like the last one; any
// other is judged first, and then rotated by the same statement without that condition: what is compared changes with
// the generation only, so what was judged is what is rotated.
const std::string kRotate =
    std::string{
        "UPDATE sessions SET generation = generation + 1, key_id = ?1, idempotency_key = ?2,"
        " previous_rotated_at = rotated_at, rotated_at = jeton_now_ms(),"
        " idle_expires_at = min(jeton_now_ms() + ?3, absolute_expires_at),"
        " access_expires_max = max(access_expires_max, ?4),"
        " first_address = CASE WHEN first_address IS NULL AND ?6 IS NOT address THEN address ELSE first_address END,"
        " user_agent = coalesce(?5, user_agent), address = coalesce(?6, address),"
        " fingerprint = coalesce(?12, fingerprint), repeats = 0, repeated_at = NULL"
        " WHERE id = jeton_session_key(?7) AND sid = ?7 AND generation = ?8 AND generation < 4294967295 AND client_id "
        "= ?9 AND delivery = ?11"
        " AND jeton_scope_within(?10, scope)"
        " AND (idempotency_key IS NULL OR idempotency_key IS NOT ?2)"
        " AND (NOT ?13 OR (user_agent IS ?5 AND (?6 IS NULL OR address IS ?6)"
        " AND (fingerprint IS NULL OR fingerprint IS ?12))) AND "} +
    live_session;

// What that has changed, with what it knows of its user. A statement of its own: RETURNING would make a table of its
// rows first, which costs more than to find the row again.
const std::string kReadRotated =
    std::string{"SELECT "} + session_columns +
    ", owner_sub, owner_email, owner_version, owner_epoch, owner_claims, user_id FROM sessions"
    " WHERE id = jeton_session_key(?1) AND sid = ?1";
constexpr int owner_column = session_columns_count;

// Of a user whose claims are too long to be kept with the session.
const std::string kReadClaims = "SELECT claims FROM users WHERE id = ?";

const std::string kRepeat =
    std::string{
        "UPDATE sessions SET access_expires_max = max(access_expires_max, ?1), repeats = repeats + 1,"
        " repeated_at = jeton_now_ms()"
        " WHERE id = jeton_session_key(?2) AND sid = ?2 AND generation = ?3 AND "} +
    live_session;

// Suspicion is told once a generation, however often somebody knocks.
const std::string kMarkSuspected =
    std::string{
        "UPDATE sessions SET suspected_generation = generation"
        " WHERE id = jeton_session_key(?1) AND sid = ?1 AND generation = ?2 AND suspected_generation IS NOT generation "
        "AND "} +
    live_session;

enum class Devices : std::uint8_t { alike, any };

std::string claims_of(Connection& db, std::int64_t user_id) {
  auto row = db.query(kReadClaims);
  row.integer(user_id);
  return row.step() ? row.text_at(0) : std::string{};
}

Rotation rotated(Connection& db, const Sid& sid) {
  auto row = db.query(kReadRotated);
  row.blob(sid);
  if (!row.step()) return {RotateOutcome::unknown, {}, {}};
  Rotation done{RotateOutcome::rotated, session_at(row, sid), {}};
  done.user.sub = row.text_at(owner_column);
  done.user.email = row.text_at(owner_column + 1);
  done.user.version = row.integer_at(owner_column + 2);
  done.user.security_epoch = row.integer_at(owner_column + 3);
  done.user.claims_json =
      row.null_at(owner_column + 4) ? claims_of(db, row.integer_at(owner_column + 5)) : row.text_at(owner_column + 4);
  done.session.sub = done.user.sub;
  return done;
}

bool rotate_if_current(Connection& db, const RotateRequest& request, Devices devices) {
  auto update = db.query(kRotate);
  update.integer(request.key_id).digest(request.idempotency_key).integer(bounded(request.idle));
  update.time(request.access_expires_at).text_or_null(short_user_agent(request.user_agent));
  update.blob_or_null(packed_address(request.address));
  update.blob(request.sid).integer(request.generation).text(request.client_id).text(request.scope);
  update.integer(static_cast<std::int64_t>(request.delivery));
  if (request.fingerprint) {
    update.blob(*request.fingerprint);
  } else {
    update.null();
  }
  update.integer(devices == Devices::alike ? 1 : 0);
  return update.run() == 1;
}

// The same current token again. The condition repeats what `judge` saw, so that this too is one conditional UPDATE.
void repeat(Connection& db, const RotateRequest& request, std::int64_t stored_generation) {
  const auto changed =
      db.query(kRepeat).time(request.access_expires_at).blob(request.sid).integer(stored_generation).run();
  if (changed != 1) db.fail(SQLITE_CORRUPT, "a live session could not be repeated");
}

void end_because(Connection& db, const SessionRow& row, EndReason reason, std::string_view kind,
                 std::string_view detail) {
  if (!end_live_session(db, row.session.sid, reason)) db.fail(SQLITE_CORRUPT, "a live session could not be ended");
  revoke_session(db, row.session.sid, row.session.access_expires_max);
  append_audit(db, {.kind = kind, .sub = row.session.sub, .sid = row.session.sid, .detail = detail});
}

// What the operator reads of somebody who presented a token that he should not have.
std::string presenter(const RotateRequest& request, const SessionRow& row) {
  Value detail = Value::object();
  detail.set("presented", request.generation);
  detail.set("stored", row.session.generation);
  if (!request.address.empty()) detail.set("address", request.address);
  if (!request.user_agent.empty()) detail.set("agent", short_user_agent(request.user_agent));
  return detail.to_json();
}

const std::string kCutTokens =
    "UPDATE sessions SET least_generation = generation + 1 WHERE id = jeton_session_key(?1) AND sid = ?1";

// Whoever should not have the refresh token may have an access token too. The owner's client refreshes and goes on.
void cut_access_tokens(Connection& db, const SessionRow& row) {
  db.query(kCutTokens).blob(row.session.sid).run();
  revoke_generations_below(db, row.session.sid, row.session.generation + 1, row.session.access_expires_max);
}

// One line in the audit and one event, in the first place that this generation gives rise to it; true in that case.
bool tell_suspicion(Connection& db, const RotateRequest& request, const SessionRow& row, const Suspicion& suspicion,
                    std::string_view action) {
  const auto marked = db.query(kMarkSuspected).blob(row.session.sid).integer(row.session.generation).run();
  if (marked == 0) return false;
  Value detail = Value::object();
  detail.set("score", static_cast<std::int64_t>(suspicion.score));
  detail.set("signs", suspicion.signs());
  detail.set("action", action);
  if (!request.address.empty()) detail.set("address", request.address);
  if (!request.user_agent.empty()) detail.set("agent", short_user_agent(request.user_agent));
  const std::string text = detail.to_json();
  append_audit(db, {.kind = "session_suspected", .sub = row.session.sub, .sid = row.session.sid, .detail = text});
  append_event(db, {.kind = "session.suspected", .sub = row.session.sub, .sid = row.session.sid, .detail = text});
  return true;
}

// What the rules of suspicion say of whoever is about to be given a token; nothing if he may have it.
std::optional<RotateOutcome> hold_back(Connection& db, const RotateRequest& request, const SessionRow& row,
                                       const Suspicion& suspicion) {
  switch (suspicion.action) {
    case SuspicionAction::none:
    case SuspicionAction::log: return std::nullopt;
    case SuspicionAction::notify: tell_suspicion(db, request, row, suspicion, "notify"); return std::nullopt;
    case SuspicionAction::login:
      if (tell_suspicion(db, request, row, suspicion, "login")) cut_access_tokens(db, row);
      return RotateOutcome::login_demanded;
    case SuspicionAction::end:
      tell_suspicion(db, request, row, suspicion, "end");
      end_because(db, row, EndReason::suspicion, "session_ended", to_text(EndReason::suspicion));
      return RotateOutcome::suspected;
  }
  std::unreachable();
}

Suspicion suspicion_of(const RotateRequest& request, const SessionRow& row, bool repeats) {
  const auto address = packed_address(request.address);
  return suspect({row.session.user_agent, row.address, row.fingerprint}, row.first_address,
                 {short_user_agent(request.user_agent), address, request.fingerprint}, repeats, request.suspicion);
}

struct Judged {
  RotateOutcome outcome;
  Suspicion suspicion{};
};

// The token is good; only its presenter has to be looked at.
Judged give(Connection& db, const RotateRequest& request, const SessionRow& row, Verdict verdict) {
  const Suspicion suspicion = suspicion_of(request, row, verdict == Verdict::repeat);
  if (const auto held = hold_back(db, request, row, suspicion)) return {*held, suspicion};
  if (verdict == Verdict::repeat) {
    repeat(db, request, row.session.generation);
    return {RotateOutcome::repeated, suspicion};
  }
  if (!rotate_if_current(db, request, Devices::any)) db.fail(SQLITE_CORRUPT, "a session that could rotate did not");
  return {RotateOutcome::rotated, suspicion};
}

// Does what the verdict demands and names the outcome. After this the row is read again.
Judged carry_out(Connection& db, const RotateRequest& request, const SessionRow& row, Verdict verdict) {
  switch (verdict) {
    case Verdict::ended: return {RotateOutcome::ended};
    case Verdict::other_client: return {RotateOutcome::other_client};
    case Verdict::other_delivery: return {RotateOutcome::other_delivery};
    case Verdict::wider_scope: return {RotateOutcome::wider_scope};
    case Verdict::key_reused: return {RotateOutcome::key_reused};
    case Verdict::superseded: return {RotateOutcome::superseded};
    case Verdict::repeat:
    case Verdict::rotate: return give(db, request, row, verdict);
    case Verdict::exhausted:
      end_because(db, row, EndReason::expired, "session_ended", to_text(EndReason::expired));
      return {RotateOutcome::ended};
    case Verdict::reuse:
      end_because(db, row, EndReason::reuse, "refresh_token_reused", presenter(request, row));
      return {RotateOutcome::reused};
    case Verdict::went_back:
      end_because(db, row, EndReason::store_went_back, "store_went_back", presenter(request, row));
      note_gone_back(db, "a refresh token is ahead of its session");
      return {RotateOutcome::went_back};
  }
  std::unreachable();
}

Rotation describe(Connection& db, const Sid& sid, const Judged& judged) {
  auto row = read_session(db, sid);
  if (!row) return {RotateOutcome::unknown, {}, {}};
  return {judged.outcome, std::move(row->session), std::move(row->user).value_or(User{}), judged.suspicion};
}

}  // namespace

Rotation rotate(Connection& db, const RotateRequest& request) {
  const auto devices = request.suspicion.any() ? Devices::alike : Devices::any;
  if (rotate_if_current(db, request, devices)) return rotated(db, request.sid);
  const auto row = read_session(db, request.sid);
  if (!row) return {RotateOutcome::unknown, {}, {}};
  const auto verdict = judge(row->facts(), request, db.now());
  return describe(db, request.sid, carry_out(db, request, *row, verdict));
}

}  // namespace jeton::store::sqlite
