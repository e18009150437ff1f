#include "store/sqlite/connection.h"

#include "store/rotation_rule.h"
#include "store/sqlite/session_key.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <thread>
#include <utility>

namespace jeton::store::sqlite {
namespace {

// The path as an SQLite URI, so that immutable=1 can be said.
std::string immutable_uri(std::string_view path) {
  static constexpr std::string_view digits = "0123456789ABCDEF";
  std::string uri = "file:";
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '%' || c == '?' || c == '#' || byte < 0x20) {
      uri += {'%', digits[byte >> 4], digits[byte & 15]};
    } else {
      uri += c;
    }
  }
  return uri + "?immutable=1";
}

std::string_view text_argument(sqlite3_value* value) {
  const auto* data = static_cast<const char*>(sqlite3_value_blob(value));
  if (data == nullptr) return {};
  return {data, static_cast<std::size_t>(sqlite3_value_bytes(value))};
}

void sql_now_ms(sqlite3_context* context, int, sqlite3_value**) {
  const auto* connection = static_cast<const Connection*>(sqlite3_user_data(context));
  sqlite3_result_int64(context, connection->now().time_since_epoch().count());
}

void sql_scope_within(sqlite3_context* context, int, sqlite3_value** values) {
  sqlite3_result_int(context, scope_within(text_argument(values[0]), text_argument(values[1])) ? 1 : 0);
}

void sql_session_key(sqlite3_context* context, int, sqlite3_value** values) {
  Sid sid{};
  const auto bytes = text_argument(values[0]);
  if (bytes.size() != sid.size()) return sqlite3_result_null(context);
  std::memcpy(sid.data(), bytes.data(), sid.size());
  sqlite3_result_int64(context, session_key(sid));
}

int flags_of(Access access) {
  const int common = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  switch (access) {
    case Access::read_write: return common | SQLITE_OPEN_READWRITE;
    case Access::read_only: return common | SQLITE_OPEN_READONLY;
    case Access::immutable: return common | SQLITE_OPEN_READONLY | SQLITE_OPEN_URI;
  }
  std::unreachable();
}

}  // namespace

std::expected<std::unique_ptr<Connection>, Failure> Connection::open(const Opening& opening, Access access) {
  sqlite3* handle = nullptr;
  const std::string name = access == Access::immutable ? immutable_uri(opening.path) : opening.path;
  const int code = sqlite3_open_v2(name.c_str(), &handle, flags_of(access), nullptr);
  if (code != SQLITE_OK) {
    Failure failure{code, handle != nullptr ? sqlite3_errmsg(handle) : sqlite3_errstr(code)};
    sqlite3_close_v2(handle);
    return std::unexpected(std::move(failure));
  }
  std::unique_ptr<Connection> connection{new Connection(opening, handle)};
  connection->configure();
  if (access != Access::read_write) {
    sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  }
  if (auto failure = connection->take_failure()) return std::unexpected(std::move(*failure));
  return connection;
}

Connection::Connection(const Opening& opening, sqlite3* handle)
    : clock_(opening.clock), handle_(handle), busy_wait_max_(opening.busy_wait_max) {
  sample_clock();
}

Connection::~Connection() {
  for (auto& [text, compiled] : compiled_) sqlite3_finalize(compiled);
  sqlite3_close_v2(handle_);
}

void Connection::configure() {
  const auto must = [this](int code) {
    if (code != SQLITE_OK) fail_with(code);
  };
  must(sqlite3_busy_handler(handle_, &Connection::on_busy, this));
  // The schema of a file somebody prepared must not be able to run anything of ours.
  must(sqlite3_db_config(handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr));
  must(sqlite3_db_config(handle_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr));
  must(sqlite3_db_config(handle_, SQLITE_DBCONFIG_DQS_DML, 0, nullptr));
  must(sqlite3_db_config(handle_, SQLITE_DBCONFIG_DQS_DDL, 0, nullptr));
  must(sqlite3_create_function_v2(handle_, "jeton_now_ms", 0, SQLITE_UTF8 | SQLITE_DIRECTONLY, this, &sql_now_ms,
                                  nullptr, nullptr, nullptr));
  must(sqlite3_create_function_v2(handle_, "jeton_scope_within", 2,
                                  SQLITE_UTF8 | SQLITE_DIRECTONLY | SQLITE_DETERMINISTIC, nullptr, &sql_scope_within,
                                  nullptr, nullptr, nullptr));
  must(sqlite3_create_function_v2(handle_, "jeton_session_key", 1,
                                  SQLITE_UTF8 | SQLITE_DIRECTONLY | SQLITE_DETERMINISTIC, nullptr, &sql_session_key,
                                  nullptr, nullptr, nullptr));
  // Also switches off the automatic checkpoint: the writer decides when.
  sqlite3_wal_hook(handle_, &Connection::on_commit, this);
}

