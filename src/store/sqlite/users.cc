#include "store/sqlite/aggregates.h"
#include "store/sqlite/audit.h"
#include "store/sqlite/event_outbox.h"
#include "store/sqlite/password_change.h"
#include "store/sqlite/revocation_log.h"
#include "store/sqlite/session_rows.h"
#include "store/sqlite/user_rows.h"

#include <utility>

namespace jeton::store::sqlite {
namespace {

const std::string kRegister =
    "INSERT INTO users(sub, email, email_key, password_hash, claims, created_at)"
    " VALUES(?, ?, ?, ?, ?, jeton_now_ms()) ON CONFLICT(email_key) DO NOTHING";
const std::string kImport =
    "INSERT INTO users(sub, email, email_key, password_hash, claims, created_at, disabled, email_verified_at)"
    " VALUES(?1, ?2, ?3, ?4, ?5, jeton_now_ms(), ?6, CASE WHEN ?7 THEN jeton_now_ms() END) ON CONFLICT DO NOTHING";
const std::string kFindByEmail = std::string{"SELECT "} + user_columns + " FROM users WHERE email_key = ?";
const std::string kFindBySub = std::string{"SELECT "} + user_columns + " FROM users WHERE sub = ?";
const std::string kUpgradeHash = "UPDATE users SET password_hash = ? WHERE sub = ? AND password_hash = ?";
const std::string kDisable =
    "UPDATE users SET disabled = 1, security_epoch = security_epoch + 1, version = version + 1"
    " WHERE sub = ? AND disabled = 0";
const std::string kEnable = "UPDATE users SET disabled = 0 WHERE sub = ? AND disabled = 1";
const std::string kSetClaims = "UPDATE users SET claims = ?, version = version + 1 WHERE sub = ?";

std::optional<User> find_one(Connection& db, const std::string& sql, const std::string& key) {
  auto row = db.query(sql);
  row.text(key);
  if (!row.step()) return std::nullopt;
  return user_at(row, 0);
}

Registration register_user(Connection& db, const NewUser& user) {
  const auto added = db.query(kRegister)
                         .text(user.sub)
                         .text(user.email)
                         .text_or_null(user.email_key)
                         .text(user.password_hash)
                         .text(user.claims_json)
                         .run();
  if (added == 0) return Registration::email_taken;
  append_audit(db, {.kind = "user_registered", .sub = user.sub});
  return Registration::registered;
}

std::vector<bool> import_users(Connection& db, const std::vector<ImportedUser>& users) {
  std::vector<bool> added;
  for (const auto& [user, email_verified, disabled] : users) {
    const auto rows = db.query(kImport)
                          .text(user.sub)
                          .text(user.email)
                          .text_or_null(user.email_key)
                          .text(user.password_hash)
                          .text(user.claims_json)
                          .integer(disabled ? 1 : 0)
                          .integer(email_verified ? 1 : 0)
                          .run();
    added.push_back(rows == 1);
    if (rows == 1) append_audit(db, {.kind = "user_imported", .sub = user.sub});
  }
  return added;
}

OwnPasswordOutcome change_own_password(Connection& db, const OwnPasswordChange& change) {
  const auto row = read_session(db, change.session);
  if (!row || !row->live || row->session.sub != change.sub) return OwnPasswordOutcome::session_over;
  if (row->session.security_epoch != change.security_epoch) return OwnPasswordOutcome::overtaken;
  replace_password(db, change.sub, change.new_hash, change.session);
  return OwnPasswordOutcome::changed;
}

bool set_disabled(Connection& db, const std::string& sub, bool disabled) {
  const auto until = disabled ? access_tokens_until(db, sub) : StoreTime{};
  if (disabled) end_live_sessions_of(db, sub, EndReason::user_disabled, std::nullopt);
  const auto changed = db.query(disabled ? kDisable : kEnable).text(sub).run();
  if (changed == 0) return find_one(db, kFindBySub, sub).has_value();  // it was so already
  if (disabled) revoke_versions(db, sub, RevocationReason::revoked, until);
  append_audit(db, {.kind = disabled ? "user_disabled" : "user_enabled", .sub = sub});
  append_event(db, {.kind = disabled ? "user.disabled" : "user.enabled", .sub = sub});
  return true;
}

bool set_claims(Connection& db, const std::string& sub, const std::string& claims_json) {
  if (db.query(kSetClaims).text(claims_json).text(sub).run() == 0) return false;
  revoke_versions(db, sub, RevocationReason::stale_claims, access_tokens_until(db, sub));
  append_audit(db, {.kind = "claims_changed", .sub = sub});
  return true;
}

}  // namespace

void SqliteUsers::register_user(NewUser user, Completion<Registration> done, Actor by) {
  lanes_.write<Registration>(
      [user = std::move(user), by = std::move(by)](Connection& db) {
        const ActingAs acting(db, by);
        return sqlite::register_user(db, user);
      },
      std::move(done));
}

void SqliteUsers::import_users(std::vector<ImportedUser> users, Completion<std::vector<bool>> done, Actor by) {
  lanes_.write<std::vector<bool>>(
      [users = std::move(users), by = std::move(by)](Connection& db) {
        const ActingAs acting(db, by);
        return sqlite::import_users(db, users);
      },
      std::move(done));
}

void SqliteUsers::find_by_email(std::string email_key, Completion<std::optional<User>> done) {
  lanes_.read<std::optional<User>>(
      [key = std::move(email_key)](Connection& db) { return find_one(db, kFindByEmail, key); }, std::move(done));
}

void SqliteUsers::find_by_sub(std::string sub, Completion<std::optional<User>> done) {
  lanes_.read<std::optional<User>>([key = std::move(sub)](Connection& db) { return find_one(db, kFindBySub, key); },
                                   std::move(done));
}

void SqliteUsers::upgrade_password_hash(std::string sub, std::string old_hash, std::string new_hash,
                                        Completion<bool> done) {
  lanes_.write<bool>(
      [sub = std::move(sub), old_hash = std::move(old_hash), new_hash = std::move(new_hash)](Connection& db) {
        return db.query(kUpgradeHash).text(new_hash).text(sub).text(old_hash).run() == 1;
      },
      std::move(done));
}

void SqliteUsers::change_password(std::string sub, std::string new_hash, std::optional<Sid> keep, Completion<bool> done,
                                  Actor by) {
  lanes_.write<bool>(
      [sub = std::move(sub), hash = std::move(new_hash), keep, by = std::move(by)](Connection& db) {
        const ActingAs acting(db, by);
        return replace_password(db, sub, hash, keep);
      },
      std::move(done));
}

void SqliteUsers::change_own_password(OwnPasswordChange change, Completion<OwnPasswordOutcome> done) {
  lanes_.write<OwnPasswordOutcome>(
      [change = std::move(change)](Connection& db) { return sqlite::change_own_password(db, change); },
      std::move(done));
}

void SqliteUsers::set_disabled(std::string sub, bool disabled, Completion<bool> done, Actor by) {
  lanes_.write<bool>(
      [sub = std::move(sub), disabled, by = std::move(by)](Connection& db) {
        const ActingAs acting(db, by);
        return sqlite::set_disabled(db, sub, disabled);
      },
      std::move(done));
}

void SqliteUsers::set_claims(std::string sub, std::string claims_json, Completion<bool> done, Actor by) {
  lanes_.write<bool>(
      [sub = std::move(sub), claims = std::move(claims_json), by = std::move(by)](Connection& db) {
        const ActingAs acting(db, by);
        return sqlite::set_claims(db, sub, claims);
      },
      std::move(done));
}

}  // namespace jeton::store::sqlite
