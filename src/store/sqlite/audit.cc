#include "store/sqlite/audit.h"

#include "store/sqlite/aggregates.h"
#include "store/sqlite/audit_chain.h"

#include <sqlite3.h>

#include <algorithm>
#include <string>
#include <utility>

namespace jeton::store::sqlite {
namespace {

const std::string kHead = "SELECT number, hash, base_number, base_hash FROM audit_head WHERE id = 1";
const std::string kMoveHead = "UPDATE audit_head SET number = ?, hash = ? WHERE id = 1 AND number = ?";
const std::string kAppendLink =
    "INSERT INTO audit_chain(number, at, kind, commitment, hash) VALUES(?, jeton_now_ms(), ?, ?, ?)";
const std::string kAppendData =
    "INSERT INTO audit(id, at, kind, salt, sub, sid, detail, actor, address, user_agent)"
    " VALUES(?, jeton_now_ms(), ?, ?, ?, ?, ?, ?, ?, ?)";
const std::string kErase = "DELETE FROM audit WHERE sub = ?";
const std::string kLinks =
    "SELECT chain.number, chain.at, chain.kind, chain.commitment, chain.hash, audit.id, audit.salt, audit.sub,"
    " audit.sid, audit.detail, audit.actor, audit.address, audit.user_agent, audit.at, audit.kind"
    " FROM audit_chain AS chain LEFT JOIN audit ON audit.id = chain.number"
    " WHERE chain.number > ? ORDER BY chain.number LIMIT ?";
const std::string kList =
    "SELECT chain.number, chain.at, chain.kind, audit.id, audit.sub, audit.sid, audit.detail, audit.actor,"
    " audit.address, audit.user_agent"
    " FROM audit_chain AS chain LEFT JOIN audit ON audit.id = chain.number"
    " WHERE (?1 = 0 OR chain.number < ?1) AND (?2 = '' OR chain.kind = ?2) AND (?3 = '' OR audit.sub = ?3)"
    " AND (?4 IS NULL OR audit.sid = ?4) ORDER BY chain.number DESC LIMIT ?5";
const std::string kStray =
    "SELECT min(id) FROM audit WHERE NOT EXISTS(SELECT 1 FROM audit_chain WHERE number = audit.id)";
const std::string kOldest = "SELECT min(number) FROM audit_chain";
const std::string kLastBefore =
    "SELECT number, hash FROM audit_chain WHERE number IN"
    " (SELECT number FROM audit_chain WHERE at < ?1 ORDER BY number LIMIT ?2) ORDER BY number DESC LIMIT 1";
const std::string kForgetData = "DELETE FROM audit WHERE id <= ?";
const std::string kForgetLinks = "DELETE FROM audit_chain WHERE number <= ?";
const std::string kMoveBase = "UPDATE audit_head SET base_number = ?, base_hash = ? WHERE id = 1";

struct Ends {
  AuditHead head, base;
};

Ends read_ends(Connection& db) {
  auto row = db.query(kHead);
  if (!row.step()) {
    db.fail(SQLITE_CORRUPT, "the head of the audit is gone");
    return {};
  }
  return {{row.integer_at(0), row.bytes_at<32>(1)}, {row.integer_at(2), row.bytes_at<32>(3)}};
}

void bind_sid(Statement& statement, const std::optional<Sid>& sid) {
  if (sid) {
    statement.blob(*sid);
  } else {
    statement.null();
  }
}

std::optional<Sid> sid_at(const Statement& row, int column) {
  return row.null_at(column) ? std::nullopt : std::optional<Sid>{row.bytes_at<16>(column)};
}

std::vector<AuditEntry> list_audit(Connection& db, const AuditQuery& query) {
  std::vector<AuditEntry> entries;
  auto row = db.query(kList);
  row.integer(query.before).text(query.kind).text(query.sub);
  bind_sid(row, query.sid);
  row.integer(static_cast<std::int64_t>(query.entries_max));
  while (row.step()) {
    entries.push_back({.number = row.integer_at(0),
                       .at = row.time_at(1),
                       .kind = row.text_at(2),
                       .is_erased = row.null_at(3),
                       .sub = row.text_at(4),
                       .sid = sid_at(row, 5),
                       .detail = row.text_at(6),
                       .actor = row.text_at(7),
                       .address = row.text_at(8),
                       .user_agent = row.text_at(9)});
  }
  return entries;
}

// What is wrong with one entry, given the one before; empty if nothing is.
std::string_view objection(const Statement& row, const AuditHead& before, AuditCheck& check) {
  const std::int64_t number = row.integer_at(0);
  const std::int64_t at = row.integer_at(1);
  const std::string kind = row.text_at(2);
  const auto commitment = row.bytes_at<32>(3);
  if (number != before.number + 1) return "is missing";
  if (row.bytes_at<32>(4) != chained(before.hash, {number, at, kind, commitment})) {
    return "is not the one that was written: it was changed, moved or put in";
  }
  if (row.null_at(5)) {
    ++check.erased;
    return {};
  }
  const AuditFacts facts{.sub = row.text_at(7),
                         .sid = sid_at(row, 8),
                         .detail = row.text_at(9),
                         .actor = row.text_at(10),
                         .address = row.text_at(11),
                         .user_agent = row.text_at(12)};
  const bool is_same = row.integer_at(13) == at && row.text_at(14) == kind &&
                       commitment_to(row.bytes_at<audit_salt_bytes>(6), facts) == commitment;
  return is_same ? std::string_view{} : "has other data than was written with it";
}

AuditCheck broken(AuditCheck check, std::int64_t number, std::string_view what) {
  check.broken_at = number;
  check.what = what;
  return check;
}

AuditCheck verify_audit(Connection& db, AuditCheck check, std::size_t entries_max) {
  const Ends begin = read_ends(db);
  if (check.reached.number < begin.base.number) check.reached = begin.base;  // forgotten since, or the first piece
  check.first = begin.base.number + 1;
  std::size_t seen = 0;
  {
    auto row = db.query(kLinks);
    row.integer(check.reached.number).integer(static_cast<std::int64_t>(entries_max));
    for (; row.step(); ++seen) {
      if (const auto what = objection(row, check.reached, check); !what.empty()) {
        return broken(std::move(check), check.reached.number + 1, what);
      }
      check.reached = {row.integer_at(0), row.bytes_at<32>(4)};
    }
  }
  if (seen == entries_max) return check;
  // What has been appended meanwhile is for the next piece; less than was there cannot be.
  const Ends end = read_ends(db);
  if (end.head.number > check.reached.number && begin.head.number <= check.reached.number) return check;
  if (end.head.number > check.reached.number) return broken(std::move(check), check.reached.number + 1, "is missing");
  if (end.head != check.reached) return broken(std::move(check), end.head.number + 1, "is not known to the head");
  if (auto stray = db.query(kStray); stray.step() && !stray.null_at(0)) {
    const std::int64_t number = stray.integer_at(0);
    return broken(std::move(check), std::max<std::int64_t>(number, 1), "has data and no place in the chain");
  }
  check.is_done = true;
  return check;
}

std::int64_t forget_before(Connection& db, StoreTime time, std::size_t entries_max) {
  AuditHead last;
  if (auto row = db.query(kLastBefore); row.time(time).integer(static_cast<std::int64_t>(entries_max)).step()) {
    last = {row.integer_at(0), row.bytes_at<32>(1)};
  } else {
    return 0;
  }
  db.query(kForgetData).integer(last.number).run();
  const std::int64_t forgotten = db.query(kForgetLinks).integer(last.number).run();
  db.query(kMoveBase).integer(last.number).blob(last.hash).run();
  return forgotten;
}

}  // namespace

void append_audit(Connection& db, const AuditEvent& event) {
  const std::string actor(event.actor.empty() ? std::string_view(db.actor()) : event.actor);
  const AuditHead before = read_ends(db).head;
  const std::int64_t number = before.number + 1;
  const std::int64_t at = db.now().time_since_epoch().count();
  const auto salt = random_salt();
  const AuditFacts facts{.sub = std::string(event.sub),
                         .sid = event.sid,
                         .detail = std::string(event.detail),
                         .actor = actor,
                         .address = std::string(event.address),
                         .user_agent = std::string(event.user_agent)};
  const Digest commitment = commitment_to(salt, facts);
  const Digest hash = chained(before.hash, {number, at, event.kind, commitment});
  db.query(kAppendLink).integer(number).text(event.kind).blob(commitment).blob(hash).run();
  auto insert = db.query(kAppendData);
  insert.integer(number).text(event.kind).blob(salt).text_or_null(event.sub);
  bind_sid(insert, event.sid);
  insert.text_or_null(event.detail).text_or_null(actor).text_or_null(event.address);
  insert.text_or_null(event.user_agent).run();
  if (db.query(kMoveHead).integer(number).blob(hash).integer(before.number).run() != 1 && !db.failed()) {
    db.fail(SQLITE_CORRUPT, "the audit's head has moved under a transaction");
  }
}

std::int64_t erase_audit_of(Connection& db, std::string_view sub) {
  if (sub.empty()) return 0;
  return db.query(kErase).text(sub).run();
}

std::string_view to_text(EndReason reason) {
  switch (reason) {
    case EndReason::logout: return "logout";
    case EndReason::reuse: return "reuse";
    case EndReason::password_changed: return "password_changed";
    case EndReason::user_disabled: return "user_disabled";
    case EndReason::revoked: return "revoked";
    case EndReason::expired: return "expired";
    case EndReason::store_went_back: return "store_went_back";
    case EndReason::suspicion: return "suspicion";
    case EndReason::session_cap: return "session_cap";
    case EndReason::user_erased: return "user_erased";
  }
  std::unreachable();
}

void SqliteAudit::list_audit(AuditQuery query, Completion<std::vector<AuditEntry>> done) {
  lanes_.read<std::vector<AuditEntry>>(
      [query = std::move(query)](Connection& db) { return sqlite::list_audit(db, query); }, std::move(done));
}

void SqliteAudit::verify_audit(AuditCheck so_far, std::size_t entries_max, Completion<AuditCheck> done) {
  lanes_.read<AuditCheck>(
      [so_far = std::move(so_far), entries_max](Connection& db) {
        return sqlite::verify_audit(db, so_far, std::max<std::size_t>(entries_max, 1));
      },
      std::move(done));
}

void SqliteAudit::erase_audit_of(std::string sub, Completion<std::int64_t> done, Actor by) {
  lanes_.write<std::int64_t>(
      [sub = std::move(sub), by = std::move(by)](Connection& db) {
        const ActingAs acting(db, by);
        const std::int64_t erased = sqlite::erase_audit_of(db, sub);
        db.ask_for_cut();
        append_audit(db, {.kind = "audit_data_erased", .detail = std::to_string(erased)});
        return erased;
      },
      std::move(done));
}

void SqliteAudit::forget_audit_before(StoreTime time, std::size_t entries_max, Completion<std::int64_t> done) {
  lanes_.write<std::int64_t>([time, entries_max](Connection& db) { return forget_before(db, time, entries_max); },
                             std::move(done));
}

}  // namespace jeton::store::sqlite
