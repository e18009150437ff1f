#include "store/sqlite/schema.h"

#include <sqlite3.h>

#include <array>
#include <chrono>
#include <string>
#include <thread>
#include <utility>

namespace jeton::store::sqlite {
namespace {

// Whole sessions in one tree: rotation reads and writes one leaf. The only index is the one that ending all sessions of
// a user needs; rotation does not touch it.
const std::string kVersion1 = R"sql(
CREATE TABLE settings(
  name  TEXT PRIMARY KEY NOT NULL,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE users(
  id             INTEGER PRIMARY KEY,
  sub            TEXT NOT NULL UNIQUE,
  email          TEXT NOT NULL,
  email_key      TEXT UNIQUE,
  password_hash  TEXT NOT NULL,
  claims         TEXT NOT NULL,
  security_epoch INTEGER NOT NULL DEFAULT 0,
  version        INTEGER NOT NULL DEFAULT 0,
  disabled       INTEGER NOT NULL DEFAULT 0 CHECK(disabled IN (0, 1)),
  created_at     INTEGER NOT NULL
) STRICT;

CREATE TABLE sessions(
  sid                 BLOB PRIMARY KEY NOT NULL CHECK(length(sid) = 16),
  user_id             INTEGER NOT NULL REFERENCES users(id),
  generation          INTEGER NOT NULL DEFAULT 0 CHECK(generation BETWEEN 0 AND 4294967295),
  key_id              INTEGER NOT NULL,
  client_id           TEXT NOT NULL,
  scope               TEXT NOT NULL,
  audience            TEXT NOT NULL,
  delivery            INTEGER NOT NULL,
  security_epoch      INTEGER NOT NULL,
  auth_time           INTEGER NOT NULL,
  rotated_at          INTEGER NOT NULL,
  previous_rotated_at INTEGER NOT NULL,
  idle_expires_at     INTEGER NOT NULL,
  absolute_expires_at INTEGER NOT NULL,
  access_expires_max  INTEGER NOT NULL,
  idempotency_key     BLOB,
  user_agent          TEXT,
  address             BLOB,
  ended_at            INTEGER,
  end_reason          INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_live_by_user ON sessions(user_id) WHERE ended_at IS NULL;

CREATE TABLE signing_keys(
  kid        TEXT PRIMARY KEY NOT NULL,
  algorithm  TEXT NOT NULL,
  state      TEXT NOT NULL,
  public_jwk TEXT NOT NULL,
  sealed     BLOB NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE audit(
  id     INTEGER PRIMARY KEY,
  at     INTEGER NOT NULL,
  kind   TEXT NOT NULL,
  sub    TEXT,
  sid    BLOB,
  detail TEXT
) STRICT;
)sql";

// Messages that leave later: see store/outbox.h.
const std::string kVersion2 = R"sql(
CREATE TABLE outbox(
  id         INTEGER PRIMARY KEY,
  channel    INTEGER NOT NULL,
  message_id TEXT NOT NULL,
  kind       TEXT NOT NULL,
  sub        TEXT,
  sid        BLOB,
  detail     TEXT,
  sealed     BLOB,
  attempts   INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  due_at     INTEGER NOT NULL
) STRICT;
CREATE INDEX outbox_due ON outbox(channel, due_at);
)sql";

// The feed (design 4.5). `feed_head` is one row, written by whoever appends and held to commit; `purged` is the largest
// number that was forgotten, `time` the feed's own time.
const std::string kVersion3 = R"sql(
CREATE TABLE feed_head(
  id     INTEGER PRIMARY KEY CHECK(id = 1),
  n      INTEGER NOT NULL,
  h      BLOB NOT NULL CHECK(length(h) = 32),
  purged INTEGER NOT NULL,
  time   INTEGER NOT NULL
) STRICT;
INSERT INTO feed_head(id, n, h, purged, time) VALUES(1, 0, zeroblob(32), 0, 0);

CREATE TABLE revocations(
  n          INTEGER PRIMARY KEY,
  kind       INTEGER NOT NULL,
  reason     INTEGER NOT NULL,
  subject    BLOB NOT NULL,
  least      INTEGER,
  expires_at INTEGER NOT NULL,
  h          BLOB NOT NULL CHECK(length(h) = 32)
) STRICT;
CREATE INDEX revocations_by_expiry ON revocations(expires_at);
)sql";

// Clients, and the client assertions that were used. Their number is kept beside them: counting them would read all.
const std::string kVersion4 = R"sql(
CREATE TABLE clients(
  id                    TEXT PRIMARY KEY NOT NULL,
  name                  TEXT NOT NULL,
  is_public             INTEGER NOT NULL CHECK(is_public IN (0, 1)),
  secret_hash           BLOB CHECK(length(secret_hash) = 32),
  previous_secret_hash  BLOB CHECK(length(previous_secret_hash) = 32),
  previous_secret_until INTEGER NOT NULL DEFAULT 0,
  jwks                  TEXT NOT NULL,
  grants                TEXT NOT NULL,
  scopes                TEXT NOT NULL,
  audiences             TEXT NOT NULL,
  algorithm             TEXT NOT NULL,
  claims                TEXT NOT NULL,
  trusted               INTEGER NOT NULL CHECK(trusted IN (0, 1)),
  disabled              INTEGER NOT NULL CHECK(disabled IN (0, 1)),
  version               INTEGER NOT NULL DEFAULT 0,
  created_at            INTEGER NOT NULL,
  CHECK(is_public = (secret_hash IS NULL AND jwks = ''))
) STRICT, WITHOUT ROWID;

CREATE TABLE assertion_uses(
  id         BLOB PRIMARY KEY NOT NULL CHECK(length(id) = 16),
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX assertion_uses_by_end ON assertion_uses(expires_at);
CREATE TABLE assertion_count(uses INTEGER NOT NULL) STRICT;
INSERT INTO assertion_count(uses) VALUES(0);
)sql";

// What is known of a session's device, and of repeats within a generation. `first_address` is null while it is the last
// one too.
const std::string kVersion5 = R"sql(
ALTER TABLE sessions ADD COLUMN fingerprint BLOB;
ALTER TABLE sessions ADD COLUMN first_address BLOB;
ALTER TABLE sessions ADD COLUMN repeats INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN repeated_at INTEGER;
ALTER TABLE sessions ADD COLUMN suspected_generation INTEGER;
ALTER TABLE sessions ADD COLUMN least_generation INTEGER NOT NULL DEFAULT 0;
)sql";

// What proves an address, and second factors. Gone with their user.
const std::string kVersion6 = R"sql(
ALTER TABLE users ADD COLUMN email_verified_at INTEGER;
CREATE TABLE one_time_links(
  user_id        INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  purpose        INTEGER NOT NULL,
  secret_hash    BLOB NOT NULL UNIQUE CHECK(length(secret_hash) = 32),
  email_key      TEXT NOT NULL,
  security_epoch INTEGER NOT NULL,
  created_at     INTEGER NOT NULL,
  expires_at     INTEGER NOT NULL,
  PRIMARY KEY(user_id, purpose)
) STRICT, WITHOUT ROWID;
CREATE TABLE second_factors(
  user_id      INTEGER PRIMARY KEY REFERENCES users(id) ON DELETE CASCADE,
  sealed       BLOB NOT NULL,
  confirmed_at INTEGER,
  last_step    INTEGER NOT NULL DEFAULT -1,
  tries        INTEGER NOT NULL DEFAULT 0,
  tries_since  INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE recovery_codes(
  user_id   INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  code_hash BLOB NOT NULL CHECK(length(code_hash) = 32),
  PRIMARY KEY(user_id, code_hash)
) STRICT, WITHOUT ROWID;
)sql";

// Users whose login is a client's own, and single tokens that were revoked, found by their `jti`.
const std::string kVersion7 = R"sql(
ALTER TABLE users ADD COLUMN home TEXT;
CREATE INDEX revoked_tokens ON revocations(subject) WHERE kind = 4;
)sql";

