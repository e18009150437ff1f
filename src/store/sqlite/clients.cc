#include "store/sqlite/aggregates.h"
#include "store/sqlite/audit.h"
#include "store/sqlite/revocation_log.h"

#include <algorithm>
#include <string>
#include <utility>

namespace jeton::store::sqlite {
namespace {

const std::string kColumns =
    "id, name, is_public, secret_hash, previous_secret_hash, previous_secret_until, jwks, grants, scopes, audiences,"
    " algorithm, claims, trusted, disabled, version, created_at";

const std::string kAdd =
    "INSERT INTO clients(id, name, is_public, secret_hash, jwks, grants, scopes, audiences, algorithm, claims, trusted,"
    " disabled, created_at) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, jeton_now_ms()"
    " WHERE NOT EXISTS(SELECT 1 FROM users WHERE sub = ?1) ON CONFLICT(id) DO NOTHING";
const std::string kFind = "SELECT " + kColumns + " FROM clients WHERE id = ?";
const std::string kList = "SELECT " + kColumns + " FROM clients WHERE id > ? ORDER BY id LIMIT ?";
const std::string kChange =
    "UPDATE clients SET name = coalesce(?2, name), grants = coalesce(?3, grants), scopes = coalesce(?4, scopes),"
    " audiences = coalesce(?5, audiences), algorithm = coalesce(?6, algorithm), claims = coalesce(?7, claims),"
    " jwks = coalesce(?8, jwks), trusted = coalesce(?9, trusted), version = version + ?10"
    " WHERE id = ?1 AND (?8 IS NULL OR is_public = 0)";
const std::string kDisable = "UPDATE clients SET disabled = 1, version = version + 1 WHERE id = ? AND disabled = 0";
const std::string kEnable = "UPDATE clients SET disabled = 0 WHERE id = ? AND disabled = 1";
const std::string kReplaceSecret =
    "UPDATE clients SET previous_secret_hash = CASE WHEN ?3 > 0 THEN secret_hash END,"
    " previous_secret_until = CASE WHEN ?3 > 0 THEN jeton_now_ms() + ?3 ELSE 0 END, secret_hash = ?2,"
    " version = version + (?3 <= 0) WHERE id = ?1 AND is_public = 0";

// A few in the order in which they end, at each admission: more than come, so the table shrinks back by itself.
const std::string kForgetUses =
    "DELETE FROM assertion_uses WHERE id IN"
    " (SELECT id FROM assertion_uses WHERE expires_at <= jeton_now_ms() ORDER BY expires_at LIMIT 4)";
const std::string kCountUses = "SELECT uses FROM assertion_count";
const std::string kAddToCount = "UPDATE assertion_count SET uses = uses + ?";
const std::string kAddUse = "INSERT INTO assertion_uses(id, expires_at) VALUES(?, ?) ON CONFLICT(id) DO NOTHING";
const std::string kSeen = "SELECT 1 FROM assertion_uses WHERE id = ?";

std::optional<Digest> digest_or_none_at(const Statement& row, int column) {
  if (row.null_at(column)) return std::nullopt;
  return row.bytes_at<32>(column);
}

Client client_at(const Statement& row) {
  return {.id = row.text_at(0),
          .name = row.text_at(1),
          .is_public = row.integer_at(2) != 0,
          .secret_hash = digest_or_none_at(row, 3),
          .previous_secret_hash = digest_or_none_at(row, 4),
          .previous_secret_until = row.time_at(5),
          .jwks = row.text_at(6),
          .grants = row.text_at(7),
          .scopes = row.text_at(8),
          .audiences = row.text_at(9),
          .algorithm = row.text_at(10),
          .claims_json = row.text_at(11),
          .trusted = row.integer_at(12) != 0,
          .disabled = row.integer_at(13) != 0,
          .version = row.integer_at(14),
          .created_at = row.time_at(15)};
}

std::optional<Client> find_client(Connection& db, const std::string& id) {
  auto row = db.query(kFind);
  row.text(id);
  if (!row.step()) return std::nullopt;
  return client_at(row);
}

ClientAddition add_client(Connection& db, const Client& client) {
  auto insert = db.query(kAdd);
  insert.text(client.id).text(client.name).integer(client.is_public ? 1 : 0).digest(client.secret_hash);
  insert.text(client.jwks).text(client.grants).text(client.scopes).text(client.audiences).text(client.algorithm);
  insert.text(client.claims_json).integer(client.trusted ? 1 : 0).integer(client.disabled ? 1 : 0);
  if (insert.run() == 0) return ClientAddition::id_taken;
  append_audit(db, {.kind = "client_added", .sub = client.id});
  return ClientAddition::added;
}

std::vector<Client> list_clients(Connection& db, const std::string& after, std::size_t count) {
  std::vector<Client> clients;
  auto row = db.query(kList);
  row.text(after).integer(static_cast<std::int64_t>(count));
  while (row.step()) clients.push_back(client_at(row));
  return clients;
}

void bind_or_null(Statement& statement, const std::optional<std::string>& text) {
  if (text) {
    statement.text(*text);
  } else {
    statement.null();
  }
}

// No row says how long a client's tokens live; no access token lives longer than this (design 4.1).
constexpr std::chrono::hours access_lifetime_max{24};

// The tokens that the client got for itself, below its present version; call it after that was raised.
void revoke_client_versions(Connection& db, const std::string& id, RevocationReason reason) {
  const auto client = find_client(db, id);
  if (!client) return;
  append_revocation(db, {.kind = RevocationKind::subject,
                         .reason = reason,
                         .subject = id,
                         .least = client->version,
                         .expires_at = revocation_expiry(db.now() + access_lifetime_max)});
}

std::optional<Client> change_client(Connection& db, const std::string& id, const ClientChange& change) {
  const bool only_name = !change.grants && !change.scopes && !change.audiences && !change.algorithm &&
                         !change.claims_json && !change.jwks && !change.trusted;
  auto update = db.query(kChange);
  update.text(id);
  for (const auto* text : {&change.name, &change.grants, &change.scopes, &change.audiences, &change.algorithm,
                           &change.claims_json, &change.jwks}) {
    bind_or_null(update, *text);
  }
  if (change.trusted) {
    update.integer(*change.trusted ? 1 : 0);
  } else {
    update.null();
  }
  if (update.integer(only_name ? 0 : 1).run() == 1) {
    if (!only_name) revoke_client_versions(db, id, RevocationReason::stale_claims);
    append_audit(db, {.kind = "client_changed", .sub = id});
  }
  return find_client(db, id);
}

bool set_client_disabled(Connection& db, const std::string& id, bool disabled) {
  if (db.query(disabled ? kDisable : kEnable).text(id).run() == 0) return find_client(db, id).has_value();
  if (disabled) revoke_client_versions(db, id, RevocationReason::revoked);
  append_audit(db, {.kind = disabled ? "client_disabled" : "client_enabled", .sub = id});
  return true;
}

bool replace_secret(Connection& db, const std::string& id, const Digest& hash, std::chrono::milliseconds overlap) {
  if (db.query(kReplaceSecret).text(id).blob(hash).integer(std::max<std::int64_t>(overlap.count(), 0)).run() == 0)
    return false;
  if (overlap <= std::chrono::milliseconds::zero()) revoke_client_versions(db, id, RevocationReason::revoked);
  append_audit(db, {.kind = "client_secret_replaced", .sub = id});
  return true;
}

Admission admit_assertion(Connection& db, const AssertionUse& use, std::size_t uses_max) {
  std::int64_t change = -db.query(kForgetUses).run();
  std::int64_t uses = 0;
  {
    auto row = db.query(kCountUses);
    if (row.step()) uses = row.integer_at(0);
  }
  auto outcome = Admission::seen;
  if (uses + change >= static_cast<std::int64_t>(uses_max)) {
    outcome = db.query(kSeen).blob(use.id).step() ? Admission::seen : Admission::full;
  } else if (db.query(kAddUse).blob(use.id).time(use.expires_at).run() == 1) {
    outcome = Admission::first;
    ++change;
  }
  if (change != 0) db.query(kAddToCount).integer(change).run();
  return outcome;
}

}  // namespace

void SqliteClients::add_client(Client client, Completion<ClientAddition> done, Actor by) {
  lanes_.write<ClientAddition>(
      [client = std::move(client), by = std::move(by)](Connection& db) {
        const ActingAs acting(db, by);
        return sqlite::add_client(db, client);
      },
      std::move(done));
}

void SqliteClients::find_client(std::string id, Completion<std::optional<Client>> done) {
  lanes_.read<std::optional<Client>>([id = std::move(id)](Connection& db) { return sqlite::find_client(db, id); },
                                     std::move(done));
}

void SqliteClients::list_clients(std::string after, std::size_t count, Completion<std::vector<Client>> done) {
  lanes_.read<std::vector<Client>>(
      [after = std::move(after), count](Connection& db) { return sqlite::list_clients(db, after, count); },
      std::move(done));
}

void SqliteClients::change_client(std::string id, ClientChange change, Completion<std::optional<Client>> done,
                                  Actor by) {
  lanes_.write<std::optional<Client>>(
      [id = std::move(id), change = std::move(change), by = std::move(by)](Connection& db) {
        const ActingAs acting(db, by);
        return sqlite::change_client(db, id, change);
      },
      std::move(done));
}

void SqliteClients::set_client_disabled(std::string id, bool disabled, Completion<bool> done, Actor by) {
  lanes_.write<bool>(
      [id = std::move(id), disabled, by = std::move(by)](Connection& db) {
        const ActingAs acting(db, by);
        return sqlite::set_client_disabled(db, id, disabled);
      },
      std::move(done));
}

void SqliteClients::replace_secret(std::string id, Digest secret_hash, std::chrono::milliseconds overlap,
                                   Completion<bool> done, Actor by) {
  lanes_.write<bool>(
      [id = std::move(id), secret_hash, overlap, by = std::move(by)](Connection& db) {
        const ActingAs acting(db, by);
        return sqlite::replace_secret(db, id, secret_hash, overlap);
      },
      std::move(done));
}

void SqliteClients::admit_assertion(AssertionUse use, std::size_t uses_max, Completion<Admission> done) {
  lanes_.write<Admission>([use, uses_max](Connection& db) { return sqlite::admit_assertion(db, use, uses_max); },
                          std::move(done));
}

}  // namespace jeton::store::sqlite
