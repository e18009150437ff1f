// jeton backup, jeton restore: copies of a database, and what must happen when one takes its place.
#include "cli/commands.h"
#include "cli/config.h"
#include "cli/files.h"
#include "cli/history_guard.h"
#include "cli/serve_data.h"
#include "cli/store_access.h"
#include "guard/feed/head.h"
#include "issuer/completion.h"
#include "issuer/feed/feed_key.h"
#include "issuer/foundation.h"
#include "store/sqlite/backup.h"
#include "store/sqlite/sqlite_store.h"

#include <jeton/key_set.h>
#include <jeton/signer.h>

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <ostream>
#include <string>
#include <system_error>
#include <utility>

namespace jeton::cli {
namespace {

using platform::Fault;
using platform::Outcome;
using std::chrono::steady_clock;

class WallClock final : public store::Clock {
 public:
  store::StoreTime now() const override { return clock_.now(); }

 private:
  platform::SystemClock clock_;
};

Outcome<std::string> database_of(const StoreOptions& options) {
  const auto config = config_of(options);
  if (!config.has_value()) return std::unexpected(config.error());
  return database_path(*config);
}

std::string megabytes(std::int64_t bytes) { return fmt::format("{:.1f}", static_cast<double>(bytes) / 1e6); }

// At most twice a second, so that a log of it stays readable.
class ProgressLine {
 public:
  explicit ProgressLine(std::ostream& err) : err_(err) {}

  void report(const store::BackupProgress& progress) {
    const auto now = steady_clock::now();
    const bool is_done = progress.bytes_done == progress.bytes_total;
    if (now - said_at_ < std::chrono::milliseconds{500} && !is_done) return;
    said_at_ = now;
    const double seconds = std::max(std::chrono::duration<double>(now - began_).count(), 1e-3);
    const double rate = static_cast<double>(progress.bytes_done) / seconds;
    const double left = rate > 0 ? static_cast<double>(progress.bytes_total - progress.bytes_done) / rate : 0;
    err_ << fmt::format("jeton: copied {} of {} MB, {:.1f} MB/s, {:.0f} s left\n", megabytes(progress.bytes_done),
                        megabytes(progress.bytes_total), rate / 1e6, left)
         << std::flush;
  }

 private:
  std::ostream& err_;
  const steady_clock::time_point began_ = steady_clock::now();
  steady_clock::time_point said_at_ = began_ - std::chrono::hours{1};
};

void back_up(const StoreOptions& place, const std::string& to, Console& console) {
  const auto database = database_of(place);
  if (!database.has_value()) return console.fail(database.error().text());
  ProgressLine line(console.err);
  const auto made = store::back_up_sqlite(*database, to, [&](const store::BackupProgress& p) { line.report(p); });
  if (!made.has_value()) return console.fail(made.error().message);
  console.out << fmt::format("{} is a copy of {}. The master key is not in it: keep that elsewhere.\n", to, *database);
}

// A store that is opened with the key that belongs to it.
struct Opened {
  std::unique_ptr<WallClock> clock = std::make_unique<WallClock>();
  std::unique_ptr<store::Store> store;
  std::optional<issuer::Foundation> foundation;
};

Outcome<Opened> open_with_key(const std::string& path, const std::string& shown, const ServeData& data) {
  Opened opened;
  auto store = store::open_sqlite({.path = path, .clock = *opened.clock});
  if (!store.has_value()) return std::unexpected(Fault{store.error().message, ""});
  opened.store = *std::move(store);
  const auto mark =
      issuer::waited<store::HistoryMark>([&](auto done) { opened.store->history().read_mark(std::move(done)); });
  if (!mark.has_value()) return std::unexpected(Fault{mark.error().message, ""});
  if (mark->epoch.empty()) return std::unexpected(Fault{fmt::format("{} was never used.", shown), ""});
  auto foundation = issuer::lay_foundation(*opened.store, data.master_key,
                                           {.store_name = shown, .master_key_name = data.master_key_name});
  if (!foundation.has_value()) return std::unexpected(foundation.error());
  opened.foundation.emplace(*std::move(foundation));
  return opened;
}

Outcome<store::HistoryMark> begin_history(store::Store& store) {
  auto mark = issuer::waited<store::HistoryMark>(
      [&](auto done) { store.history().begin_history(random_id(), std::move(done), command_line_actor()); });
  if (!mark.has_value()) return std::unexpected(Fault{mark.error().message, ""});
  return *std::move(mark);
}

std::unexpected<Fault> system_fault(const std::string& path, int number) {
  return std::unexpected(Fault{fmt::format("{}: {}.", path, std::generic_category().message(number)), ""});
}

Outcome<void> sync_path(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC);
  if (fd < 0) return system_fault(path, errno);
  const int synced = ::fsync(fd);
  const int number = errno;
  ::close(fd);
  if (synced != 0) return system_fault(path, number);
  return {};
}

Outcome<void> copy_file(const std::string& from, const std::string& to) {
  for (const char* suffix : {"", "-wal", "-shm"}) ::unlink((to + suffix).c_str());
  std::error_code failed;
  const auto mask = ::umask(S_IRWXG | S_IRWXO);
  std::filesystem::copy_file(from, to, failed);
  ::umask(mask);
  if (failed) return std::unexpected(Fault{fmt::format("{}: {}.", to, failed.message()), ""});
  ::chmod(to.c_str(), S_IRUSR | S_IWUSR);
  return sync_path(to, O_RDONLY);
}

Outcome<void> move(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0 && errno != ENOENT) return system_fault(from, errno);
  return {};
}

