#include "store/sqlite/session_rows.h"

#include "store/sqlite/audit.h"
#include "store/sqlite/event_outbox.h"
#include "store/sqlite/user_rows.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

namespace jeton::store::sqlite {

namespace {

constexpr std::size_t user_agent_bytes_max = 64;
constexpr std::chrono::milliseconds duration_max = std::chrono::years{1000};

constexpr int idempotency_key_column = session_columns_count;
constexpr int fingerprint_column = 22;
constexpr int live_column = 23;
constexpr int user_id_column = 24;

const std::string kRead = std::string{"SELECT "} + session_columns +
                          ", sessions.idempotency_key, sessions.fingerprint, " + live_session + ", users.id, " +
                          user_columns +
                          " FROM sessions LEFT JOIN users ON users.id = sessions.user_id"
                          " WHERE sessions.id = jeton_session_key(?1) AND sessions.sid = ?1";

const std::string kReadLive = std::string{"SELECT "} + session_columns +
                              ", sessions.sid FROM sessions JOIN users ON users.id = sessions.user_id"
                              " WHERE users.sub = ? AND " +
                              live_session + " ORDER BY sessions.rotated_at DESC, sessions.sid LIMIT ?";
constexpr int sid_column = session_columns_count;

const std::string kEnd =
    std::string{
        "UPDATE sessions SET ended_at = jeton_now_ms(), end_reason = ?1, owner_email = NULL, owner_claims = NULL"
        " WHERE id = jeton_session_key(?2) AND sid = ?2 AND "} +
    live_session + " RETURNING (SELECT sub FROM users WHERE users.id = sessions.user_id)";
const std::string kEndAll =
    std::string{
        "UPDATE sessions SET ended_at = jeton_now_ms(), end_reason = ?, owner_email = NULL, owner_claims = NULL"
        " WHERE user_id = (SELECT id FROM users WHERE sub = ?) AND sid IS NOT ? AND "} +
    live_session + " RETURNING sid";

EndReason end_reason_at(const Statement& row, int column) {
  const auto number = row.integer_at(column);
  if (number < 0 || number > static_cast<std::int64_t>(end_reason_last)) row.damaged("unknown end reason");
  return static_cast<EndReason>(number);
}

Delivery delivery_at(const Statement& row, int column) {
  const auto number = row.integer_at(column);
  if (number < 0 || number > static_cast<std::int64_t>(Delivery::cookie)) row.damaged("unknown delivery");
  return static_cast<Delivery>(number);
}

// Whatever ends a session passes here, so that none ends without its event.
void append_end(Connection& db, std::string_view sub, const Sid& sid, EndReason reason) {
  if (!events_wanted(db)) return;
  const std::string detail = R"({"reason":")" + std::string(to_text(reason)) + R"("})";
  append_event(db, {.kind = "session.ended", .sub = sub, .sid = sid, .detail = detail});
}

}  // namespace

Session session_at(const Statement& row, const Sid& sid) {
  Session session;
  session.sid = sid;
  session.generation = row.integer_at(0);
  session.key_id = static_cast<std::uint32_t>(row.integer_at(1));
  session.client_id = row.text_at(2);
  session.scope = row.text_at(3);
  session.audience = row.text_at(4);
  session.delivery = delivery_at(row, 5);
  session.security_epoch = row.integer_at(6);
  session.auth_time = row.time_at(7);
  session.rotated_at = row.time_at(8);
  session.previous_rotated_at = row.time_at(9);
  session.idle_expires_at = row.time_at(10);
  session.absolute_expires_at = row.time_at(11);
  session.access_expires_max = row.time_at(12);
  if (!row.null_at(13)) {
    session.ended_at = row.time_at(13);
    session.end_reason = end_reason_at(row, 14);
  }
  if (!row.null_at(15)) session.user_agent = row.text_at(15);
  session.address = address_text(row.blob_at(16));
  session.first_address = row.null_at(17) ? session.address : address_text(row.blob_at(17));
  session.repeats = row.integer_at(18);
  if (!row.null_at(19)) session.repeated_at = row.time_at(19);
  session.least_generation = row.integer_at(20);
  return session;
}

SessionFacts SessionRow::facts() const {
  return {.live = live,
          .generation = session.generation,
          .client_id = session.client_id,
          .scope = session.scope,
          .idempotency_key = idempotency_key,
          .rotated_at = session.rotated_at,
          .previous_rotated_at = session.previous_rotated_at,
          .delivery = session.delivery};
}

std::optional<SessionRow> read_session(Connection& db, const Sid& sid) {
  auto row = db.query(kRead);
  row.blob(sid);
  if (!row.step()) return std::nullopt;
  SessionRow found;
  found.session = session_at(row, sid);
  const auto copied = [](std::span<const std::byte> bytes) { return std::vector(bytes.begin(), bytes.end()); };
  found.address = copied(row.blob_at(16));
  found.first_address = copied(row.blob_at(17));
  if (!row.null_at(idempotency_key_column)) found.idempotency_key = row.bytes_at<32>(idempotency_key_column);
  if (!row.null_at(fingerprint_column)) found.fingerprint = row.bytes_at<16>(fingerprint_column);
  found.live = row.integer_at(live_column) != 0;
  if (!row.null_at(user_id_column)) {
    found.user = user_at(row, user_id_column + 1);
    found.session.sub = found.user->sub;
  }
  return found;
}

std::vector<Session> read_live_sessions(Connection& db, std::string_view sub, std::int64_t count_max) {
  std::vector<Session> found;
  auto row = db.query(kReadLive);
  row.text(sub).integer(count_max);
  while (row.step()) {
    found.push_back(session_at(row, row.bytes_at<16>(sid_column)));
    found.back().sub = sub;
  }
  return found;
}

bool end_live_session(Connection& db, const Sid& sid, EndReason reason) {
  std::string sub;
  {
    auto row = db.query(kEnd);
    row.integer(static_cast<std::int64_t>(reason)).blob(sid);
    if (!row.step()) return false;
    sub = row.text_at(0);
    while (row.step()) {
    }
  }
  append_end(db, sub, sid, reason);
  return !db.failed();
}

std::int64_t end_live_sessions_of(Connection& db, std::string_view sub, EndReason reason,
                                  const std::optional<Sid>& keep) {
  std::vector<Sid> ended;
  {
    auto row = db.query(kEndAll);
    row.integer(static_cast<std::int64_t>(reason)).text(sub);
    if (keep) {
      row.blob(*keep);
    } else {
      row.null();
    }
    while (row.step()) ended.push_back(row.bytes_at<16>(0));
  }
  for (const Sid& sid : ended) append_end(db, sub, sid, reason);
  return db.failed() ? 0 : static_cast<std::int64_t>(ended.size());
}

std::string_view short_user_agent(std::string_view user_agent) {
  if (user_agent.size() <= user_agent_bytes_max) return user_agent;
  auto end = user_agent_bytes_max;
  const auto continues = [&](std::size_t at) { return (static_cast<unsigned char>(user_agent[at]) & 0xC0) == 0x80; };
  while (end > 0 && continues(end)) --end;
  return user_agent.substr(0, end);
}

std::vector<std::byte> packed_address(const std::string& address) {
  std::vector<std::byte> bytes(16);
  if (::inet_pton(AF_INET6, address.c_str(), bytes.data()) == 1) return bytes;
  bytes.resize(4);
  if (::inet_pton(AF_INET, address.c_str(), bytes.data()) == 1) return bytes;
  return {};
}

std::string address_text(std::span<const std::byte> packed) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (packed.size() != 4 && packed.size() != 16) return {};
  ::inet_ntop(packed.size() == 4 ? AF_INET : AF_INET6, packed.data(), text.data(), text.size());
  return text.data();
}

std::int64_t bounded(std::chrono::milliseconds duration) {
  return std::clamp(duration, std::chrono::milliseconds::zero(), duration_max).count();
}

}  // namespace jeton::store::sqlite
