// The embedded back end: one SQLite file in WAL mode, shared by any number of processes on one machine.
//
// One writer thread with a connection of its own takes up to `batch_groups_max` queued groups and runs them in one
// BEGIN IMMEDIATE … COMMIT with synchronous=FULL, each in a savepoint, so that one that fails is undone alone. Nobody
// is answered before COMMIT has returned. Plain reads go through a reader thread; they see committed data only. What
// decides (rotate, sign_in, …) reads on the writer.
//
// Needs a local file system: WAL keeps its index in shared memory. All times come from `clock`, sampled once per group.
#pragma once

#include "store/store.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace jeton::store {

struct SqliteOptions {
  std::string path;    // the database file; -wal and -shm lie beside it. Made (0600) if absent; its folder must exist
  const Clock& clock;  // not owned; must outlive the store; called from the store's threads

  std::size_t queue_groups_max = 4096;            // waiting groups; beyond them `overloaded`
  std::size_t batch_groups_max = 400;             // groups in one commit
  std::chrono::milliseconds busy_wait_max{5000};  // for another process's lock; then `unavailable`
  std::int64_t checkpoint_pages = 16'000;         // pages more in the WAL, after which it is copied back meanwhile
  std::int64_t restart_pages = 32'000;            // pages in the WAL from which commits wait while it is copied back
  std::int64_t wal_pages_max = 64'000;            // pages from which readers are waited for (1 s), and the WAL cut
  std::int64_t full_check_bytes_max = 16 << 20;   // files up to this size are checked page by page at every open
};

// Opens or makes the database. Refused before a byte of it is changed:
//   corrupt      not an SQLite file, cut short, damaged where it can be seen cheaply, or another program's
//   newer        written by a newer Jeton
//   unavailable  cannot be read or written: permissions, folder missing, locked, read-only, full
// The message names the file and says what to do. Several processes may open a file that is not there yet at once: one
// makes it, all get the same. Migrations run forward, in order, in one transaction.
Result<std::unique_ptr<Store>> open_sqlite(SqliteOptions options);

}  // namespace jeton::store