// The mark first: from then on the database that is there now would be refused. Its log goes with it, so that SQLite
// never replays it into another file.
Outcome<void> put_in_place(const std::string& prepared, const store::HistoryMark& mark, const std::string& database) {
  const std::string old = database + ".replaced";
  if (auto done = write_mark(mark, database); !done.has_value()) return done;
  for (const char* suffix : {"-wal", "-shm", ""}) {
    if (auto done = move(database + suffix, old + suffix); !done.has_value()) return done;
  }
  if (::rename(prepared.c_str(), database.c_str()) != 0) return system_fault(prepared, errno);
  const auto folder = std::filesystem::path(database).parent_path().string();
  return sync_path(folder.empty() ? "." : folder, O_RDONLY | O_DIRECTORY);
}

Outcome<void> restore_from(const std::string& backup, const std::string& database, const ServeData& data) {
  if (auto whole = store::check_sqlite(backup); !whole.has_value()) {
    return std::unexpected(Fault{whole.error().message, ""});
  }
  const auto lock = DatabaseLock::take(database, DatabaseLock::Use::alone);
  if (!lock.has_value()) return std::unexpected(lock.error());
  const std::string prepared = database + ".restoring";
  if (auto copied = copy_file(backup, prepared); !copied.has_value()) return copied;
  store::HistoryMark mark;
  {
    const auto opened = open_with_key(prepared, backup, data);
    if (!opened.has_value()) {
      for (const char* suffix : {"", "-wal", "-shm"}) ::unlink((prepared + suffix).c_str());
      return std::unexpected(opened.error());
    }
    auto begun = begin_history(*opened->store);
    if (!begun.has_value()) return std::unexpected(begun.error());
    mark = *std::move(begun);
  }
  return put_in_place(prepared, mark, database);
}

Outcome<void> accept(const std::string& database, const ServeData& data) {
  const auto lock = DatabaseLock::take(database, DatabaseLock::Use::alone);
  if (!lock.has_value()) return std::unexpected(lock.error());
  const auto opened = open_with_key(database, database, data);
  if (!opened.has_value()) return std::unexpected(opened.error());
  const auto mark = begin_history(*opened->store);
  if (!mark.has_value()) return std::unexpected(mark.error());
  return write_mark(*mark, database);
}

struct RestoreArguments {
  StoreOptions place;
  std::string backup;
  bool accept = false;
};

void restore(const RestoreArguments& arguments, Console& console) {
  if (arguments.accept == !arguments.backup.empty()) {
    return console.fail_usage("jeton restore takes a backup, or --accept for the database that is there.");
  }
  const auto database = database_of(arguments.place);
  if (!database.has_value()) return console.fail(database.error().text());
  const auto data = read_master_key(*database, master_key_elsewhere());
  if (!data.has_value()) return console.fail(data.error().text());
  const auto done = arguments.accept ? accept(*database, *data) : restore_from(arguments.backup, *database, *data);
  if (!done.has_value()) return console.fail(done.error().text());
  console.out << fmt::format(
      "{} begins a new history{}. Its signing keys are made at the next start, and everybody signs in again.\n",
      *database,
      arguments.accept ? std::string()
                       : fmt::format(", from {}; what was there lies in {}.replaced", arguments.backup, *database));
}

void show_feed_key(const StoreOptions& place, Console& console) {
  const auto database = database_of(place);
  if (!database.has_value()) return console.fail(database.error().text());
  const auto data = read_master_key(*database, master_key_elsewhere());
  if (!data.has_value()) return console.fail(data.error().text());
  const auto opened = open_with_key(*database, *database, *data);
  if (!opened.has_value()) return console.fail(opened.error().text());
  const auto key = issuer::open_feed_key(*opened->store, *opened->foundation);
  if (!key.has_value()) return console.fail(key.error().text());
  console.out << KeySet({key->verification_key()}).to_jwks() << '\n';
}

}  // namespace

void add_backup_command(CLI::App& app, Console& console) {
  auto* command = app.add_subcommand("backup", "Copy the database while the server runs");
  const auto place = std::make_shared<StoreOptions>();
  const auto to = std::make_shared<std::string>();
  command->add_option("FILE", *to, "Where the copy goes; it must not be there yet")->required();
  add_store_options(*command, *place);
  command->callback([place, to, &console] { back_up(*place, *to, console); });
}

void add_restore_command(CLI::App& app, Console& console) {
  auto* command = app.add_subcommand("restore", "Put a backup in place of the database, as a new history");
  const auto arguments = std::make_shared<RestoreArguments>();
  command->add_option("FILE", arguments->backup, "A copy that jeton backup made");
  command->add_flag("--accept", arguments->accept, "Accept the database that was put there by hand");
  add_store_options(*command, arguments->place);
  command->callback([arguments, &console] { restore(*arguments, console); });
}

void add_feed_commands(CLI::App& app, Console& console) {
  auto* feed = app.add_subcommand("feed", "The revocation feed");
  feed->require_subcommand(1);
  auto* command = feed->add_subcommand("key", "Print the feed key as a JWK Set, for verifiers to pin");
  const auto place = std::make_shared<StoreOptions>();
  add_store_options(*command, *place);
  command->callback([place, &console] { show_feed_key(*place, console); });
}

}  // namespace jeton::cli
