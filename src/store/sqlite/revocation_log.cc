#include "store/sqlite/revocation_log.h"

#include "store/sqlite/aggregates.h"
#include "store/sqlite/session_rows.h"

#include <sqlite3.h>

#include <algorithm>
#include <limits>
#include <span>
#include <string>
#include <utility>

namespace jeton::store::sqlite {
namespace {

const std::string kHead = "SELECT n, h, time FROM feed_head";
const std::string kAdvance = "UPDATE feed_head SET n = ?, h = ? WHERE n = ?";
const std::string kAppend =
    "INSERT INTO revocations(n, kind, reason, subject, least, expires_at, h) VALUES(?, ?, ?, ?, ?, ?, ?)";
const std::string kRevokedToken = "SELECT 1 FROM revocations WHERE kind = 4 AND subject = ?";
// By the index of sessions that have not ended.
const std::string kUntil =
    "SELECT max(access_expires_max) FROM sessions"
    " WHERE user_id = (SELECT id FROM users WHERE sub = ?) AND ended_at IS NULL";
const std::string kVersion = "SELECT version FROM users WHERE sub = ?";
const std::string kLiveSessions =
    std::string{
        "SELECT sid, access_expires_max FROM sessions"
        " WHERE user_id = (SELECT id FROM users WHERE sub = ?) AND sid IS NOT ? AND "} +
    live_session;
// One statement, so that the head and the entries are of one moment.
const std::string kPage =
    "SELECT feed_head.n, feed_head.h, feed_head.purged, revocations.n, kind, reason, subject, least, expires_at,"
    " revocations.h, (SELECT gone_back IS NOT NULL FROM history) FROM feed_head"
    " LEFT JOIN revocations ON revocations.n > ?1 ORDER BY revocations.n LIMIT ?2";
const std::string kMoveTime = "UPDATE feed_head SET time = ? WHERE time < ?";
const std::string kForget =
    "DELETE FROM revocations WHERE n IN (SELECT n FROM revocations WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)"
    " RETURNING n";
const std::string kPurged = "UPDATE feed_head SET purged = max(purged, ?)";

constexpr std::int64_t forgotten_at_once_max = 2000;

std::int64_t as_column(std::uint64_t number) {
  constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return static_cast<std::int64_t>(std::min(number, most));
}

struct Head {
  std::uint64_t number = 0;
  FeedHash hash{};
  StoreTime time{};  // the feed's own
};

Head head_of(Connection& db) {
  auto row = db.query(kHead);
  if (!row.step()) {
    db.fail(SQLITE_CORRUPT, "the feed has no head");
    return {};
  }
  return {static_cast<std::uint64_t>(row.integer_at(0)), row.bytes_at<32>(1), row.time_at(2)};
}

std::int64_t seconds_of(StoreTime time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

FeedEntry entry_at(const Statement& row) {
  FeedEntry entry;
  entry.number = static_cast<std::uint64_t>(row.integer_at(3));
  entry.revocation.kind = static_cast<RevocationKind>(row.integer_at(4));
  entry.revocation.reason = static_cast<RevocationReason>(row.integer_at(5));
  entry.revocation.subject = row.text_at(6);
  if (!row.null_at(7)) entry.revocation.least = row.integer_at(7);
  entry.revocation.expires_at = row.integer_at(8);
  entry.hash = row.bytes_at<32>(9);
  if (!is_well_formed(entry.revocation)) row.damaged("an entry of the feed cannot be read");
  return entry;
}

FeedPage read_entries(Connection& db, std::uint64_t after) {
  FeedPage page;
  page.head.now = db.now();  // taken before the statement below began to see the database
  auto row = db.query(kPage);
  row.integer(as_column(after)).integer(static_cast<std::int64_t>(feed_page_entries_max));
  bool any = false;
  while (row.step()) {
    if (!std::exchange(any, true)) {
      page.head.number = static_cast<std::uint64_t>(row.integer_at(0));
      page.head.hash = row.bytes_at<32>(1);
      page.purged_up_to = static_cast<std::uint64_t>(row.integer_at(2));
      page.head.has_gone_back = row.integer_at(10) != 0;
    }
    if (!row.null_at(3)) page.entries.push_back(entry_at(row));
  }
  if (!any) db.fail(SQLITE_CORRUPT, "the feed has no head");
  return page;
}

FeedHead read_head(Connection& db) {
  const auto now = db.now();
  const auto head = head_of(db);
  return {.number = head.number, .hash = head.hash, .now = now};
}

std::uint64_t purge(Connection& db, std::chrono::milliseconds advance_max) {
  const auto before = head_of(db).time;
  // The first purge of a database begins with the clock as it is.
  const auto reachable = before == StoreTime{} ? db.now() : before + std::max(advance_max, {});
  const auto time = std::max(before, std::min(db.now(), reachable));
  db.query(kMoveTime).time(time).time(time).run();
  std::uint64_t forgotten = 0;
  std::int64_t newest = 0;
  {
    auto row = db.query(kForget);
    row.integer(seconds_of(time)).integer(forgotten_at_once_max);
    while (row.step()) {
      newest = std::max(newest, row.integer_at(0));
      ++forgotten;
    }
  }
  if (forgotten != 0) db.query(kPurged).integer(newest).run();
  return forgotten;
}

}  // namespace

std::uint64_t append_revocation(Connection& db, const Revocation& revocation) {
  if (!is_well_formed(revocation)) {
    db.fail(SQLITE_CONSTRAINT, "a revocation cannot be written");
    return 0;
  }
  const auto head = head_of(db);
  if (db.failed() || revocation.expires_at <= seconds_of(head.time)) return 0;
  const auto number = head.number + 1;
  const auto hash = chained(head.hash, number, revocation);
  auto insert = db.query(kAppend);
  insert.integer(as_column(number)).integer(static_cast<std::int64_t>(revocation.kind));
  insert.integer(static_cast<std::int64_t>(revocation.reason)).blob(std::as_bytes(std::span(revocation.subject)));
  if (revocation.least) {
    insert.integer(*revocation.least);
  } else {
    insert.null();
  }
  insert.integer(revocation.expires_at).blob(hash).run();
  const auto moved = db.query(kAdvance).integer(as_column(number)).blob(hash).integer(as_column(head.number)).run();
  if (moved != 1) db.fail(SQLITE_CORRUPT, "the feed's head has moved under a transaction");
  db.note_append();
  return number;
}

void revoke_session(Connection& db, const Sid& sid, StoreTime access_expires_max) {
  append_revocation(db, {.kind = RevocationKind::session,
                         .reason = RevocationReason::revoked,
                         .subject = {reinterpret_cast<const char*>(sid.data()), sid.size()},
                         .expires_at = revocation_expiry(access_expires_max)});
}

void revoke_generations_below(Connection& db, const Sid& sid, std::int64_t least, StoreTime access_expires_max) {
  append_revocation(db, {.kind = RevocationKind::session,
                         .reason = RevocationReason::stale_claims,
                         .subject = {reinterpret_cast<const char*>(sid.data()), sid.size()},
                         .least = least,
                         .expires_at = revocation_expiry(access_expires_max)});
}

void revoke_live_sessions(Connection& db, std::string_view sub, const std::optional<Sid>& keep) {
  struct Found {
    Sid sid;
    StoreTime until;
  };
  std::vector<Found> found;
  {
    auto row = db.query(kLiveSessions);
    row.text(sub);
    if (keep) {
      row.blob(*keep);
    } else {
      row.null();
    }
    while (row.step()) found.push_back({row.bytes_at<16>(0), row.time_at(1)});
  }
  for (const auto& [sid, until] : found) revoke_session(db, sid, until);
}

StoreTime access_tokens_until(Connection& db, std::string_view sub) {
  auto row = db.query(kUntil);
  row.text(sub);
  return row.step() && !row.null_at(0) ? row.time_at(0) : StoreTime{};
}

void revoke_versions(Connection& db, std::string_view sub, RevocationReason reason, StoreTime until) {
  std::int64_t version = 0;
  {
    auto row = db.query(kVersion);
    row.text(sub);
    if (!row.step()) return;
    version = row.integer_at(0);
  }
  append_revocation(db, {.kind = RevocationKind::subject,
                         .reason = reason,
                         .subject = std::string{sub},
                         .least = version,
                         .expires_at = revocation_expiry(until)});
}

void SqliteRevocations::revoke(Revocation revocation, Completion<std::uint64_t> done) {
  lanes_.write<std::uint64_t>(
      [revocation = std::move(revocation)](Connection& db) { return append_revocation(db, revocation); },
      std::move(done));
}

void SqliteRevocations::find_revoked_token(std::string jti, Completion<bool> done) {
  lanes_.read<bool>(
      [jti = std::move(jti)](Connection& db) {
        auto row = db.query(kRevokedToken);
        row.blob(std::as_bytes(std::span(jti)));
        return row.step();
      },
      std::move(done));
}

void SqliteRevocations::watch(std::function<void()> call) { lanes_.appended().set(std::move(call)); }

void SqliteRevocations::read_head(Completion<FeedHead> done) {
  lanes_.read<FeedHead>([](Connection& db) { return sqlite::read_head(db); }, std::move(done));
}

void SqliteRevocations::read_entries(std::uint64_t after, Completion<FeedPage> done) {
  lanes_.read<FeedPage>([after](Connection& db) { return sqlite::read_entries(db, after); }, std::move(done));
}

void SqliteRevocations::purge(std::chrono::milliseconds advance_max, Completion<std::uint64_t> done) {
  lanes_.write<std::uint64_t>([advance_max](Connection& db) { return sqlite::purge(db, advance_max); },
                              std::move(done));
}

}  // namespace jeton::store::sqlite
