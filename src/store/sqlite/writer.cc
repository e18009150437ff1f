#include "store/sqlite/writer.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <new>
#include <string>
#include <system_error>
#include <utility>

namespace jeton::store::sqlite {
namespace {

const std::string kBegin = "BEGIN IMMEDIATE";
const std::string kCommit = "COMMIT";
const std::string kRollback = "ROLLBACK";
const std::string kSavepoint = "SAVEPOINT one_group";
const std::string kRelease = "RELEASE one_group";
const std::string kUndo = "ROLLBACK TO one_group";
const std::string kJournalMode = "PRAGMA journal_mode = WAL";
// secure_delete ON and not FAST: every change of a long row frees pages that hold its former bytes, and those of a
// signing key must not stay behind. The log keeps the length it has when it starts over (restart_pages).
const std::string kWriterSettings =
    "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA secure_delete = ON;"
    "PRAGMA cell_size_check = ON; PRAGMA journal_size_limit = 71303168";
const std::string kReaderSettings =
    "PRAGMA query_only = ON; PRAGMA temp_store = MEMORY; PRAGMA cell_size_check = ON; PRAGMA cache_size = -8192";

// A hundredth of the file are the inner pages of its trees, and half of those the sessions': in a cache of a ninetieth
// they stay, however many leaves pass through it. A larger one is no faster: its own table of pages is then as cold as
// they are. Memory is taken as pages are read, so that an idle server has none of it.
constexpr std::int64_t cache_kib_min = 16 << 10;
constexpr std::int64_t cache_kib_max = 128 << 10;
constexpr std::int64_t file_bytes_per_cache_byte = 90;

constexpr std::chrono::milliseconds wal_cut_wait{1000};

std::string cache_setting(const std::string& path) {
  std::error_code none;
  const auto bytes = static_cast<std::int64_t>(std::filesystem::file_size(path, none));
  const auto kib = none ? 0 : bytes / 1024 / file_bytes_per_cache_byte;
  return "PRAGMA cache_size = -" + std::to_string(std::clamp(kib, cache_kib_min, cache_kib_max));
}

// After these the commit's frames may or may not be in the log: the answer is not known. Without room or permission the
// frame that marks a commit was never whole.
bool leaves_commit_unknown(const Failure& failure) {
  return is_io_failure(failure) || failure.primary() == SQLITE_NOMEM;
}

// Without its words if there is no memory for them.
Error copy_of(const Error& error) {
  try {
    return error;
  } catch (const std::bad_alloc&) {
    return {error.code, {}};
  }
}

}  // namespace

std::expected<std::unique_ptr<Connection>, Failure> open_for_writing(const Opening& opening) {
  auto connection = Connection::open(opening, Access::read_write);
  if (!connection) return connection;
  auto& db = **connection;
  {
    auto mode = db.query(kJournalMode);
    if (mode.step() && mode.text_at(0) != "wal") {
      db.fail(SQLITE_CANTOPEN, "this file system gives SQLite no shared memory, as network file systems do not");
    }
  }
  db.execute(kWriterSettings);
  db.execute(cache_setting(opening.path));
  if (auto failure = db.take_failure()) return std::unexpected(std::move(*failure));
  return connection;
}

std::expected<std::unique_ptr<Connection>, Failure> open_for_reading(const Opening& opening) {
  // Opened for writing nevertheless: a connection that may not write cannot help to recover the log after a crash.
  auto connection = Connection::open(opening, Access::read_write);
  if (!connection) return connection;
  (*connection)->execute(kReaderSettings);
  if (auto failure = (*connection)->take_failure()) return std::unexpected(std::move(*failure));
  return connection;
}

Writer::Writer(Opening opening, WalLimits limits, std::unique_ptr<Connection> connection)
    : opening_(std::move(opening)),
      limits_(limits),
      connection_(std::move(connection)),
      next_copy_pages_(limits.checkpoint_pages),
      next_cut_pages_(limits.wal_pages_max),
      checkpointer_(std::make_unique<Checkpointer>(opening_)) {}

void Writer::serve(Lane::Batch& batch, AppendWatch& appended) {
  const auto before = connection_ ? connection_->appended() : 0;
  const auto failed = transact_in_memory(batch);
  // Before anybody is answered, so that the news is on its way no later. If the outcome is not known, there may be
  // some.
  if (!connection_ || connection_->appended() != before) {
    try {
      appended.call();
    } catch (const std::bad_alloc&) {
      // Whoever follows the feed looks once a second in any case.
    }
  }
  for (std::size_t i = 0; i < batch.size(); ++i) {
    batch[i]->settle(failed ? copy_of(*failed) : std::move(verdicts_[i]));
  }
  if (failed) return;
  try {
    tend_wal();
  } catch (const std::bad_alloc&) {
    connection_.reset();
  }
}

// Without memory nothing is certain but that what was begun is undone or was durable: the connection goes, and with it
// its transaction.
std::optional<Error> Writer::transact_in_memory(Lane::Batch& batch) {
  try {
    verdicts_.assign(batch.size(), std::nullopt);
    return transact(batch);
  } catch (const std::bad_alloc&) {
    connection_.reset();
    return Error{Errc::unknown, {}};
  }
}

std::optional<Error> Writer::transact(Lane::Batch& batch) {
  if (!connection_) {
    auto connection = open_for_writing(opening_);
    if (!connection) return to_error(connection.error(), opening_.path);
    connection_ = std::move(*connection);
  }
  connection_->query(kBegin).run();
  for (std::size_t i = 0; i < batch.size() && !connection_->failed(); ++i) run_in_savepoint(*batch[i], verdicts_[i]);
  if (auto failure = connection_->take_failure()) return give_up(*failure);
  return commit();
}

// A group that fails by its own fault is undone alone; a failure of the storage stays latched and ends the batch.
void Writer::run_in_savepoint(Group& group, std::optional<Error>& verdict) {
  auto& db = *connection_;
  db.query(kSavepoint).run();
  if (db.failed()) return;
  db.sample_clock();
  try {
    group.run(db);
  } catch (const std::bad_alloc&) {
    db.fail(SQLITE_NOMEM, {});
  }
  if (auto failure = db.take_failure()) {
    if (is_storage_failure(*failure) || !db.in_transaction())
      return db.fail(failure->code, std::move(failure->message));
    verdict = to_error(*failure, opening_.path);
    db.query(kUndo).run();
  }
  db.query(kRelease).run();
}

std::optional<Error> Writer::commit() {
  connection_->query(kCommit).run();
  auto failure = connection_->take_failure();
  if (!failure) return std::nullopt;
  auto error = give_up(*failure);
  if (leaves_commit_unknown(*failure)) error.code = Errc::unknown;
  return error;
}

Error Writer::give_up(const Failure& failure) {
  auto error = to_error(failure, opening_.path);
  // Never the same transaction again after a failed fsync, nor the same connection: the kernel has dropped the pages it
  // could not write, and calls the next fsync a success.
  if (is_io_failure(failure)) {
    connection_.reset();
    return error;
  }
  if (connection_->in_transaction()) connection_->query(kRollback).run();
  if (connection_->take_failure() || connection_->in_transaction()) connection_.reset();
  return error;
}

// Keeps the log bounded. It is copied back by the checkpointer, beside the commits; from `restart_pages` by the writer,
// between two commits, so that it can start over; if readers in all processes have kept it from that for long, it waits
// for them.
void Writer::tend_wal() {
  const auto pages = connection_->wal_pages();
  if (connection_->cut_is_due()) return cut_for_erasure();
  if (pages < limits_.restart_pages) {
    if (pages + limits_.checkpoint_pages < next_copy_pages_)
      next_copy_pages_ = limits_.checkpoint_pages;  // started over
    if (pages < next_copy_pages_) return;
    next_copy_pages_ = pages + limits_.checkpoint_pages;
    return checkpointer_->ask();
  }
  const bool cut = pages >= next_cut_pages_;
  connection_->checkpoint(cut, wal_cut_wait);
  // A reader that stays (a dump, say) is waited for once, and not after every commit until it goes.
  if (cut) next_cut_pages_ = connection_->wal_pages() + limits_.wal_pages_max;
  // What was acknowledged is durable in the log; a failed copy is tried again after the next commit.
  if (auto failure = connection_->take_failure(); failure && is_io_failure(*failure)) connection_.reset();
}

// A destroyed key must not live on in the log. A reader in the way is not waited for: the next attempt follows a commit
// of a second later.
void Writer::cut_for_erasure() {
  const auto now = std::chrono::steady_clock::now();
  if (now - last_cut_for_erasure_ < wal_cut_wait) return;
  last_cut_for_erasure_ = now;
  connection_->checkpoint(true, std::chrono::milliseconds{0});
  if (!connection_->cut_is_due()) last_cut_for_erasure_ = {};
  if (auto failure = connection_->take_failure(); failure && is_io_failure(*failure)) connection_.reset();
}

}  // namespace jeton::store::sqlite
