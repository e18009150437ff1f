#include "store/sqlite/statement.h"

#include "store/sqlite/connection.h"

#include <sqlite3.h>

namespace jeton::store::sqlite {

Statement::~Statement() {
  if (compiled_ == nullptr) return;
  sqlite3_reset(compiled_);
  sqlite3_clear_bindings(compiled_);
}

void Statement::bound(int code) {
  if (code != SQLITE_OK) connection_.fail_with(code);
}

Statement& Statement::integer(std::int64_t value) {
  const int index = next();
  if (compiled_ != nullptr) bound(sqlite3_bind_int64(compiled_, index, value));
  return *this;
}

Statement& Statement::text(std::string_view value) {
  const int index = next();
  // An empty view may have no address, and SQLite takes a null pointer for NULL.
  const char* data = value.empty() ? "" : value.data();
  if (compiled_ != nullptr) {
    bound(sqlite3_bind_text64(compiled_, index, data, value.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
  }
  return *this;
}

Statement& Statement::text_or_null(std::string_view value) { return value.empty() ? null() : text(value); }

Statement& Statement::blob(std::span<const std::byte> value) {
  const int index = next();
  if (compiled_ == nullptr) return *this;
  if (value.empty()) {
    bound(sqlite3_bind_zeroblob(compiled_, index, 0));
  } else {
    bound(sqlite3_bind_blob64(compiled_, index, value.data(), value.size(), SQLITE_TRANSIENT));
  }
  return *this;
}

Statement& Statement::null() {
  const int index = next();
  if (compiled_ != nullptr) bound(sqlite3_bind_null(compiled_, index));
  return *this;
}

bool Statement::step() {
  if (compiled_ == nullptr || connection_.failed()) return false;
  const int code = sqlite3_step(compiled_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) connection_.fail_with(code);
  return false;
}

std::int64_t Statement::run() {
  while (step()) {
  }
  return connection_.failed() ? 0 : sqlite3_changes64(connection_.handle());
}

std::int64_t Statement::integer_at(int column) const { return sqlite3_column_int64(compiled_, column); }

std::string Statement::text_at(int column) const {
  const auto bytes = blob_at(column);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool Statement::null_at(int column) const { return sqlite3_column_type(compiled_, column) == SQLITE_NULL; }

std::span<const std::byte> Statement::blob_at(int column) const {
  const void* data = sqlite3_column_blob(compiled_, column);
  if (data == nullptr) return {};
  return {static_cast<const std::byte*>(data), static_cast<std::size_t>(sqlite3_column_bytes(compiled_, column))};
}

void Statement::damaged(std::string_view why) const { connection_.fail(SQLITE_CORRUPT, std::string{why}); }

}  // namespace jeton::store::sqlite
