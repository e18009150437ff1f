#include "store/sqlite/aggregates.h"
#include "store/sqlite/audit.h"
#include "store/sqlite/revocation_log.h"

#include <sqlite3.h>

#include <algorithm>
#include <string>
#include <utility>

namespace jeton::store::sqlite {
namespace {

const std::string kListKeys =
    "SELECT kid, algorithm, audience, state, public_jwk, sealed, created_at, state_since, state_version, published_at,"
    " settling, expires_max FROM signing_keys ORDER BY created_at, kid";
const std::string kListNodes = "SELECT id, reports, version, loaded_at, seen_at, max_age FROM key_nodes ORDER BY id";
const std::string kReadSet = "SELECT version, max_age, began FROM key_set WHERE id = 1";

const std::string kReport =
    "INSERT INTO key_nodes(id, reports, version, loaded_at, seen_at, max_age)"
    " VALUES(?1, 1, ?2, jeton_now_ms(), jeton_now_ms(), ?3)"
    " ON CONFLICT(id) DO UPDATE SET reports = reports + 1, seen_at = jeton_now_ms(), max_age = ?3,"
    " loaded_at = CASE WHEN version = ?2 THEN loaded_at ELSE jeton_now_ms() END, version = ?2";
const std::string kRaiseMaxAge = "UPDATE key_set SET max_age = ?1 WHERE id = 1 AND max_age < ?1";
const std::string kLowerMaxAge =
    "UPDATE key_set SET max_age = max(?1, (SELECT coalesce(max(max_age), 0) FROM key_nodes)) WHERE id = 1";
const std::string kExpect = "UPDATE signing_keys SET expires_max = ?1 WHERE kid = ?2 AND expires_max < ?1";

const std::string kClaimVersion = "UPDATE key_set SET version = version + 1 WHERE id = 1 AND version = ?";
const std::string kRaiseVersion = "UPDATE key_set SET version = version + 1 WHERE id = 1";

const std::string kAdd =
    "INSERT INTO signing_keys(kid, algorithm, audience, state, public_jwk, sealed, created_at, state_since,"
    " state_version) SELECT ?1, ?2, ?3, ?4, ?5, ?6, jeton_now_ms(), jeton_now_ms(), version FROM key_set WHERE id = 1"
    " ON CONFLICT DO NOTHING";
const std::string kMarkPublished =
    "UPDATE signing_keys SET published_at = jeton_now_ms(), settling = ?2"
    " WHERE kid = ?1 AND state = 'pending' AND published_at IS NULL";
// From one state to the next, in the version that the set has by now.
const std::string kEnter =
    "UPDATE signing_keys SET state = ?3, state_since = jeton_now_ms(),"
    " state_version = (SELECT version FROM key_set WHERE id = 1) WHERE kid = ?1 AND state = ?2";
const std::string kActiveOf = "SELECT kid FROM signing_keys WHERE algorithm = ? AND audience = '' AND state = 'active'";
const std::string kOldestStandbyOf =
    "SELECT kid FROM signing_keys WHERE algorithm = ? AND audience = '' AND state = 'standby'"
    " ORDER BY created_at, kid LIMIT 1";
const std::string kAboutKey = "SELECT algorithm, state, audience <> '', expires_max FROM signing_keys WHERE kid = ?";
// Zeros over the sealed bytes where they lie, then away with them.
const std::string kOverwrite = "UPDATE signing_keys SET sealed = zeroblob(length(sealed)) WHERE kid = ?";
const std::string kEmpty = "UPDATE signing_keys SET sealed = x'' WHERE kid = ?";
const std::string kRemove = "DELETE FROM signing_keys WHERE kid = ? AND state = 'retired'";
const std::string kForget = "DELETE FROM key_nodes WHERE id = ?1 AND (?2 < 0 OR reports = ?2)";

constexpr std::chrono::days revoked_key_remembered{365};

KeyState state_named(Connection& db, std::string_view name) {
  for (const auto state : {KeyState::pending, KeyState::standby, KeyState::active, KeyState::draining,
                           KeyState::retired, KeyState::revoked}) {
    if (name == name_of(state)) return state;
  }
  db.fail(SQLITE_CORRUPT, "a signing key is in no known state");
  return KeyState::revoked;
}

KeySetView read_keys(Connection& db) {
  KeySetView view;
  if (auto set = db.query(kReadSet); set.step()) {
    view.version = set.integer_at(0);
    view.max_age = std::chrono::seconds{set.integer_at(1)};
    view.began = set.integer_at(2);
  }
  auto row = db.query(kListKeys);
  while (row.step()) {
    const auto sealed = row.blob_at(5);
    view.keys.push_back({.kid = row.text_at(0),
                         .algorithm = row.text_at(1),
                         .audience = row.text_at(2),
                         .state = state_named(db, row.text_at(3)),
                         .public_jwk = row.text_at(4),
                         .sealed = {sealed.begin(), sealed.end()},
                         .created_at = row.time_at(6),
                         .state_since = row.time_at(7),
                         .state_version = row.integer_at(8),
                         .settling = std::chrono::milliseconds{row.integer_at(10)},
                         .expires_max = row.time_at(11)});
    if (!row.null_at(9)) view.keys.back().published_at = row.time_at(9);
  }
  auto node = db.query(kListNodes);
  while (node.step()) {
    view.nodes.push_back({.id = node.text_at(0),
                          .reports = node.integer_at(1),
                          .version = node.integer_at(2),
                          .loaded_at = node.time_at(3),
                          .seen_at = node.time_at(4),
                          .max_age = std::chrono::seconds{node.integer_at(5)}});
  }
  return view;
}

KeySetView report_node(Connection& db, const NodeReport& report) {
  db.query(kReport).text(report.id).integer(report.version).integer(report.max_age.count()).run();
  db.query(kRaiseMaxAge).integer(report.max_age.count()).run();
  for (const std::string& kid : report.signing_kids) db.query(kExpect).time(report.expires_at).text(kid).run();
  return read_keys(db);
}

bool enter(Connection& db, const std::string& kid, KeyState from, KeyState to) {
  return db.query(kEnter).text(kid).text(name_of(from)).text(name_of(to)).run() == 1;
}

// The sealed bytes go from the row, from free pages (secure_delete), and, as soon as no reader needs it, from the log.
void destroy_private_part(Connection& db, const std::string& kid) {
  db.query(kOverwrite).text(kid).run();
  db.query(kEmpty).text(kid).run();
  db.ask_for_cut();
}

bool add_key(Connection& db, const StoredKey& key) {
  const bool added = db.query(kAdd)
                         .text(key.kid)
                         .text(key.algorithm)
                         .text(key.audience)
                         .text(name_of(key.state))
                         .text(key.public_jwk)
                         .blob(key.sealed)
                         .run() == 1;
  if (added) append_audit(db, {.kind = "signing_key_added", .detail = key.kid});
  return added;
}

std::string first_text(Connection& db, const std::string& sql, const std::string& parameter) {
  auto row = db.query(sql);
  row.text(parameter);
  return row.step() ? row.text_at(0) : std::string{};
}

bool activate(Connection& db, const std::string& kid, const std::string& algorithm) {
  if (const std::string before = first_text(db, kActiveOf, algorithm); !before.empty()) {
    enter(db, before, KeyState::active, KeyState::draining);
  }
  if (!enter(db, kid, KeyState::standby, KeyState::active)) return false;
  append_audit(db, {.kind = "signing_key_activated", .detail = kid});
  return true;
}

class Steps {
 public:
  explicit Steps(Connection& db) : db_(db) {}
  void operator()(const AddKey& step) const { add_key(db_, step.key); }
  void operator()(const MarkPublished& step) const {
    db_.query(kMarkPublished).text(step.kid).integer(step.settling.count()).run();
  }
  void operator()(const MatureKey& step) const { enter(db_, step.kid, KeyState::pending, KeyState::standby); }
  void operator()(const ActivateKey& step) const {
    auto key = db_.query(kAboutKey);
    key.text(step.kid);
    if (key.step() && key.text_at(1) == name_of(KeyState::standby)) activate(db_, step.kid, key.text_at(0));
  }
  void operator()(const DrainKey& step) const {
    for (const auto state : {KeyState::pending, KeyState::standby, KeyState::active}) {
      if (enter(db_, step.kid, state, KeyState::draining)) return;
    }
  }
  void operator()(const RetireKey& step) const {
    if (!enter(db_, step.kid, KeyState::draining, KeyState::retired)) return;
    destroy_private_part(db_, step.kid);
    append_audit(db_, {.kind = "signing_key_retired", .detail = step.kid});
  }
  void operator()(const RemoveKey& step) const {
    if (db_.query(kRemove).text(step.kid).run() == 1) {
      append_audit(db_, {.kind = "signing_key_removed", .detail = step.kid});
    }
  }
  void operator()(const LowerMaxAge& step) const { db_.query(kLowerMaxAge).integer(step.max_age.count()).run(); }
  void operator()(const ForgetNode& step) const { db_.query(kForget).text(step.id).integer(step.reports).run(); }

