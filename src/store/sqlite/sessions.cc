#include "store/sqlite/aggregates.h"
#include "store/sqlite/audit.h"
#include "store/sqlite/event_outbox.h"
#include "store/sqlite/revocation_log.h"
#include "store/sqlite/rotation.h"
#include "store/sqlite/session_rows.h"

#include <string>
#include <utility>
#include <vector>

namespace jeton::store::sqlite {
namespace {

// Demands the security epoch that was read with the password hash: a password that was changed in between, or a user
// that was disabled, gets no session.
const std::string kSignIn =
    "INSERT INTO sessions(id, sid, user_id, key_id, client_id, scope, audience, delivery, security_epoch, auth_time,"
    " rotated_at, previous_rotated_at, idle_expires_at, absolute_expires_at, access_expires_max, user_agent, address, "
    "fingerprint, owner_epoch, owner_version, owner_sub, owner_email, owner_claims)"
    " SELECT jeton_session_key(?1), ?1, id, ?2, ?3, ?4, ?5, ?6, security_epoch, jeton_now_ms(), jeton_now_ms(), "
    "jeton_now_ms(),"
    " jeton_now_ms() + min(?7, ?8), jeton_now_ms() + ?8, ?9, ?10, ?11, ?14, security_epoch, version, sub, email,"
    " CASE WHEN length(CAST(claims AS BLOB)) <= 256 THEN claims END"
    " FROM users WHERE sub = ?12 AND security_epoch = ?13 AND disabled = 0";

// A device that is new, as far as sessions tell: none of the user's that has not ended has this user agent.
const std::string kSameAgent =
    "SELECT EXISTS(SELECT 1 FROM sessions WHERE user_id = (SELECT id FROM users WHERE sub = ?) AND ended_at IS NULL"
    " AND user_agent IS ? AND sid IS NOT ?)";

const std::string kRaiseEpochs =
    "UPDATE users SET security_epoch = security_epoch + 1, version = version + 1 WHERE sub = ?";

// The longest unused first.
const std::string kLiveSids =
    std::string{"SELECT sid FROM sessions WHERE user_id = (SELECT id FROM users WHERE sub = ?) AND sid IS NOT ? AND "} +
    live_session + " ORDER BY rotated_at, sid";

const std::string kEvents = "SELECT at, kind, detail FROM audit WHERE sid = ? ORDER BY id LIMIT ?";

// Sessions that ended or expired are forgotten after this long, and after their last access token. Until then an old
// token is told that its session has ended, afterwards that it is unknown; callers hear the same of both.
constexpr std::chrono::milliseconds forget_after = std::chrono::days{30};

// Each sign-in looks at the next few sessions in the order of their keys. Those are as hashes, so these are random: one
// row more, four looked at, keeps what is to be forgotten under a quarter of the table, with no index and no clean-up
// job.
const std::string kForget =
    "DELETE FROM sessions WHERE id IN"
    " (SELECT id FROM sessions WHERE id > jeton_session_key(?1) ORDER BY id LIMIT 4)"
    " AND min(coalesce(ended_at, idle_expires_at), idle_expires_at) <= jeton_now_ms() - ?2"
    " AND access_expires_max <= jeton_now_ms() - ?2";

void forget_some_sessions(Connection& db, const Sid& after) {
  db.query(kForget).blob(after).integer(forget_after.count()).run();
}

std::vector<Sid> live_sids_of(Connection& db, const std::string& sub, const std::optional<Sid>& but) {
  std::vector<Sid> found;
  auto rows = db.query(kLiveSids);
  rows.text(sub);
  if (but) {
    rows.blob(*but);
  } else {
    rows.null();
  }
  while (rows.step()) found.push_back(rows.bytes_at<16>(0));
  return found;
}

bool end_session(Connection& db, const Sid& sid, EndReason reason);

// The writer's transaction is the only one, so two sign-ins at once are counted one after the other.
bool is_full(Connection& db, const SignIn& request) {
  return request.sessions_max != 0 && request.at_cap == AtCap::new_is_refused &&
         live_sids_of(db, request.sub, std::nullopt).size() >= request.sessions_max;
}

// After the new session has begun: one that was refused ends no other.
void end_oldest_beyond_cap(Connection& db, const SignIn& request) {
  if (request.sessions_max == 0) return;
  const auto others = live_sids_of(db, request.sub, request.sid);
  for (std::size_t i = 0; i + request.sessions_max < others.size() + 1; ++i)
    end_session(db, others[i], EndReason::session_cap);
}

bool signs_in_elsewhere_alike(Connection& db, const SignIn& request) {
  auto row = db.query(kSameAgent);
  row.text(request.sub).text_or_null(short_user_agent(request.user_agent)).blob(request.sid);
  return row.step() && row.integer_at(0) != 0;
}

SignInOutcome sign_in(Connection& db, const SignIn& request) {
  if (is_full(db, request)) return SignInOutcome::too_many;
  auto insert = db.query(kSignIn);
  insert.blob(request.sid).integer(request.key_id).text(request.client_id).text(request.scope).text(request.audience);
  insert.integer(static_cast<std::int64_t>(request.delivery));
  insert.integer(bounded(request.idle)).integer(bounded(request.absolute)).time(request.access_expires_at);
  insert.text_or_null(short_user_agent(request.user_agent));
  insert.blob_or_null(packed_address(request.address));
  insert.text(request.sub).integer(request.security_epoch);
  if (request.fingerprint) {
    insert.blob(*request.fingerprint);
  } else {
    insert.null();
  }
  if (insert.run() == 0) return SignInOutcome::refused;
  append_audit(db, {.kind = "signed_in",
                    .sub = request.sub,
                    .sid = request.sid,
                    .detail = request.client_id,
                    .address = request.address,
                    .user_agent = short_user_agent(request.user_agent)});
  end_oldest_beyond_cap(db, request);
  if (events_wanted(db)) {
    const bool is_new = !signs_in_elsewhere_alike(db, request);
    append_event(db, {.kind = "session.started",
                      .sub = request.sub,
                      .sid = request.sid,
                      .detail = is_new ? R"({"newDevice":true})" : R"({"newDevice":false})"});
  }
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

bool end_own_session(Connection& db, const std::string& sub, const Sid& sid, EndReason reason) {
  const auto row = read_session(db, sid);
  return row && row->session.sub == sub && end_session(db, sid, reason);
}

// One line in the audit for each, so that each has its story.
std::int64_t end_other_sessions(Connection& db, const std::string& sub, const Sid& keep, EndReason reason) {
  std::int64_t ended = 0;
  for (const Sid& sid : live_sids_of(db, sub, keep)) ended += end_session(db, sid, reason) ? 1 : 0;
  return ended;
}

SessionStory story_of(Connection& db, const Sid& sid) {
  SessionStory story;
  if (auto row = read_session(db, sid)) {
    story.live = row->live;
    if (row->user) story.email = row->user->email;
    story.session = std::move(row->session);
  }
  auto event = db.query(kEvents);
  event.blob(sid).integer(story_events_max);
  while (event.step())
    story.events.push_back({event.time_at(0), event.text_at(1), event.null_at(2) ? std::string{} : event.text_at(2)});
  return story;
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

void SqliteSessions::end_session(Sid sid, EndReason reason, Completion<bool> done, Actor by) {
  lanes_.write<bool>(
      [sid, reason, by = std::move(by)](Connection& db) {
        const ActingAs acting(db, by);
        return sqlite::end_session(db, sid, reason);
      },
      std::move(done));
}

void SqliteSessions::end_all_sessions(std::string sub, EndReason reason, Completion<std::int64_t> done, Actor by) {
  lanes_.write<std::int64_t>(
      [sub = std::move(sub), reason, by = std::move(by)](Connection& db) {
        const ActingAs acting(db, by);
        return sqlite::end_all_sessions(db, sub, reason);
      },
      std::move(done));
}

void SqliteSessions::story_of(Sid sid, Completion<SessionStory> done) {
  lanes_.read<SessionStory>([sid](Connection& db) { return sqlite::story_of(db, sid); }, std::move(done));
}

void SqliteSessions::live_sessions_of(std::string sub, Completion<std::vector<Session>> done) {
  lanes_.read<std::vector<Session>>(
      [sub = std::move(sub)](Connection& db) { return read_live_sessions(db, sub, live_sessions_listed_max); },
      std::move(done));
}

void SqliteSessions::end_own_session(std::string sub, Sid sid, EndReason reason, Completion<bool> done, Actor by) {
  lanes_.write<bool>(
      [sub = std::move(sub), sid, reason, by = std::move(by)](Connection& db) {
        const ActingAs acting(db, by);
        return sqlite::end_own_session(db, sub, sid, reason);
      },
      std::move(done));
}

void SqliteSessions::end_other_sessions(std::string sub, Sid keep, EndReason reason, Completion<std::int64_t> done,
                                        Actor by) {
  lanes_.write<std::int64_t>(
      [sub = std::move(sub), keep, reason, by = std::move(by)](Connection& db) {
        const ActingAs acting(db, by);
        return sqlite::end_other_sessions(db, sub, keep, reason);
      },
      std::move(done));
}

void SqliteSessions::find_session(Sid sid, Completion<std::optional<Session>> done) {
  lanes_.read<std::optional<Session>>([sid](Connection& db) { return sqlite::find_session(db, sid); }, std::move(done));
}

}  // namespace jeton::store::sqlite
