#include "store/sqlite/backup.h"

#include "store/sqlite/admission.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/schema.h"

#include <sqlite3.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

namespace jeton::store {
namespace sqlite {
namespace {

constexpr int step_pages = 512;
constexpr std::chrono::seconds busy_wait{5};

const std::string kBegin = "BEGIN";
const std::string kTouch = "SELECT count(*) FROM sqlite_schema";
const std::string kPageSize = "PRAGMA page_size";
const std::string kCheck = "PRAGMA integrity_check(1)";
const std::string kForeignKeys = "PRAGMA foreign_key_check";

// No time is asked of these connections.
struct NoClock final : Clock {
  StoreTime now() const override { return {}; }
};

Error fault(const std::string& path, int number) {
  return {Errc::unavailable, path + ": " + std::generic_category().message(number) + "."};
}

// Makes what was written of a file or a directory durable.
std::optional<Error> sync(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC);
  if (fd < 0) return fault(path, errno);
  const int synced = ::fsync(fd);
  const int number = errno;
  ::close(fd);
  if (synced != 0) return fault(path, number);
  return std::nullopt;
}

std::string folder_of(const std::string& path) {
  const auto folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

class Copying {
 public:
  Copying(Connection& from, sqlite3* to) : copy_(sqlite3_backup_init(to, "main", from.handle(), "main")) {}
  ~Copying() { sqlite3_backup_finish(copy_); }
  Copying(const Copying&) = delete;
  Copying& operator=(const Copying&) = delete;

  // SQLITE_DONE, or what went wrong.
  int run(std::int64_t page_bytes, const std::function<void(const BackupProgress&)>& report) {
    if (copy_ == nullptr) return SQLITE_ERROR;
    while (true) {
      const int code = sqlite3_backup_step(copy_, step_pages);
      const auto total = std::int64_t{sqlite3_backup_pagecount(copy_)};
      report({(total - sqlite3_backup_remaining(copy_)) * page_bytes, total * page_bytes});
      if (code == SQLITE_OK) continue;
      if (code != SQLITE_BUSY && code != SQLITE_LOCKED) return code;
      std::this_thread::sleep_for(std::chrono::milliseconds{10});
    }
  }

 private:
  sqlite3_backup* copy_;
};

struct Closing {
  sqlite3* handle = nullptr;
  ~Closing() { sqlite3_close_v2(handle); }
};

std::optional<Error> copy(Connection& from, const std::string& from_path, const std::string& to,
                          const std::function<void(const BackupProgress&)>& report) {
  // One moment: a read transaction that is held until the end. Without it every commit of another process would make
  // the copy begin again.
  from.query(kBegin).run();
  std::int64_t page_bytes = 0;
  {
    auto touch = from.query(kTouch);
    touch.step();
    auto size = from.query(kPageSize);
    if (size.step()) page_bytes = size.integer_at(0);
  }
  if (auto failure = from.take_failure()) return to_error(*failure, from_path);
  Closing destination;
  const int opened =
      sqlite3_open_v2(to.c_str(), &destination.handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  if (opened != SQLITE_OK) return to_error({opened, sqlite3_errstr(opened)}, to);
  // It is synced once, as a whole, before it takes its name.
  sqlite3_exec(destination.handle, "PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF", nullptr, nullptr, nullptr);
  const int code = Copying(from, destination.handle).run(page_bytes, report);
  if (code != SQLITE_DONE) return to_error({code, sqlite3_errmsg(destination.handle)}, to);
  return std::nullopt;
}

std::optional<Error> make_empty(const std::string& path) {
  ::unlink(path.c_str());
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (fd < 0) return fault(path, errno);
  ::close(fd);
  return std::nullopt;
}

}  // namespace
}  // namespace sqlite

Result<void> check_sqlite(const std::string& path) {
  const sqlite::NoClock clock;
  if (auto refused = sqlite::inspect({path, clock, sqlite::busy_wait}, 0)) return std::unexpected(std::move(*refused));
  auto opened = sqlite::Connection::open({path, clock, sqlite::busy_wait}, sqlite::Access::immutable);
  if (!opened) return std::unexpected(sqlite::to_error(opened.error(), path));
  auto& db = **opened;
  const auto damaged = [&] { return std::unexpected(Error{Errc::corrupt, path + ": is damaged."}); };
  if (sqlite::read_application_id(db) != sqlite::application_id) {
    return std::unexpected(Error{Errc::corrupt, path + ": is no database of Jeton's."});
  }
  if (sqlite::read_schema_version(db) > sqlite::schema_version()) {
    return std::unexpected(Error{Errc::newer, path + ": was written by a newer Jeton. Install that version."});
  }
  {
    auto row = db.query(sqlite::kCheck);
    if (row.step() && row.text_at(0) != "ok") return damaged();
    auto orphan = db.query(sqlite::kForeignKeys);
    if (orphan.step()) return damaged();
  }
  if (auto failure = db.take_failure()) return std::unexpected(sqlite::to_error(*failure, path));
  return {};
}

Result<void> back_up_sqlite(const std::string& from, const std::string& to,
                            const std::function<void(const BackupProgress&)>& report) {
  std::error_code ignored;
  if (std::filesystem::exists(std::filesystem::symlink_status(to, ignored))) {
    return std::unexpected(Error{Errc::unavailable, to + ": is there already. Choose another name."});
  }
  const sqlite::NoClock clock;
  auto source = sqlite::Connection::open({from, clock, sqlite::busy_wait}, sqlite::Access::read_write);
  if (!source) return std::unexpected(sqlite::to_error(source.error(), from));
  if (sqlite::read_application_id(**source) != sqlite::application_id) {
    return std::unexpected(Error{Errc::corrupt, from + ": is no database of Jeton's."});
  }
  const std::string partial = to + ".partial";
  if (auto failed = sqlite::make_empty(partial)) return std::unexpected(std::move(*failed));
  auto failed = sqlite::copy(**source, from, partial, report);
  if (!failed) failed = sqlite::sync(partial, O_RDONLY);
  if (!failed) {
    if (auto checked = check_sqlite(partial); !checked) failed = std::move(checked.error());
  }
  if (!failed && ::rename(partial.c_str(), to.c_str()) != 0) failed = sqlite::fault(to, errno);
  if (!failed) failed = sqlite::sync(sqlite::folder_of(to), O_RDONLY | O_DIRECTORY);
  if (!failed) return {};
  ::unlink(partial.c_str());
  return std::unexpected(std::move(*failed));
}

}  // namespace jeton::store
