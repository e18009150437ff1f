// Connection: one SQLite connection, used by one thread at a time.
//
// Failures latch. The first statement that fails leaves its Failure here, and from then on every statement does nothing
// and finds nothing, until the failure is taken. So a group of statements is written as if nothing could fail, and
// whoever runs it asks once, at the end, and then undoes the group: nothing that was computed after a failure is ever
// used.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "store/error.h"
#include "store/ids.h"
#include "store/sqlite/statement.h"

struct sqlite3;

namespace jeton::store::sqlite {

// An extended result code of SQLite, with its message.
struct Failure {
  int code = 0;
  std::string message;

  int primary() const { return code & 0xff; }
};

struct Opening {
  std::string path;  // absolute
  const Clock& clock;
  std::chrono::milliseconds busy_wait_max;
};

enum class Access : std::uint8_t {
  read_write,
  read_only,  // changes neither the file nor its WAL, not even on closing
  immutable,  // reads the file alone, past locks and WAL, and leaves nothing beside it
};

class Connection {
 public:
  // Does not create a file.
  static std::expected<std::unique_ptr<Connection>, Failure> open(const Opening&, Access);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // `sql` must live as long as the connection: its address is the key under which the compiled form is kept.
  Statement query(const std::string& sql);
  // Statements without parameters and rows, separated by semicolons.
  bool execute(const std::string& sql);

  // The time that jeton_now_ms() gives, until it is sampled again: one group sees one time.
  void sample_clock() { now_ = clock_.now(); }
  StoreTime now() const { return now_; }

  bool failed() const { return failure_.has_value(); }
  std::optional<Failure> take_failure() { return std::exchange(failure_, std::nullopt); }
  void fail(int code, std::string message);
  // Latches SQLite's own last error.
  void fail_with(int code);

  // How often an entry was appended to the feed here, undone ones included.
  void note_append() { ++appended_; }
  std::int64_t appended() const { return appended_; }

  bool in_transaction() const;
  // Pages in the WAL after this connection's last commit.
  std::int64_t wal_pages() const { return wal_pages_; }
  // Copies the WAL back as far as readers allow; `cut` waits for them (up to `wait`) and shortens the file to nothing.
  void checkpoint(bool cut, std::chrono::milliseconds wait);
  // What this transaction overwrote must not stay readable in the WAL: it is to be cut as soon as that can be done.
  void ask_for_cut() { cut_is_due_ = true; }
  bool cut_is_due() const { return cut_is_due_; }

  // For whom the group under way acts: whatever it appends to the audit says so. See ActingAs.
  const std::string& actor() const { return actor_; }
  void set_actor(std::string actor) { actor_ = std::move(actor); }

  sqlite3* handle() const { return handle_; }

 private:
  Connection(const Opening&, sqlite3*);
  void configure();
  static int on_busy(void* self, int count);
  static int on_commit(void* self, sqlite3*, const char*, int pages);

  const Clock& clock_;
  sqlite3* handle_;
  StoreTime now_{};
  std::chrono::milliseconds busy_wait_max_;
  std::chrono::steady_clock::time_point busy_since_{};
  std::int64_t wal_pages_ = 0;
  std::int64_t appended_ = 0;
  bool cut_is_due_ = false;
  std::string actor_{};
  std::optional<Failure> failure_{};
  std::unordered_map<const std::string*, sqlite3_stmt*> compiled_;
};

// For one group, on the connection's thread.
class ActingAs {
 public:
  ActingAs(Connection& db, const Actor& by) : db_(db) { db_.set_actor(by.text); }
  ~ActingAs() { db_.set_actor({}); }
  ActingAs(const ActingAs&) = delete;
  ActingAs& operator=(const ActingAs&) = delete;

 private:
  Connection& db_;
};

// What a failure means to the caller of the store. `path` goes into the message.
Error to_error(const Failure&, const std::string& path);
// The storage itself failed: the whole transaction is lost, not the one statement.
bool is_storage_failure(const Failure&);
// Reading or writing the file failed in a way that leaves the connection's own view in doubt.
bool is_io_failure(const Failure&);

}  // namespace jeton::store::sqlite