// How far this history of the database has come: see store/history.h.
const std::string kVersion8 = R"sql(
CREATE TABLE history(
  id        INTEGER PRIMARY KEY CHECK(id = 1),
  progress  INTEGER NOT NULL,
  gone_back TEXT
) STRICT;
INSERT INTO history(id, progress) VALUES(1, 0);
)sql";

// Keys as one versioned set, and the nodes that work with it.
const std::string kVersion9 = R"sql(
ALTER TABLE signing_keys ADD COLUMN audience TEXT NOT NULL DEFAULT '';
ALTER TABLE signing_keys ADD COLUMN state_since INTEGER NOT NULL DEFAULT 0;
ALTER TABLE signing_keys ADD COLUMN state_version INTEGER NOT NULL DEFAULT 0;
ALTER TABLE signing_keys ADD COLUMN published_at INTEGER;
ALTER TABLE signing_keys ADD COLUMN settling INTEGER NOT NULL DEFAULT 0;
ALTER TABLE signing_keys ADD COLUMN expires_max INTEGER NOT NULL DEFAULT 0;
UPDATE signing_keys SET state_since = created_at;
CREATE UNIQUE INDEX signing_keys_one_active ON signing_keys(algorithm) WHERE state = 'active' AND audience = '';
CREATE UNIQUE INDEX signing_keys_one_secret ON signing_keys(audience) WHERE state <> 'revoked' AND audience <> '';

