// Users whose login is somebody else's: kept as a trusted client names them.
#include "store/sqlite/aggregates.h"
#include "store/sqlite/audit.h"
#include "store/sqlite/revocation_log.h"
#include "store/sqlite/user_rows.h"

#include <string>
#include <utility>

namespace jeton::store::sqlite {
namespace {

const std::string kFind = std::string{"SELECT users.home, "} + user_columns + " FROM users WHERE sub = ?";
const std::string kAdd =
    "INSERT INTO users(sub, email, email_key, password_hash, claims, home, created_at)"
    " SELECT ?1, ?2, NULL, '', ?3, ?4, jeton_now_ms() WHERE NOT EXISTS(SELECT 1 FROM clients WHERE id = ?1)";
const std::string kChange = "UPDATE users SET email = ?, claims = ?, version = version + 1 WHERE sub = ?";
const std::string kList = std::string{"SELECT "} + user_columns + " FROM users WHERE sub > ? ORDER BY sub LIMIT ?";

struct Found {
  std::optional<std::string> home{};
  User user;
};

std::optional<Found> find(Connection& db, const std::string& sub) {
  auto row = db.query(kFind);
  row.text(sub);
  if (!row.step()) return std::nullopt;
  Found found{.user = user_at(row, 1)};
  if (!row.null_at(0)) found.home = row.text_at(0);
  return found;
}

KeptElsewhere keep(Connection& db, const UserElsewhere& wanted) {
  auto found = find(db, wanted.sub);
  if (!found) {
    if (db.query(kAdd).text(wanted.sub).text(wanted.email).text(wanted.claims_json).text(wanted.home).run() == 0)
      return {.outcome = ElsewhereOutcome::client_id};
    append_audit(db, {.kind = "user_kept_for", .sub = wanted.sub, .detail = wanted.home});
  } else if (found->home != wanted.home) {
    return {.outcome = ElsewhereOutcome::another_home};
  } else if (found->user.claims_json != wanted.claims_json || found->user.email != wanted.email) {
    const auto until = access_tokens_until(db, wanted.sub);
    db.query(kChange).text(wanted.email).text(wanted.claims_json).text(wanted.sub).run();
    revoke_versions(db, wanted.sub, RevocationReason::stale_claims, until);
    append_audit(db, {.kind = "claims_changed", .sub = wanted.sub, .detail = wanted.home});
  } else {
    return {.outcome = ElsewhereOutcome::kept, .user = std::move(found->user)};
  }
  found = find(db, wanted.sub);
  if (!found) return {.outcome = ElsewhereOutcome::client_id};  // a failure has latched, and nobody sees this
  return {.outcome = ElsewhereOutcome::kept, .user = std::move(found->user)};
}

std::vector<User> list(Connection& db, const std::string& after, std::size_t count) {
  std::vector<User> users;
  auto row = db.query(kList);
  row.text(after).integer(static_cast<std::int64_t>(count));
  while (row.step()) users.push_back(user_at(row, 0));
  return users;
}

}  // namespace

void SqliteUsers::keep_user_elsewhere(UserElsewhere user, Completion<KeptElsewhere> done) {
  lanes_.write<KeptElsewhere>([user = std::move(user)](Connection& db) { return keep(db, user); }, std::move(done));
}

void SqliteUsers::list_users(std::string after, std::size_t count, Completion<std::vector<User>> done) {
  lanes_.read<std::vector<User>>([after = std::move(after), count](Connection& db) { return list(db, after, count); },
                                 std::move(done));
}

}  // namespace jeton::store::sqlite
