// A copy of a database that others are using: one moment of it, whole, in a file of its own (mode 0600).
#pragma once

#include "store/error.h"

#include <cstdint>
#include <functional>
#include <string>

namespace jeton::store {

struct BackupProgress {
  std::int64_t bytes_done = 0;
  std::int64_t bytes_total = 0;
};

// Copies the database at `from` to `to`, which must not exist. The copy is of the moment at which it began, whatever is
// committed meanwhile; writers are not held up (their log grows until it is done). It is written beside `to`, under
// `to`.partial, which is replaced if it lies there; it is read once from beginning to end, and then takes its name, so
// that `to` is there whole and durable or not at all, also after kill -9. `report` is called now and then.
Result<void> back_up_sqlite(const std::string& from, const std::string& to,
                            const std::function<void(const BackupProgress&)>& report);

// Whether the file is a whole database of ours, of this version or an older one. Reads all of it and changes nothing.
Result<void> check_sqlite(const std::string& path);

}  // namespace jeton::store