CREATE TABLE key_set(
  id      INTEGER PRIMARY KEY CHECK(id = 1),
  version INTEGER NOT NULL,
  began   INTEGER NOT NULL DEFAULT 0,
  max_age INTEGER NOT NULL
) STRICT;
INSERT INTO key_set(id, version, max_age) SELECT 1, count(*), 0 FROM signing_keys;

CREATE TABLE key_nodes(
  id        TEXT PRIMARY KEY NOT NULL,
  reports   INTEGER NOT NULL,
  version   INTEGER NOT NULL,
  loaded_at INTEGER NOT NULL,
  seen_at   INTEGER NOT NULL,
  max_age   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
)sql";

// The audit as a chain, with what it tells of people beside it (store/audit.h). Entries of before have no place in it.
const std::string kVersion10 = R"sql(
DELETE FROM audit;
ALTER TABLE audit ADD COLUMN salt BLOB CHECK(length(salt) = 16);
ALTER TABLE audit ADD COLUMN actor TEXT;
ALTER TABLE audit ADD COLUMN address TEXT;
ALTER TABLE audit ADD COLUMN user_agent TEXT;
CREATE INDEX audit_by_sub ON audit(sub) WHERE sub IS NOT NULL;
CREATE INDEX audit_by_sid ON audit(sid) WHERE sid IS NOT NULL;

CREATE TABLE audit_chain(
  number     INTEGER PRIMARY KEY,
  at         INTEGER NOT NULL,
  kind       TEXT NOT NULL,
  commitment BLOB NOT NULL CHECK(length(commitment) = 32),
  hash       BLOB NOT NULL CHECK(length(hash) = 32)
) STRICT;

CREATE TABLE audit_head(
  id          INTEGER PRIMARY KEY CHECK(id = 1),
  number      INTEGER NOT NULL,
  hash        BLOB NOT NULL CHECK(length(hash) = 32),
  base_number INTEGER NOT NULL,
  base_hash   BLOB NOT NULL CHECK(length(base_hash) = 32)
) STRICT;
INSERT INTO audit_head(id, number, hash, base_number, base_hash) VALUES(1, 0, zeroblob(32), 0, zeroblob(32));
)sql";

// Sessions by a number made of their sid (session_key.h) and no longer by the sid itself: an inner page of a tree of
// numbers leads to many times more pages, so that all of them stay in the cache and a rotation reads one that is not
// there, the one with its row.
const std::string kVersion11 = R"sql(
CREATE TABLE sessions_by_key(
  id                   INTEGER PRIMARY KEY,
  sid                  BLOB NOT NULL CHECK(length(sid) = 16),
  user_id              INTEGER NOT NULL REFERENCES users(id),
  generation           INTEGER NOT NULL DEFAULT 0 CHECK(generation BETWEEN 0 AND 4294967295),
  key_id               INTEGER NOT NULL,
  client_id            TEXT NOT NULL,
  scope                TEXT NOT NULL,
  audience             TEXT NOT NULL,
  delivery             INTEGER NOT NULL,
  security_epoch       INTEGER NOT NULL,
  auth_time            INTEGER NOT NULL,
  rotated_at           INTEGER NOT NULL,
  previous_rotated_at  INTEGER NOT NULL,
  idle_expires_at      INTEGER NOT NULL,
  absolute_expires_at  INTEGER NOT NULL,
  access_expires_max   INTEGER NOT NULL,
  idempotency_key      BLOB,
  user_agent           TEXT,
  address              BLOB,
  ended_at             INTEGER,
  end_reason           INTEGER,
  fingerprint          BLOB,
  first_address        BLOB,
  repeats              INTEGER NOT NULL DEFAULT 0,
  repeated_at          INTEGER,
  suspected_generation INTEGER,
  least_generation     INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO sessions_by_key SELECT jeton_session_key(sid), sid, user_id, generation, key_id, client_id, scope, audience,
 delivery, security_epoch, auth_time, rotated_at, previous_rotated_at, idle_expires_at, absolute_expires_at,
 access_expires_max, idempotency_key, user_agent, address, ended_at, end_reason, fingerprint, first_address, repeats,
 repeated_at, suspected_generation, least_generation FROM sessions ORDER BY 1;
DROP TABLE sessions;
ALTER TABLE sessions_by_key RENAME TO sessions;
CREATE INDEX sessions_live_by_user ON sessions(user_id) WHERE ended_at IS NULL;
)sql";

