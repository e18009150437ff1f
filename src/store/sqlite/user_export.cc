// All that is held of one user, and its erasure.
#include "store/sqlite/aggregates.h"
#include "store/sqlite/audit.h"
#include "store/sqlite/event_outbox.h"
#include "store/sqlite/revocation_log.h"
#include "store/sqlite/session_rows.h"
#include "store/sqlite/user_rows.h"

#include <arpa/inet.h>

#include <algorithm>
#include <string>
#include <utility>

namespace jeton::store::sqlite {
namespace {

const std::string kUser = std::string{"SELECT users.home, "} + user_columns + " FROM users WHERE sub = ?";
const std::string kSessions =
    "SELECT sid, client_id, scope, audience, generation, auth_time, rotated_at, idle_expires_at, absolute_expires_at,"
    " user_agent, address, ended_at, end_reason FROM sessions"
    " WHERE user_id = (SELECT id FROM users WHERE sub = ?) ORDER BY auth_time, sid";
const std::string kAudit = "SELECT at, kind, detail FROM audit WHERE sub = ? ORDER BY id";
const std::string kForgetInOutbox = "DELETE FROM outbox WHERE sub = ?";
const std::string kForgetSessions = "DELETE FROM sessions WHERE user_id = (SELECT id FROM users WHERE sub = ?)";
const std::string kForgetUser = "DELETE FROM users WHERE sub = ?";

std::string address_text(std::span<const std::byte> packed) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (packed.size() != 4 && packed.size() != 16) return {};
  ::inet_ntop(packed.size() == 4 ? AF_INET : AF_INET6, packed.data(), text.data(), text.size());
  return text.data();
}

HeldSession session_at(const Statement& row) {
  HeldSession held;
  held.session.sid = row.bytes_at<16>(0);
  held.session.client_id = row.text_at(1);
  held.session.scope = row.text_at(2);
  held.session.audience = row.text_at(3);
  held.session.generation = row.integer_at(4);
  held.session.auth_time = row.time_at(5);
  held.session.rotated_at = row.time_at(6);
  held.session.idle_expires_at = row.time_at(7);
  held.session.absolute_expires_at = row.time_at(8);
  held.user_agent = row.text_at(9);
  held.address = address_text(row.blob_at(10));
  if (!row.null_at(11)) {
    held.session.ended_at = row.time_at(11);
    held.end_reason = to_text(static_cast<EndReason>(
        std::clamp<std::int64_t>(row.integer_at(12), 0, static_cast<std::int64_t>(end_reason_last))));
  }
  return held;
}

std::optional<HeldOfUser> read_all(Connection& db, const std::string& sub) {
  HeldOfUser held;
  {
    auto row = db.query(kUser);
    row.text(sub);
    if (!row.step()) return std::nullopt;
    held.home = row.text_at(0);
    held.user = user_at(row, 1);
  }
  {
    auto row = db.query(kSessions);
    row.text(sub);
    while (row.step()) held.sessions.push_back(session_at(row));
  }
  auto row = db.query(kAudit);
  row.text(sub);
  while (row.step()) held.audit.push_back({.at = row.time_at(0), .kind = row.text_at(1), .detail = row.text_at(2)});
  return held;
}

// "All of sub" first (design 4.5): a verifier must not meet a token of somebody of whom nothing is known any more.
bool erase(Connection& db, const std::string& sub) {
  const auto until = access_tokens_until(db, sub);
  {
    auto row = db.query(kUser);
    row.text(sub);
    if (!row.step()) return false;
  }
  append_revocation(db, {.kind = RevocationKind::subject,
                         .reason = RevocationReason::revoked,
                         .subject = sub,
                         .expires_at = revocation_expiry(until)});
  // An entry of the audit stays as a fact in the chain; whom it was about is forgotten.
  erase_audit_of(db, sub);
  db.query(kForgetInOutbox).text(sub).run();
  // What waits afterwards says that they are gone, for systems that hold something of theirs too.
  end_live_sessions_of(db, sub, EndReason::user_erased, std::nullopt);
  append_event(db, {.kind = "user.erased", .sub = sub});
  for (const auto* sql : {&kForgetSessions, &kForgetUser}) db.query(*sql).text(sub).run();
  db.ask_for_cut();
  append_audit(db, {.kind = "user_erased"});
  return true;
}

}  // namespace

void SqliteUsers::read_all_of_user(std::string sub, Completion<std::optional<HeldOfUser>> done) {
  // In the writer's transaction: its statements see one moment.
  lanes_.write<std::optional<HeldOfUser>>([sub = std::move(sub)](Connection& db) { return read_all(db, sub); },
                                          std::move(done));
}

void SqliteUsers::erase_user(std::string sub, Completion<bool> done, Actor by) {
  lanes_.write<bool>(
      [sub = std::move(sub), by = std::move(by)](Connection& db) {
        const ActingAs acting(db, by);
        return erase(db, sub);
      },
      std::move(done));
}

}  // namespace jeton::store::sqlite
