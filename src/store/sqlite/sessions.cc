#include "store/sqlite/aggregates.h"
#include "store/sqlite/audit.h"
#include "store/sqlite/revocation_log.h"
#include "store/sqlite/rotation.h"
#include "store/sqlite/session_rows.h"

#include <string>
#include <utility>

namespace jeton::store::sqlite {
namespace {

// Demands the security epoch that was read with the password hash: a password that was changed in between, or a user
// that was disabled, gets no session.
const std::string kSignIn =
    "INSERT INTO sessions(sid, user_id, key_id, client_id, scope, audience, delivery, security_epoch, auth_time,"
    " rotated_at, previous_rotated_at, idle_expires_at, absolute_expires_at, access_expires_max, user_agent, address)"
    " SELECT ?1, id, ?2, ?3, ?4, ?5, ?6, security_epoch, jeton_now_ms(), jeton_now_ms(), jeton_now_ms(),"
    " jeton_now_ms() + min(?7, ?8), jeton_now_ms() + ?8, ?9, ?10, ?11"
    " FROM users WHERE sub = ?12 AND security_epoch = ?13 AND disabled = 0";

const std::string kRaiseEpochs =
    "UPDATE users SET security_epoch = security_epoch + 1, version = version + 1 WHERE sub = ?";

// Sessions that ended or expired are forgotten after this long, and after their last access token. Until then an old
// token is told that its session has ended, afterwards that it is unknown; callers hear the same of both.
constexpr std::chrono::milliseconds forget_after = std::chrono::days{30};

// Each sign-in looks at the next few sessions in the order of their ids. Ids are hashes, so these are random ones: one
// row more, four looked at, keeps what is to be forgotten under a quarter of the table, with no index and no clean-up
// job.
const std::string kForget =
    "DELETE FROM sessions WHERE sid IN (SELECT sid FROM sessions WHERE sid > ?1 ORDER BY sid LIMIT 4)"
    " AND min(coalesce(ended_at, idle_expires_at), idle_expires_at) <= jeton_now_ms() - ?2"
    " AND access_expires_max <= jeton_now_ms() - ?2";

void forget_some_sessions(Connection& db, const Sid& after) {
  db.query(kForget).blob(after).integer(forget_after.count()).run();
}

SignInOutcome sign_in(Connection& db, const SignIn& request) {
  auto insert = db.query(kSignIn);
  insert.blob(request.sid).integer(request.key_id).text(request.client_id).text(request.scope).text(request.audience);
  insert.integer(static_cast<std::int64_t>(request.delivery));
  insert.integer(bounded(request.idle)).integer(bounded(request.absolute)).time(request.access_expires_at);
  insert.text_or_null(short_user_agent(request.user_agent));
  if (const auto address = packed_address(request.address); address.empty()) {
    insert.null();
  } else {
    insert.blob(address);
  }
  insert.text(request.sub).integer(request.security_epoch);
  if (insert.run() == 0) return SignInOutcome::refused;
  append_audit(db, {.kind = "signed_in", .sub = request.sub, .sid = request.sid, .detail = request.client_id});
  forget_some_sessions(db, request.sid);
  return SignInOutcome::signed_in;
}

bool end_session(Connection& db, const Sid& sid, EndReason reason) {
  if (!end_live_session(db, sid, reason)) return false;
  const auto row = read_session(db, sid);
  if (row) revoke_session(db, sid, row->session.access_expires_max);
  append_audit(db, {.kind = "session_ended",
                    .sub = row ? std::string_view{row->session.sub} : std::string_view{},
                    .sid = sid,
                    .detail = to_text(reason)});
  return true;
}

std::int64_t end_all_sessions(Connection& db, const std::string& sub, EndReason reason) {
  const auto until = access_tokens_until(db, sub);
  const auto ended = end_live_sessions_of(db, sub, reason, std::nullopt);
  if (db.query(kRaiseEpochs).text(sub).run() == 1) {
    revoke_versions(db, sub, RevocationReason::revoked, until);
    append_audit(db, {.kind = "all_sessions_ended", .sub = sub, .detail = to_text(reason)});
  }
  return ended;
}

std::optional<Session> find_session(Connection& db, const Sid& sid) {
  auto row = read_session(db, sid);
  if (!row) return std::nullopt;
  return std::move(row->session);
}

}  // namespace

void SqliteSessions::sign_in(SignIn request, Completion<SignInOutcome> done) {
  lanes_.write<SignInOutcome>([request = std::move(request)](Connection& db) { return sqlite::sign_in(db, request); },
                              std::move(done));
}

void SqliteSessions::rotate(RotateRequest request, Completion<Rotation> done) {
  lanes_.write<Rotation>([request = std::move(request)](Connection& db) { return sqlite::rotate(db, request); },
                         std::move(done));
}

void SqliteSessions::end_session(Sid sid, EndReason reason, Completion<bool> done) {
  lanes_.write<bool>([sid, reason](Connection& db) { return sqlite::end_session(db, sid, reason); }, std::move(done));
}

void SqliteSessions::end_all_sessions(std::string sub, EndReason reason, Completion<std::int64_t> done) {
  lanes_.write<std::int64_t>(
      [sub = std::move(sub), reason](Connection& db) { return sqlite::end_all_sessions(db, sub, reason); },
      std::move(done));
}

void SqliteSessions::find_session(Sid sid, Completion<std::optional<Session>> done) {
  lanes_.read<std::optional<Session>>([sid](Connection& db) { return sqlite::find_session(db, sid); }, std::move(done));
}

}  // namespace jeton::store::sqlite
