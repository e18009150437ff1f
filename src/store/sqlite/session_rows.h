// Session rows: reading, ending and describing them. Shared by the session operations and by those on users that end
// sessions.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/rotation_rule.h"
#include "store/sessions.h"
#include "store/sqlite/connection.h"
#include "store/users.h"

namespace jeton::store::sqlite {

// The SQL condition under which a row of `sessions` is live: not ended, not expired, its user there, enabled, and of
// the security epoch it was signed in with. In one place, for every statement that decides.
inline constexpr char live_session[] =
    "(sessions.ended_at IS NULL"
    " AND jeton_now_ms() < sessions.idle_expires_at"
    " AND jeton_now_ms() < sessions.absolute_expires_at"
    " AND sessions.owner_epoch IS sessions.security_epoch)";

// The columns of a Session, in the order in which session_at reads them.
inline constexpr char session_columns[] =
    "sessions.generation, sessions.key_id, sessions.client_id, sessions.scope, sessions.audience,"
    " sessions.delivery, sessions.security_epoch, sessions.auth_time, sessions.rotated_at,"
    " sessions.previous_rotated_at, sessions.idle_expires_at, sessions.absolute_expires_at,"
    " sessions.access_expires_max, sessions.ended_at, sessions.end_reason, sessions.user_agent, sessions.address,"
    " sessions.first_address, sessions.repeats, sessions.repeated_at, sessions.least_generation";
inline constexpr int session_columns_count = 21;

// Without its `sub`.
Session session_at(const Statement& row, const Sid& sid);

struct SessionRow {
  Session session;
  std::optional<User> user{};  // none: it is gone
  std::optional<Digest> idempotency_key{};
  std::optional<Fingerprint> fingerprint{};
  std::vector<std::byte> address{}, first_address{};  // packed
  bool live = false;

  SessionFacts facts() const;
};

std::optional<SessionRow> read_session(Connection&, const Sid&);
// The live sessions of a user, the last used first.
std::vector<Session> read_live_sessions(Connection&, std::string_view sub, std::int64_t count_max);

// Ends one live session, and keeps the event of it. False if it was not live.
bool end_live_session(Connection&, const Sid&, EndReason);
// Ends all live sessions of a user but `keep`, each with its event. The number ended. Call it before the user's
// security epoch is raised: afterwards none is live.
std::int64_t end_live_sessions_of(Connection&, std::string_view sub, EndReason, const std::optional<Sid>& keep);

// "Chrome/126;Linux", cut to what a device list needs; whole UTF-8 characters.
std::string_view short_user_agent(std::string_view user_agent);
// An IPv4 or IPv6 address as 4 or 16 bytes; empty if it is neither.
std::vector<std::byte> packed_address(const std::string& address);
// The reverse.
std::string address_text(std::span<const std::byte> packed);
// Within what a column of milliseconds can add up without leaving 64 bits; negative counts as 0.
std::int64_t bounded(std::chrono::milliseconds duration);

}  // namespace jeton::store::sqlite