 private:
  Connection& db_;
};

KeyChange advance_keys(Connection& db, std::int64_t version, const std::vector<KeyStep>& steps) {
  const bool changes_keys =
      std::ranges::any_of(steps, [](const KeyStep& step) { return !std::holds_alternative<ForgetNode>(step); });
  if (changes_keys && db.query(kClaimVersion).integer(version).run() != 1) return KeyChange::overtaken;
  for (const KeyStep& step : steps) std::visit(Steps{db}, step);
  return KeyChange::done;
}

KeyChange import_key(Connection& db, const StoredKey& key) {
  db.query(kRaiseVersion).run();  // first: the key belongs to the new one. Raised for nothing does no harm
  return add_key(db, key) ? KeyChange::done : KeyChange::exists;
}

KeyChange rotate_key(Connection& db, const std::string& algorithm) {
  const std::string next = first_text(db, kOldestStandbyOf, algorithm);
  if (next.empty()) return KeyChange::no_standby;
  db.query(kRaiseVersion).run();
  return activate(db, next, algorithm) ? KeyChange::done : KeyChange::no_standby;
}

KeyChange revoke_key(Connection& db, const std::string& kid) {
  auto key = db.query(kAboutKey);
  key.text(kid);
  if (!key.step()) return KeyChange::unknown;
  const std::string algorithm = key.text_at(0);
  const KeyState before = state_named(db, key.text_at(1));
  const bool is_shared_secret = key.integer_at(2) != 0;
  const StoreTime expires_max = key.time_at(3);
  if (before == KeyState::revoked) return KeyChange::done;
  db.query(kRaiseVersion).run();
  enter(db, kid, before, KeyState::revoked);
  destroy_private_part(db, kid);
  append_audit(db, {.kind = "signing_key_revoked", .detail = kid});
  // Whoever has stolen a key signs what expiry it likes: the entry outlives what a verifier may have kept of the set.
  const StoreTime until = std::max(expires_max, db.now() + revoked_key_remembered);
  append_revocation(db, {.kind = RevocationKind::key, .subject = kid, .expires_at = revocation_expiry(until)});
  if (before != KeyState::active || is_shared_secret) return KeyChange::done;
  const std::string next = first_text(db, kOldestStandbyOf, algorithm);
  if (next.empty()) return KeyChange::no_standby;
  activate(db, next, algorithm);
  return KeyChange::done;
}

}  // namespace

void SqliteSigningKeys::read_keys(Completion<KeySetView> done) {
  // On the writer: several statements must see one state.
  lanes_.write<KeySetView>([](Connection& db) { return sqlite::read_keys(db); }, std::move(done));
}

void SqliteSigningKeys::report_node(NodeReport report, Completion<KeySetView> done) {
  lanes_.write<KeySetView>([report = std::move(report)](Connection& db) { return sqlite::report_node(db, report); },
                           std::move(done));
}

void SqliteSigningKeys::advance_keys(std::int64_t version, std::vector<KeyStep> steps, Completion<KeyChange> done) {
  lanes_.write<KeyChange>(
      [version, steps = std::move(steps)](Connection& db) { return sqlite::advance_keys(db, version, steps); },
      std::move(done));
}

void SqliteSigningKeys::forget_node(std::string id, Completion<bool> done) {
  lanes_.write<bool>([id = std::move(id)](Connection& db) { return db.query(kForget).text(id).integer(-1).run() == 1; },
                     std::move(done));
}

void SqliteSigningKeys::import_key(StoredKey key, Completion<KeyChange> done, Actor by) {
  lanes_.write<KeyChange>(
      [key = std::move(key), by = std::move(by)](Connection& db) {
        const ActingAs acting(db, by);
        return sqlite::import_key(db, key);
      },
      std::move(done));
}

void SqliteSigningKeys::rotate_key(std::string algorithm, Completion<KeyChange> done, Actor by) {
  lanes_.write<KeyChange>(
      [algorithm = std::move(algorithm), by = std::move(by)](Connection& db) {
        const ActingAs acting(db, by);
        return sqlite::rotate_key(db, algorithm);
      },
      std::move(done));
}

void SqliteSigningKeys::revoke_key(std::string kid, Completion<KeyChange> done, Actor by) {
  lanes_.write<KeyChange>(
      [kid = std::move(kid), by = std::move(by)](Connection& db) {
        const ActingAs acting(db, by);
        return sqlite::revoke_key(db, kid);
      },
      std::move(done));
}

}  // namespace jeton::store::sqlite