// Short sleeps, because the other side's commit takes well under a millisecond of lock time; bounded by the wall of
// busy_wait_max, after which the caller gets SQLITE_BUSY.
int Connection::on_busy(void* self, int count) {
  auto& connection = *static_cast<Connection*>(self);
  const auto now = std::chrono::steady_clock::now();
  if (count == 0) connection.busy_since_ = now;
  if (now - connection.busy_since_ >= connection.busy_wait_max_) return 0;
  std::this_thread::sleep_for(std::chrono::microseconds{std::min(100 * (count + 1), 1000)});
  return 1;
}

int Connection::on_commit(void* self, sqlite3*, const char*, int pages) {
  static_cast<Connection*>(self)->wal_pages_ = pages;
  return SQLITE_OK;
}

Statement Connection::query(const std::string& sql) {
  if (failed()) return {*this, nullptr};
  auto& compiled = compiled_[&sql];
  if (compiled == nullptr) {
    const int code = sqlite3_prepare_v3(handle_, sql.c_str(), static_cast<int>(sql.size()) + 1,
                                        SQLITE_PREPARE_PERSISTENT, &compiled, nullptr);
    if (code != SQLITE_OK) {
      fail_with(code);
      return {*this, nullptr};
    }
  }
  return {*this, compiled};
}

bool Connection::execute(const std::string& sql) {
  if (failed()) return false;
  const int code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail_with(code);
  return code == SQLITE_OK;
}

void Connection::fail(int code, std::string message) {
  if (!failure_) failure_ = Failure{code, std::move(message)};
}

void Connection::fail_with(int code) { fail(code, sqlite3_errmsg(handle_)); }

bool Connection::in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }

void Connection::checkpoint(bool cut, std::chrono::milliseconds wait) {
  const auto usual = std::exchange(busy_wait_max_, wait);
  int pages = 0;
  const int mode = cut ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;
  const int code = sqlite3_wal_checkpoint_v2(handle_, nullptr, mode, &pages, nullptr);
  busy_wait_max_ = usual;
  if (pages >= 0) wal_pages_ = pages;
  if (cut && code == SQLITE_OK) cut_is_due_ = false;
  // A reader or another process in the way is no failure: the next commit tries again.
  if (code != SQLITE_OK && (code & 0xff) != SQLITE_BUSY && (code & 0xff) != SQLITE_LOCKED) fail_with(code);
}

bool is_io_failure(const Failure& failure) {
  switch (failure.primary()) {
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_PROTOCOL:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return true;
    default: return false;
  }
}

bool is_storage_failure(const Failure& failure) {
  switch (failure.primary()) {
    case SQLITE_FULL:
    case SQLITE_READONLY:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_NOMEM:
    case SQLITE_INTERRUPT: return true;
    default: return is_io_failure(failure);
  }
}

Error to_error(const Failure& failure, const std::string& path) {
  const auto say = [&](Errc code, std::string_view remedy) {
    std::string text = path + ": " + failure.message + ".";
    if (!remedy.empty()) text += " " + std::string{remedy};
    return Error{code, std::move(text)};
  };
  switch (failure.primary()) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return say(Errc::corrupt, "Restore it from a backup; the file was left as it is.");
    case SQLITE_FULL: return say(Errc::unavailable, "Make room on its disk; Jeton goes on by itself.");
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return say(Errc::unavailable, "The file and its folder must be writable by the user Jeton runs as.");
    case SQLITE_CANTOPEN:
      return say(Errc::unavailable, "The folder must exist and be writable by the user Jeton runs as.");
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return say(Errc::unavailable, "Another process holds its lock.");
    case SQLITE_IOERR: return say(Errc::unavailable, "Look at the disk and the kernel's log.");
    default: return say(Errc::unavailable, "");
  }
}

}  // namespace jeton::store::sqlite
