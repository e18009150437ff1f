#include "store/sqlite/aggregates.h"
#include "store/sqlite/audit.h"

#include <string>
#include <utility>

namespace jeton::store::sqlite {
namespace {

const std::string kListKeys =
    "SELECT kid, algorithm, state, public_jwk, sealed, created_at FROM signing_keys ORDER BY created_at, kid";
const std::string kAddFirstKey =
    "INSERT INTO signing_keys(kid, algorithm, state, public_jwk, sealed, created_at)"
    " SELECT ?1, ?2, ?3, ?4, ?5, jeton_now_ms()"
    " WHERE NOT EXISTS(SELECT 1 FROM signing_keys WHERE algorithm = ?2 AND state = ?3) ON CONFLICT(kid) DO NOTHING";
const std::string kSettle = "INSERT INTO settings(name, value) VALUES(?, ?) ON CONFLICT(name) DO NOTHING";
const std::string kListSettings = "SELECT name, value FROM settings";

std::vector<StoredKey> list_keys(Connection& db) {
  std::vector<StoredKey> keys;
  auto row = db.query(kListKeys);
  while (row.step()) {
    const auto sealed = row.blob_at(4);
    keys.push_back({.kid = row.text_at(0),
                    .algorithm = row.text_at(1),
                    .state = row.text_at(2),
                    .public_jwk = row.text_at(3),
                    .sealed = {sealed.begin(), sealed.end()},
                    .created_at = row.time_at(5)});
  }
  return keys;
}

bool add_first_key(Connection& db, const StoredKey& key) {
  const auto added = db.query(kAddFirstKey)
                         .text(key.kid)
                         .text(key.algorithm)
                         .text(key.state)
                         .text(key.public_jwk)
                         .blob(key.sealed)
                         .run();
  if (added == 0) return false;
  append_audit(db, {.kind = "signing_key_added", .detail = key.kid});
  return true;
}

std::map<std::string, std::string> settle(Connection& db, const std::map<std::string, std::string>& defaults) {
  for (const auto& [name, value] : defaults) {
    if (db.query(kSettle).text(name).text(value).run() == 1)
      append_audit(db, {.kind = "setting_fixed", .detail = name});
  }
  std::map<std::string, std::string> all;
  auto row = db.query(kListSettings);
  while (row.step()) all.emplace(row.text_at(0), row.text_at(1));
  return all;
}

}  // namespace

void SqliteSigningKeys::list_keys(Completion<std::vector<StoredKey>> done) {
  lanes_.read<std::vector<StoredKey>>([](Connection& db) { return sqlite::list_keys(db); }, std::move(done));
}

void SqliteSigningKeys::add_first_key(StoredKey key, Completion<bool> done) {
  lanes_.write<bool>([key = std::move(key)](Connection& db) { return sqlite::add_first_key(db, key); },
                     std::move(done));
}

void SqliteSettings::settle(std::map<std::string, std::string> defaults,
                            Completion<std::map<std::string, std::string>> done) {
  lanes_.write<std::map<std::string, std::string>>(
      [defaults = std::move(defaults)](Connection& db) { return sqlite::settle(db, defaults); }, std::move(done));
}

}  // namespace jeton::store::sqlite
