#include "store/sqlite/aggregates.h"
#include "store/sqlite/audit.h"

#include <string>
#include <utility>

namespace jeton::store::sqlite {
namespace {

const std::string kSettle = "INSERT INTO settings(name, value) VALUES(?, ?) ON CONFLICT(name) DO NOTHING";
const std::string kListSettings = "SELECT name, value FROM settings";

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

void SqliteSettings::settle(std::map<std::string, std::string> defaults,
                            Completion<std::map<std::string, std::string>> done) {
  lanes_.write<std::map<std::string, std::string>>(
      [defaults = std::move(defaults)](Connection& db) { return sqlite::settle(db, defaults); }, std::move(done));
}

}  // namespace jeton::store::sqlite
