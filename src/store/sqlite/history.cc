#include "store/history.h"

#include "store/sqlite/aggregates.h"
#include "store/sqlite/audit.h"
#include "store/sqlite/event_outbox.h"
#include "store/sqlite/history_rows.h"

#include <sqlite3.h>

#include <string>
#include <utility>

namespace jeton::store::sqlite {
namespace {

const std::string kRead =
    "SELECT coalesce((SELECT value FROM settings WHERE name = 'store_epoch'), ''), history.progress, feed_head.n,"
    " feed_head.h, history.gone_back IS NOT NULL FROM history, feed_head";
const std::string kAdvance = "UPDATE history SET progress = progress + 1";
const std::string kGoneBack = "UPDATE history SET gone_back = coalesce(gone_back, ?)";
const std::string kAccept = "UPDATE history SET progress = progress + 1, gone_back = NULL";
const std::string kWrite =
    "INSERT INTO settings(name, value) VALUES(?, ?) ON CONFLICT(name) DO UPDATE SET value = excluded.value";
const std::string kSetting = "SELECT value FROM settings WHERE name = ?";
const std::string kEndAll =
    "UPDATE sessions SET ended_at = jeton_now_ms(), end_reason = ?, owner_email = NULL, owner_claims = NULL"
    " WHERE ended_at IS NULL";
// A key that was revoked stays known as such. The set begins anew: its first key may sign at once.
const std::string kForgetKeys = "DELETE FROM signing_keys WHERE state <> 'revoked'";
const std::string kForgetNodes = "DELETE FROM key_nodes";
const std::string kBeginKeySet = "UPDATE key_set SET version = version + 1, began = version + 1";
const std::string kEmptyFeed = "DELETE FROM revocations";
const std::string kNewFeed = "UPDATE feed_head SET n = 0, h = zeroblob(32), purged = 0, time = 0";

HistoryMark read_mark(Connection& db) {
  auto row = db.query(kRead);
  if (!row.step()) {
    db.fail(SQLITE_CORRUPT, "the database does not know its own history");
    return {};
  }
  return {.epoch = row.text_at(0),
          .progress = row.integer_at(1),
          .feed_number = static_cast<std::uint64_t>(row.integer_at(2)),
          .feed_hash = row.bytes_at<32>(3),
          .has_gone_back = row.integer_at(4) != 0};
}

std::string setting(Connection& db, std::string_view name) {
  auto row = db.query(kSetting);
  row.text(name);
  return row.step() ? row.text_at(0) : std::string{};
}

// The epoch that ends now before those that ended earlier; the oldest are forgotten.
std::string with_former(std::string text, const std::string& earlier) {
  if (!earlier.empty()) text += ' ' + earlier;
  std::size_t at = 0;
  for (int i = 0; i < former_epochs_max; ++i) {
    at = text.find(' ', at == 0 ? 0 : at + 1);
    if (at == std::string::npos) return text;
  }
  return text.substr(0, at);
}

HistoryMark begin_history(Connection& db, const std::string& epoch) {
  const std::string before = setting(db, "store_epoch");
  if (!before.empty()) {
    const std::string former = with_former(before, setting(db, former_epochs_setting));
    db.query(kWrite).text(former_epochs_setting).text(former).run();
  }
  db.query(kWrite).text("store_epoch").text(epoch).run();
  db.query(kEndAll).integer(static_cast<std::int64_t>(EndReason::store_went_back)).run();
  db.query(kForgetKeys).run();
  db.query(kForgetNodes).run();
  db.query(kBeginKeySet).run();
  db.ask_for_cut();
  db.query(kEmptyFeed).run();
  db.query(kNewFeed).run();
  db.query(kAccept).run();
  append_audit(db, {.kind = "history_begun", .detail = epoch});
  append_event(db, {.kind = "store.restored"});  // one for all sessions: there may be millions
  return read_mark(db);
}

}  // namespace

void note_gone_back(Connection& db, std::string_view why) {
  db.query(kGoneBack).text(why).run();
  db.note_append();
}

void SqliteHistory::read_mark(Completion<HistoryMark> done) {
  lanes_.read<HistoryMark>([](Connection& db) { return sqlite::read_mark(db); }, std::move(done));
}

void SqliteHistory::advance(Completion<HistoryMark> done) {
  lanes_.write<HistoryMark>(
      [](Connection& db) {
        db.query(kAdvance).run();
        return sqlite::read_mark(db);
      },
      std::move(done));
}

void SqliteHistory::note_gone_back(std::string why, Completion<bool> done) {
  lanes_.write<bool>(
      [why = std::move(why)](Connection& db) {
        sqlite::note_gone_back(db, why);
        append_audit(db, {.kind = "store_went_back", .detail = why});
        return true;
      },
      std::move(done));
}

void SqliteHistory::begin_history(std::string epoch, Completion<HistoryMark> done, Actor by) {
  lanes_.write<HistoryMark>(
      [epoch = std::move(epoch), by = std::move(by)](Connection& db) {
        const ActingAs acting(db, by);
        return sqlite::begin_history(db, epoch);
      },
      std::move(done));
}

}  // namespace jeton::store::sqlite
