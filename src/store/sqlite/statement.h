// Statement: one use of a prepared statement. Values are bound in order, never pasted into the text. It is borrowed
// from its Connection, which keeps the compiled form, and given back when this object dies. One thread.
//
//   auto row = connection.query(kFindUser);
//   row.text(email_key);
//   if (row.step()) return row.text_at(3);
//
// Failures are not returned: they latch in the Connection (see there).
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "store/ids.h"

struct sqlite3_stmt;

namespace jeton::store::sqlite {

class Connection;

class Statement {
 public:
  Statement(Connection& connection, sqlite3_stmt* compiled) : connection_(connection), compiled_(compiled) {}
  ~Statement();
  Statement(Statement&&) = delete;

  Statement& integer(std::int64_t value);
  Statement& text(std::string_view value);  // copied
  Statement& text_or_null(std::string_view value);
  Statement& blob(std::span<const std::byte> value);  // copied
  Statement& blob_or_null(std::span<const std::byte> value) { return value.empty() ? null() : blob(value); }
  Statement& null();
  Statement& time(StoreTime value) { return integer(value.time_since_epoch().count()); }
  Statement& digest(const std::optional<Digest>& value) { return value ? blob(*value) : null(); }

  // True: there is a row. False: there is none (any more), or something failed.
  bool step();
  // Runs a statement that gives no rows; the number of rows it changed, 0 if something failed.
  std::int64_t run();

  std::int64_t integer_at(int column) const;
  std::string text_at(int column) const;
  bool null_at(int column) const;
  std::span<const std::byte> blob_at(int column) const;  // until the next step
  StoreTime time_at(int column) const { return StoreTime{std::chrono::milliseconds{integer_at(column)}}; }
  // A blob of exactly N bytes; any other length is a damaged row and latches.
  template <std::size_t N>
  std::array<std::byte, N> bytes_at(int column) const {
    std::array<std::byte, N> out{};
    const auto found = blob_at(column);
    if (found.size() == N) {
      for (std::size_t i = 0; i < N; ++i) out[i] = found[i];
    } else {
      damaged("a blob has the wrong length");
    }
    return out;
  }
  // Latches "this row cannot be right".
  void damaged(std::string_view why) const;

 private:
  int next() { return ++bound_; }
  void bound(int code);
  Connection& connection_;
  sqlite3_stmt* compiled_;  // null if it could not be compiled; then every call does nothing
  int bound_ = 0;
};

}  // namespace jeton::store::sqlite
