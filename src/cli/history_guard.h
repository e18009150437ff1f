// The start mark: how far the database had come, kept in a file beside it (DATABASE.mark) and not in it, so that an old
// copy that was put back by hand is noticed before it serves anybody (design 4.3).
//
// The mark is never ahead of the database: it is written after what it tells is durable there. So a database that is
// behind its mark has lost something.
#pragma once

#include "platform/fault.h"
#include "store/store.h"

#include <string>

namespace jeton::cli {

std::string mark_path(const std::string& database_path);

// A Fault if the database has gone back in time, or cannot be told from one that has. Waits for the store.
platform::Outcome<void> check_history(store::Store& store, const std::string& database_path);
// Moves the database on and writes its mark. Waits for the store; called at the start, now and then, and at the end.
platform::Outcome<void> advance_history(store::Store& store, const std::string& database_path);
platform::Outcome<void> write_mark(const store::HistoryMark& mark, const std::string& database_path);

// Held by whoever serves from a database, or replaces it. It goes when the process goes.
class DatabaseLock {
 public:
  enum class Use : bool { shared, alone };
  // Nothing to hold if the file is not there. A Fault if it is held in a way that excludes this use.
  static platform::Outcome<DatabaseLock> take(const std::string& database_path, Use use);
  DatabaseLock(DatabaseLock&& other) noexcept;
  DatabaseLock& operator=(DatabaseLock&&) = delete;
  ~DatabaseLock();

 private:
  explicit DatabaseLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace jeton::cli
