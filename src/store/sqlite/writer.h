// Writer: runs batches of groups, each batch one durable transaction. The one place that begins and commits.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "store/error.h"
#include "store/sqlite/append_watch.h"
#include "store/sqlite/checkpointer.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/lane.h"

namespace jeton::store::sqlite {

struct WalLimits {
  std::int64_t checkpoint_pages;
  std::int64_t restart_pages;
  std::int64_t wal_pages_max;
};

class Writer {
 public:
  Writer(Opening opening, WalLimits limits, std::unique_ptr<Connection> connection);

  // Settles every group of the batch, after COMMIT has returned; tells `appended` if there is news for the feed.
  void serve(Lane::Batch& batch, AppendWatch& appended);

 private:
  std::optional<Error> transact_in_memory(Lane::Batch& batch);
  std::optional<Error> transact(Lane::Batch& batch);
  void run_in_savepoint(Group& group, std::optional<Error>& verdict);
  std::optional<Error> commit();
  // Undoes the transaction; lets go of the connection if it can no longer be trusted. The error for all its groups.
  Error give_up(const Failure& failure);
  void tend_wal();
  void cut_for_erasure();

  Opening opening_;
  WalLimits limits_;
  std::unique_ptr<Connection>
      connection_;  // null after a failed read or write of the file, until it can be opened again
  std::int64_t next_copy_pages_;
  std::int64_t next_cut_pages_;
  std::chrono::steady_clock::time_point last_cut_for_erasure_{};
  std::vector<std::optional<Error>> verdicts_;
  std::unique_ptr<Checkpointer> checkpointer_;
};

// A connection for writing, set up: WAL, synchronous=FULL, foreign keys.
std::expected<std::unique_ptr<Connection>, Failure> open_for_writing(const Opening&);
std::expected<std::unique_ptr<Connection>, Failure> open_for_reading(const Opening&);

}  // namespace jeton::store::sqlite
