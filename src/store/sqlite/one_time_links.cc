#include "store/one_time_links.h"

#include "store/sqlite/aggregates.h"
#include "store/sqlite/audit.h"
#include "store/sqlite/event_outbox.h"
#include "store/sqlite/password_change.h"

#include <string>
#include <utility>

namespace jeton::store::sqlite {
namespace {

const std::string kFindUser =
    "SELECT id, sub, email_verified_at IS NOT NULL FROM users WHERE email_key = ? AND disabled = 0";
// One row for each user and purpose: a newer link takes the place of the older, and nothing piles up.
const std::string kMake =
    "INSERT INTO one_time_links(user_id, purpose, secret_hash, email_key, security_epoch, created_at, expires_at)"
    " SELECT id, ?1, ?2, email_key, security_epoch, jeton_now_ms(), jeton_now_ms() + ?3 FROM users WHERE id = ?4"
    " ON CONFLICT(user_id, purpose) DO UPDATE SET secret_hash = excluded.secret_hash, email_key = excluded.email_key,"
    " security_epoch = excluded.security_epoch, created_at = excluded.created_at, expires_at = excluded.expires_at"
    " WHERE one_time_links.created_at + ?5 <= excluded.created_at OR one_time_links.created_at > excluded.created_at";
// The address is still the user's, the user is enabled, and no password was set since.
const std::string kGood =
    " FROM users WHERE users.id = one_time_links.user_id AND users.email_key = one_time_links.email_key"
    " AND users.disabled = 0 AND (one_time_links.purpose <> 1 OR users.security_epoch = one_time_links.security_epoch)";
const std::string kFind = "SELECT (SELECT users.sub" + kGood +
                          ") FROM one_time_links WHERE secret_hash = ? AND purpose = ? AND jeton_now_ms() < expires_at";
// Deleting is what makes it single use: of two at once one finds a row.
const std::string kUse =
    "DELETE FROM one_time_links WHERE secret_hash = ? AND purpose = ? AND jeton_now_ms() < expires_at"
    " RETURNING (SELECT users.sub" +
    kGood + ")";
const std::string kVerify =
    "UPDATE users SET email_verified_at = coalesce(email_verified_at, jeton_now_ms()) WHERE sub = ?";

LinkOutcome make_link(Connection& db, const NewLink& link) {
  std::int64_t user = 0;
  std::string sub;
  {
    auto row = db.query(kFindUser);
    row.text(link.email_key);
    if (!row.step()) return LinkOutcome::needless;
    if (link.purpose == LinkPurpose::verify_email && row.integer_at(2) != 0) return LinkOutcome::needless;
    user = row.integer_at(0);
    sub = row.text_at(1);
  }
  // Without its mail a link could be used by nobody, and would only be in the way of the next.
  if (!outbox_has_room(db)) return LinkOutcome::no_room;
  const auto made = db.query(kMake)
                        .integer(static_cast<std::int64_t>(link.purpose))
                        .blob(link.secret_hash)
                        .integer(link.lifetime.count())
                        .integer(user)
                        .integer(link.pause.count())
                        .run();
  if (made == 0) return LinkOutcome::too_soon;
  const bool is_reset = link.purpose == LinkPurpose::reset_password;
  append_mail(db, is_reset ? "reset_password" : "verify_email", sub, link.sealed_mail);
  append_audit(db, {.kind = is_reset ? "password_reset_asked" : "email_verification_asked", .sub = sub});
  return LinkOutcome::made;
}

std::optional<std::string> sub_by(Connection& db, const std::string& sql, LinkPurpose purpose, const Digest& hash) {
  auto row = db.query(sql);
  row.blob(hash).integer(static_cast<std::int64_t>(purpose));
  if (!row.step() || row.null_at(0)) return std::nullopt;
  return row.text_at(0);
}

std::optional<std::string> verify_email(Connection& db, const Digest& hash) {
  auto sub = sub_by(db, kUse, LinkPurpose::verify_email, hash);
  if (!sub) return std::nullopt;
  db.query(kVerify).text(*sub).run();
  append_audit(db, {.kind = "email_verified", .sub = *sub});
  append_event(db, {.kind = "user.email_verified", .sub = *sub});
  return sub;
}

std::optional<std::string> reset_password(Connection& db, const Digest& hash, const std::string& new_hash) {
  auto sub = sub_by(db, kUse, LinkPurpose::reset_password, hash);
  if (!sub) return std::nullopt;
  db.query(kVerify).text(*sub).run();
  replace_password(db, *sub, new_hash, std::nullopt);
  return sub;
}

}  // namespace

void SqliteOneTimeLinks::make_link(NewLink link, Completion<LinkOutcome> done) {
  lanes_.write<LinkOutcome>([link = std::move(link)](Connection& db) { return sqlite::make_link(db, link); },
                            std::move(done));
}

void SqliteOneTimeLinks::find_link(LinkPurpose purpose, Digest hash, Completion<std::optional<std::string>> done) {
  lanes_.read<std::optional<std::string>>([purpose, hash](Connection& db) { return sub_by(db, kFind, purpose, hash); },
                                          std::move(done));
}

void SqliteOneTimeLinks::verify_email(Digest hash, Completion<std::optional<std::string>> done) {
  lanes_.write<std::optional<std::string>>([hash](Connection& db) { return sqlite::verify_email(db, hash); },
                                           std::move(done));
}

void SqliteOneTimeLinks::reset_password(Digest hash, std::string new_hash,
                                        Completion<std::optional<std::string>> done) {
  lanes_.write<std::optional<std::string>>(
      [hash, new_hash = std::move(new_hash)](Connection& db) { return sqlite::reset_password(db, hash, new_hash); },
      std::move(done));
}

}  // namespace jeton::store::sqlite