// What a rotation asks of the session's user, in the session's own row, so that it reads one page and not two. The
// triggers keep it true, whoever changes the user. `owner_epoch` is null while the user is disabled or gone; long
// claims are not copied, and neither they nor the address stay in a session that has ended.
const std::string kVersion12 = R"sql(
ALTER TABLE sessions ADD COLUMN owner_epoch INTEGER;
ALTER TABLE sessions ADD COLUMN owner_version INTEGER;
ALTER TABLE sessions ADD COLUMN owner_sub TEXT;
ALTER TABLE sessions ADD COLUMN owner_email TEXT;
ALTER TABLE sessions ADD COLUMN owner_claims TEXT;
UPDATE sessions SET (owner_epoch, owner_version, owner_sub, owner_email, owner_claims) =
  (SELECT CASE disabled WHEN 0 THEN users.security_epoch END, version, sub, email,
          CASE WHEN length(CAST(claims AS BLOB)) <= 256 THEN claims END
   FROM users WHERE users.id = sessions.user_id)
 WHERE ended_at IS NULL;
CREATE TRIGGER users_changed AFTER UPDATE OF sub, email, claims, version, security_epoch, disabled ON users BEGIN
  UPDATE sessions SET owner_epoch = CASE new.disabled WHEN 0 THEN new.security_epoch END, owner_version = new.version,
    owner_sub = new.sub, owner_email = new.email,
    owner_claims = CASE WHEN length(CAST(new.claims AS BLOB)) <= 256 THEN new.claims END
   WHERE user_id = new.id AND ended_at IS NULL;
END;
CREATE TRIGGER users_gone AFTER DELETE ON users BEGIN
  UPDATE sessions SET owner_epoch = NULL WHERE user_id = old.id AND ended_at IS NULL;
END;
)sql";

const std::array kMigrations = {&kVersion1, &kVersion2, &kVersion3, &kVersion4,  &kVersion5,  &kVersion6,
                                &kVersion7, &kVersion8, &kVersion9, &kVersion10, &kVersion11, &kVersion12};

const std::string kReadApplicationId = "PRAGMA application_id";
const std::string kReadVersion = "PRAGMA user_version";

std::int64_t read_number(Connection& db, const std::string& sql) {
  auto row = db.query(sql);
  return row.step() ? row.integer_at(0) : 0;
}

}  // namespace

Migrations migrations() { return kMigrations; }
std::int32_t schema_version() { return static_cast<std::int32_t>(kMigrations.size()); }

std::int64_t read_application_id(Connection& db) { return read_number(db, kReadApplicationId); }
std::int64_t read_schema_version(Connection& db) { return read_number(db, kReadVersion); }

namespace {

// False after a failure that has latched.
bool begin_when_free(Connection& db) {
  const auto until = std::chrono::steady_clock::now() + migration_wait_max;
  for (;;) {
    db.execute("BEGIN IMMEDIATE");
    auto failure = db.take_failure();
    if (!failure) return true;
    if (failure->primary() != SQLITE_BUSY || std::chrono::steady_clock::now() >= until) {
      db.fail(failure->code, std::move(failure->message));
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
  }
}

}  // namespace

void migrate(Connection& db, Migrations all) {
  const auto newest = static_cast<std::int64_t>(all.size());
  while (read_schema_version(db) < newest && !db.failed() && begin_when_free(db)) {
    const auto found = read_schema_version(db);  // another process may have been first
    if (found < newest) {
      const auto reached = found == 0 ? newest : found + 1;
      for (auto next = found; next < reached; ++next) db.execute(*all[static_cast<std::size_t>(next)]);
      db.execute("PRAGMA application_id = " + std::to_string(application_id));
      db.execute("PRAGMA user_version = " + std::to_string(reached));
    }
    db.execute("COMMIT");
    if (db.failed() && db.in_transaction()) sqlite3_exec(db.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
}

}  // namespace jeton::store::sqlite
