#include "store/sqlite/event_outbox.h"

#include "store/outbox.h"
#include "store/sqlite/aggregates.h"

#include <string>
#include <utility>

namespace jeton::store::sqlite {
namespace {

constexpr std::int64_t waiting_counted_max = 10'000;

const std::string kEventsWanted = "SELECT 1 FROM settings WHERE name = 'events_wanted' AND value = 'yes'";
const std::string kWantEvents =
    "INSERT INTO settings(name, value) VALUES('events_wanted', ?) ON CONFLICT(name) DO UPDATE SET value = "
    "excluded.value";
// Ids of rows that were delivered leave gaps, so this counts too many rather than too few, without a scan.
const std::string kRoom = "SELECT coalesce(max(id) - min(id), 0) < ? FROM outbox";
const std::string kDrop =
    "INSERT INTO settings(name, value) VALUES('events_dropped', '1')"
    " ON CONFLICT(name) DO UPDATE SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT)";
const std::string kAppend =
    "INSERT INTO outbox(channel, message_id, kind, sub, sid, detail, sealed, created_at, due_at)"
    " VALUES(?, lower(hex(randomblob(16))), ?, ?, ?, ?, ?, jeton_now_ms(), jeton_now_ms())";
const std::string kNextDue = "SELECT due_at FROM outbox WHERE channel = ? ORDER BY due_at LIMIT 1";
const std::string kClaim =
    "UPDATE outbox SET due_at = jeton_now_ms() + ?1, attempts = attempts + 1 WHERE id IN"
    " (SELECT id FROM outbox WHERE channel = ?2 AND due_at <= jeton_now_ms() ORDER BY due_at LIMIT ?3)"
    " RETURNING id, attempts, message_id, kind, sub, sid, detail, sealed, created_at";
const std::string kDelivered = "DELETE FROM outbox WHERE id = ? AND attempts = ?";
const std::string kPutOff = "UPDATE outbox SET due_at = jeton_now_ms() + ? WHERE id = ? AND attempts = ?";
const std::string kGiveUp =
    "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE channel = ?1"
    " AND created_at <= jeton_now_ms() - ?2 ORDER BY id LIMIT 1000)";
const std::string kWaiting = "SELECT count(*) FROM (SELECT 1 FROM outbox WHERE channel = ? LIMIT ?)";
const std::string kDropped = "SELECT CAST(value AS INTEGER) FROM settings WHERE name = 'events_dropped'";

void insert(Connection& db, Channel channel, const Event& event, std::span<const std::byte> sealed) {
  auto row = db.query(kAppend);
  row.integer(static_cast<std::int64_t>(channel)).text(event.kind).text_or_null(event.sub);
  if (event.sid) {
    row.blob(*event.sid);
  } else {
    row.null();
  }
  row.text_or_null(event.detail);
  if (sealed.empty()) {
    row.null();
  } else {
    row.blob(sealed);
  }
  row.run();
}

OutboxMessage message_at(const Statement& row) {
  OutboxMessage message{.id = row.integer_at(0),
                        .attempts = row.integer_at(1),
                        .message_id = row.text_at(2),
                        .kind = row.text_at(3),
                        .sub = row.text_at(4),
                        .detail = row.text_at(6),
                        .created_at = row.time_at(8)};
  if (!row.null_at(5)) message.sid = row.bytes_at<16>(5);
  const auto sealed = row.blob_at(7);
  message.sealed.assign(sealed.begin(), sealed.end());
  return message;
}

std::optional<StoreTime> next_due(Connection& db, Channel channel) {
  auto row = db.query(kNextDue);
  row.integer(static_cast<std::int64_t>(channel));
  if (!row.step()) return std::nullopt;
  return row.time_at(0);
}

std::vector<OutboxMessage> claim(Connection& db, Channel channel, std::size_t count, std::chrono::milliseconds lease) {
  std::vector<OutboxMessage> claimed;
  auto row = db.query(kClaim);
  row.integer(lease.count()).integer(static_cast<std::int64_t>(channel)).integer(static_cast<std::int64_t>(count));
  while (row.step()) claimed.push_back(message_at(row));
  return claimed;
}

Outbox::Counts counts(Connection& db, Channel channel) {
  Outbox::Counts counts;
  {
    auto row = db.query(kWaiting);
    row.integer(static_cast<std::int64_t>(channel)).integer(waiting_counted_max);
    if (row.step()) counts.waiting = row.integer_at(0);
  }
  auto row = db.query(kDropped);
  if (row.step()) counts.dropped = row.integer_at(0);
  return counts;
}

}  // namespace

bool events_wanted(Connection& db) { return db.query(kEventsWanted).step(); }

void append_event(Connection& db, const Event& event) {
  if (!events_wanted(db)) return;
  if (outbox_has_room(db)) {
    insert(db, Channel::event, event, {});
  } else {
    db.query(kDrop).run();
  }
}

bool outbox_has_room(Connection& db) {
  auto row = db.query(kRoom);
  row.integer(outbox_messages_max);
  return row.step() && row.integer_at(0) != 0;
}

void append_mail(Connection& db, std::string_view kind, std::string_view sub, std::span<const std::byte> sealed) {
  insert(db, Channel::mail, {.kind = kind, .sub = sub}, sealed);
}

void SqliteOutbox::want_events(bool wanted, Completion<bool> done) {
  lanes_.write<bool>([wanted](Connection& db) { return db.query(kWantEvents).text(wanted ? "yes" : "no").run() == 1; },
                     std::move(done));
}

void SqliteOutbox::next_due(Channel channel, Completion<std::optional<StoreTime>> done) {
  lanes_.read<std::optional<StoreTime>>([channel](Connection& db) { return sqlite::next_due(db, channel); },
                                        std::move(done));
}

void SqliteOutbox::claim(Channel channel, std::size_t count, std::chrono::milliseconds lease,
                         Completion<std::vector<OutboxMessage>> done) {
  lanes_.write<std::vector<OutboxMessage>>(
      [channel, count, lease](Connection& db) { return sqlite::claim(db, channel, count, lease); }, std::move(done));
}

void SqliteOutbox::delivered(std::int64_t id, std::int64_t attempts, Completion<bool> done) {
  lanes_.write<bool>(
      [id, attempts](Connection& db) { return db.query(kDelivered).integer(id).integer(attempts).run() == 1; },
      std::move(done));
}

void SqliteOutbox::put_off(std::int64_t id, std::int64_t attempts, std::chrono::milliseconds delay,
                           Completion<bool> done) {
  lanes_.write<bool>(
      [id, attempts, delay](Connection& db) {
        return db.query(kPutOff).integer(delay.count()).integer(id).integer(attempts).run() == 1;
      },
      std::move(done));
}

void SqliteOutbox::give_up_older_than(Channel channel, std::chrono::milliseconds age, Completion<std::int64_t> done) {
  lanes_.write<std::int64_t>(
      [channel, age](Connection& db) {
        return db.query(kGiveUp).integer(static_cast<std::int64_t>(channel)).integer(age.count()).run();
      },
      std::move(done));
}

void SqliteOutbox::counts(Channel channel, Completion<Counts> done) {
  lanes_.read<Counts>([channel](Connection& db) { return sqlite::counts(db, channel); }, std::move(done));
}

}  // namespace jeton::store::sqlite
