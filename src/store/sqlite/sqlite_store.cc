#include "store/sqlite/sqlite_store.h"

#include "store/sqlite/admission.h"
#include "store/sqlite/aggregates.h"
#include "store/sqlite/lanes.h"
#include "store/sqlite/schema.h"

#include <filesystem>
#include <mutex>
#include <system_error>
#include <utility>

namespace jeton::store {
namespace sqlite {
namespace {

const std::string kCheck = "SELECT EXISTS(SELECT 1 FROM settings)";

class SqliteStore final : public Store {
 public:
  SqliteStore(const std::string& path, Lanes::Limits limits, Writer writer, Reader reader)
      : lanes_(path, limits, std::move(writer), std::move(reader)) {}

  // While the aggregates still stand: completions may call them.
  ~SqliteStore() override { lanes_.close(); }

  Users& users() override { return users_; }
  Sessions& sessions() override { return sessions_; }
  Clients& clients() override { return clients_; }
  SigningKeys& signing_keys() override { return signing_keys_; }
  Settings& settings() override { return settings_; }
  Outbox& outbox() override { return outbox_; }
  Revocations& revocations() override { return revocations_; }
  OneTimeLinks& one_time_links() override { return one_time_links_; }
  SecondFactors& second_factors() override { return second_factors_; }
  History& history() override { return history_; }
  Audit& audit() override { return audit_; }

  void check(Completion<bool> done) override {
    lanes_.read<bool>([](Connection& db) { return db.query(kCheck).step(); }, std::move(done));
  }

 private:
  Lanes lanes_;
  SqliteUsers users_{lanes_};
  SqliteSessions sessions_{lanes_};
  SqliteClients clients_{lanes_};
  SqliteSigningKeys signing_keys_{lanes_};
  SqliteSettings settings_{lanes_};
  SqliteOutbox outbox_{lanes_};
  SqliteRevocations revocations_{lanes_};
  SqliteOneTimeLinks one_time_links_{lanes_};
  SqliteSecondFactors second_factors_{lanes_};
  SqliteHistory history_{lanes_};
  SqliteAudit audit_{lanes_};
};

std::optional<Error> bring_forward(Connection& db, const std::string& path) {
  migrate(db);
  // The log may have been written by a newer Jeton between the inspection and now.
  const auto version = read_schema_version(db);
  if (auto failure = db.take_failure()) return to_error(*failure, path);
  if (version != schema_version()) {
    return Error{Errc::newer, path + ": has just been brought forward by a newer Jeton. Install that version."};
  }
  return std::nullopt;
}

Result<std::unique_ptr<Store>> open(const Opening& opening, const SqliteOptions& options) {
  if (auto failed = create_if_absent(opening)) return std::unexpected(std::move(*failed));
  if (auto refused = inspect(opening, options.full_check_bytes_max)) return std::unexpected(std::move(*refused));
  restrict_mode(opening.path);
  auto writing = open_for_writing(opening);
  if (!writing) return std::unexpected(to_error(writing.error(), opening.path));
  if (auto failed = bring_forward(**writing, opening.path)) return std::unexpected(std::move(*failed));
  auto reading = open_for_reading(opening);
  if (!reading) return std::unexpected(to_error(reading.error(), opening.path));
  Writer writer{opening, {options.checkpoint_pages, options.restart_pages, options.wal_pages_max}, std::move(*writing)};
  Reader reader{opening, std::move(*reading)};
  return std::make_unique<SqliteStore>(opening.path, Lanes::Limits{options.queue_groups_max, options.batch_groups_max},
                                       std::move(writer), std::move(reader));
}

}  // namespace
}  // namespace sqlite

Result<std::unique_ptr<Store>> open_sqlite(SqliteOptions options) {
  if (options.path.empty()) return std::unexpected(Error{Errc::unavailable, "no database file is named."});
  // Without symbolic links: -wal and -shm lie beside the file itself.
  std::error_code code;
  auto path = std::filesystem::weakly_canonical(std::filesystem::absolute(options.path, code), code);
  if (code) return std::unexpected(Error{Errc::unavailable, options.path + ": " + code.message() + "."});
  // One at a time in a process: the inspection looks for what only other processes may be changing.
  static std::mutex opening_one;
  const std::lock_guard lock(opening_one);
  try {
    return sqlite::open({path.string(), options.clock, options.busy_wait_max}, options);
  } catch (const std::system_error& failed) {  // no thread to be had
    return std::unexpected(Error{Errc::unavailable, path.string() + ": " + failed.what() + "."});
  }
}

}  // namespace jeton::store
