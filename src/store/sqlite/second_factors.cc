#include "store/second_factors.h"

#include "store/sqlite/aggregates.h"
#include "store/sqlite/audit.h"
#include "store/sqlite/event_outbox.h"

#include <string>
#include <utility>

namespace jeton::store::sqlite {
namespace {

const std::string kUser = "(SELECT id FROM users WHERE sub = ?)";
const std::string kFind =
    "SELECT sealed, confirmed_at IS NOT NULL,"
    " (SELECT count(*) FROM recovery_codes WHERE recovery_codes.user_id = second_factors.user_id)"
    " FROM second_factors WHERE user_id = " +
    kUser;
const std::string kBegin =
    "INSERT INTO second_factors(user_id, sealed) SELECT id, ?1 FROM users WHERE sub = ?2"
    " ON CONFLICT(user_id) DO UPDATE SET sealed = excluded.sealed WHERE confirmed_at IS NULL";
const std::string kConfirm =
    "UPDATE second_factors SET confirmed_at = jeton_now_ms(), last_step = ?, tries = 0"
    " WHERE sealed = ? AND confirmed_at IS NULL AND user_id = " +
    kUser;
const std::string kAddCode = "INSERT INTO recovery_codes(user_id, code_hash) SELECT id, ?1 FROM users WHERE sub = ?2";
const std::string kTakeTry =
    "UPDATE second_factors SET"
    " tries = CASE WHEN tries_since <= jeton_now_ms() - ?1 OR tries_since > jeton_now_ms() THEN 1 ELSE tries + 1 END,"
    " tries_since = CASE WHEN tries_since <= jeton_now_ms() - ?1 OR tries_since > jeton_now_ms() THEN jeton_now_ms()"
    " ELSE tries_since END"
    " WHERE (tries < ?2 OR tries_since <= jeton_now_ms() - ?1 OR tries_since > jeton_now_ms())"
    " AND user_id = (SELECT id FROM users WHERE sub = ?3)";
const std::string kUseStep =
    "UPDATE second_factors SET last_step = ?1, tries = 0 WHERE last_step < ?1 AND confirmed_at IS NOT NULL"
    " AND user_id = (SELECT id FROM users WHERE sub = ?2)";
const std::string kUseCode = "DELETE FROM recovery_codes WHERE code_hash = ? AND user_id = " + kUser;
const std::string kForgive = "UPDATE second_factors SET tries = 0 WHERE user_id = " + kUser;
const std::string kRemoveCodes = "DELETE FROM recovery_codes WHERE user_id = " + kUser;
const std::string kRemove = "DELETE FROM second_factors WHERE user_id = " + kUser;

std::optional<SecondFactor> find(Connection& db, const std::string& sub) {
  auto row = db.query(kFind);
  row.text(sub);
  if (!row.step()) return std::nullopt;
  SecondFactor factor{.sealed = {}, .confirmed = row.integer_at(1) != 0, .recovery_codes = row.integer_at(2)};
  const auto sealed = row.blob_at(0);
  factor.sealed.assign(sealed.begin(), sealed.end());
  return factor;
}

bool confirm(Connection& db, const std::string& sub, const std::vector<std::byte>& sealed, std::int64_t step,
             const std::vector<Digest>& codes) {
  if (db.query(kConfirm).integer(step).blob(sealed).text(sub).run() == 0) return false;
  db.query(kRemoveCodes).text(sub).run();
  for (const Digest& code : codes) db.query(kAddCode).blob(code).text(sub).run();
  append_audit(db, {.kind = "totp_enabled", .sub = sub});
  append_event(db, {.kind = "user.totp_enabled", .sub = sub});
  return true;
}

bool use_code(Connection& db, const std::string& sub, const Digest& hash) {
  if (db.query(kUseCode).blob(hash).text(sub).run() == 0) return false;
  db.query(kForgive).text(sub).run();
  append_audit(db, {.kind = "recovery_code_used", .sub = sub});
  append_event(db, {.kind = "user.recovery_code_used", .sub = sub});
  return true;
}

bool remove(Connection& db, const std::string& sub) {
  db.query(kRemoveCodes).text(sub).run();
  if (db.query(kRemove).text(sub).run() == 0) return false;
  append_audit(db, {.kind = "totp_disabled", .sub = sub});
  append_event(db, {.kind = "user.totp_disabled", .sub = sub});
  return true;
}

}  // namespace

void SqliteSecondFactors::find_factor(std::string sub, Completion<std::optional<SecondFactor>> done) {
  lanes_.read<std::optional<SecondFactor>>([sub = std::move(sub)](Connection& db) { return find(db, sub); },
                                           std::move(done));
}

void SqliteSecondFactors::begin_factor(std::string sub, std::vector<std::byte> sealed, Completion<bool> done) {
  lanes_.write<bool>([sub = std::move(sub), sealed = std::move(sealed)](
                         Connection& db) { return db.query(kBegin).blob(sealed).text(sub).run() == 1; },
                     std::move(done));
}

void SqliteSecondFactors::confirm_factor(std::string sub, std::vector<std::byte> sealed, std::int64_t step,
                                         std::vector<Digest> recovery_hashes, Completion<bool> done) {
  lanes_.write<bool>([sub = std::move(sub), sealed = std::move(sealed), step, codes = std::move(recovery_hashes)](
                         Connection& db) { return confirm(db, sub, sealed, step, codes); },
                     std::move(done));
}

void SqliteSecondFactors::take_try(std::string sub, std::int64_t tries, std::chrono::milliseconds window,
                                   Completion<bool> done) {
  lanes_.write<bool>(
      [sub = std::move(sub), tries, window](Connection& db) {
        return db.query(kTakeTry).integer(window.count()).integer(tries).text(sub).run() == 1;
      },
      std::move(done));
}

void SqliteSecondFactors::use_step(std::string sub, std::int64_t step, Completion<bool> done) {
  lanes_.write<bool>(
      [sub = std::move(sub), step](Connection& db) { return db.query(kUseStep).integer(step).text(sub).run() == 1; },
      std::move(done));
}

void SqliteSecondFactors::use_recovery_code(std::string sub, Digest hash, Completion<bool> done) {
  lanes_.write<bool>([sub = std::move(sub), hash](Connection& db) { return use_code(db, sub, hash); }, std::move(done));
}

void SqliteSecondFactors::remove_factor(std::string sub, Completion<bool> done) {
  lanes_.write<bool>([sub = std::move(sub)](Connection& db) { return remove(db, sub); }, std::move(done));
}

}  // namespace jeton::store::sqlite
