#include "store/sqlite/admission.h"

#include "store/sqlite/schema.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <string_view>
#include <system_error>

namespace jeton::store::sqlite {
namespace {

constexpr std::size_t header_bytes = 100;
constexpr std::string_view magic{"SQLite format 3\0", 16};

const std::string kIntegrity = "PRAGMA quick_check(1)";
const std::string kTouchTables =
    "SELECT (SELECT count(*) FROM settings) + EXISTS(SELECT 1 FROM users) + EXISTS(SELECT 1 FROM sessions)"
    " + EXISTS(SELECT 1 FROM signing_keys) + EXISTS(SELECT 1 FROM audit)";

Error refusal(Errc code, const std::string& path, std::string_view why) {
  return {code, path + ": " + std::string{why}};
}

Error not_ours(const std::string& path, std::string_view why) {
  return refusal(Errc::corrupt, path,
                 std::string{why} + " Nothing was changed. Name another file, or restore this one from a backup.");
}

std::int64_t big_endian(const std::array<unsigned char, header_bytes>& header, std::size_t at) {
  const auto value = (std::uint32_t{header[at]} << 24) | (std::uint32_t{header[at + 1]} << 16) |
                     (std::uint32_t{header[at + 2]} << 8) | std::uint32_t{header[at + 3]};
  return static_cast<std::int32_t>(value);
}

std::int64_t file_bytes(const std::string& path) {
  struct stat found{};
  return ::stat(path.c_str(), &found) == 0 ? static_cast<std::int64_t>(found.st_size) : -1;
}

bool log_exists(const std::string& path) { return file_bytes(path + "-wal") >= 0; }
bool log_has_frames(const std::string& path) { return file_bytes(path + "-wal") > 0; }

// Changes whenever the file is written to.
std::array<std::int64_t, 3> stamp_of(const std::string& path) {
  struct stat found{};
  if (::stat(path.c_str(), &found) != 0) return {};
  return {found.st_size, found.st_mtim.tv_sec, found.st_mtim.tv_nsec};
}

std::optional<Error> judge_version(const std::string& path, std::int64_t id, std::int64_t version) {
  if (id != application_id) return not_ours(path, "this is another program's SQLite database, not Jeton's.");
  if (version < 1) return not_ours(path, "this database has no schema of Jeton's.");
  if (version > schema_version()) {
    return refusal(Errc::newer, path,
                   "this database was written by a newer Jeton (schema " + std::to_string(version) +
                       ", this one knows " + std::to_string(schema_version()) +
                       "). Nothing was changed. Install that version, or name another file.");
  }
  return std::nullopt;
}

// The first 100 bytes, read through SQLite's own file object: closing a descriptor of our own would drop the locks that
// this process holds on the file (POSIX).
std::optional<Error> inspect_header(const std::string& path, Connection& db) {
  sqlite3_file* file = nullptr;
  sqlite3_file_control(db.handle(), "main", SQLITE_FCNTL_FILE_POINTER, static_cast<void*>(&file));
  if (file == nullptr || file->pMethods == nullptr) return refusal(Errc::unavailable, path, "cannot be read.");
  sqlite3_int64 size = 0;
  std::array<unsigned char, header_bytes> header{};
  if (file->pMethods->xFileSize(file, &size) != SQLITE_OK) return refusal(Errc::unavailable, path, "cannot be read.");
  if (size == 0) return not_ours(path, "the file is empty; a Jeton database never is.");
  if (size < static_cast<sqlite3_int64>(header_bytes)) return not_ours(path, "this is not a database.");
  const int code = file->pMethods->xRead(file, header.data(), static_cast<int>(header_bytes), 0);
  if (code != SQLITE_OK)
    return refusal(Errc::unavailable, path, "cannot be read: " + std::string{sqlite3_errstr(code)});
  if (std::string_view{reinterpret_cast<const char*>(header.data()), magic.size()} != magic) {
    return not_ours(path, "this is not an SQLite database.");
  }
  if (auto refused = judge_version(path, big_endian(header, 68), big_endian(header, 60))) return refused;
  const auto page_bytes = std::int64_t{header[16]} << 8 | header[17];
  const auto pages = big_endian(header, 28);
  if (!log_has_frames(path) && size < pages * (page_bytes == 1 ? 65536 : page_bytes)) {
    return not_ours(path, "the file has been cut short.");
  }
  return std::nullopt;
}

// The content, by SQLite: versions once more, as the WAL may hold later ones, and the pages.
std::optional<Error> inspect_content(const Opening& opening, Access access, std::int64_t full_check_bytes_max) {
  auto connection = Connection::open(opening, access);
  if (!connection) return to_error(connection.error(), opening.path);
  auto& db = **connection;
  const auto id = read_application_id(db);
  const auto version = read_schema_version(db);
  if (auto failure = db.take_failure()) return to_error(*failure, opening.path);
  if (auto refused = judge_version(opening.path, id, version)) return refused;
  if (file_bytes(opening.path) <= full_check_bytes_max) {
    auto check = db.query(kIntegrity);
    if (check.step() && check.text_at(0) != "ok") check.damaged(check.text_at(0));
  }
  if (!db.failed()) db.query(kTouchTables).step();
  auto failure = db.take_failure();
  if (!failure) return std::nullopt;
  // A table that is not there is damage too: the version says it was made.
  if (failure->primary() == SQLITE_ERROR) failure->code = SQLITE_CORRUPT;
  return to_error(*failure, opening.path);
}

std::string system_message(int code) { return std::error_code(code, std::generic_category()).message(); }

std::optional<Error> sync_folder(const std::filesystem::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = descriptor >= 0 && ::fsync(descriptor) == 0;
  const int code = errno;
  if (descriptor >= 0) ::close(descriptor);
  if (synced) return std::nullopt;
  return refusal(Errc::unavailable, folder.string(), "cannot be synced: " + system_message(code) + ".");
}

// Puts `made` at `path` unless something is there. True also if another process was first.
bool move_into_place(const std::string& made, const std::string& path) {
  if (::renameat2(AT_FDCWD, made.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) == 0) return true;
  if (errno == EEXIST) return true;
  return ::link(made.c_str(), path.c_str()) == 0 || errno == EEXIST;
}

// `wanted` is the name to complain about.
std::optional<Error> build(const Opening& opening, const std::string& wanted) {
  const int descriptor = ::open(opening.path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    return refusal(Errc::unavailable, wanted,
                   "cannot be made: " + system_message(errno) +
                       ". The folder must exist and be writable by the user Jeton runs as.");
  }
  ::fchmod(descriptor, 0600);
  ::close(descriptor);
  auto connection = Connection::open(opening, Access::read_write);
  if (!connection) return to_error(connection.error(), wanted);
  auto& db = **connection;
  // A rotation moves one page through the log and back: half the usual size is half the bytes. A page may then share a
  // sector with another, as a frame of the log does in any case.
  db.execute("PRAGMA page_size = 2048; PRAGMA synchronous = EXTRA");
  migrate(db);
  db.execute("PRAGMA journal_mode = WAL");
  if (auto failure = db.take_failure()) return to_error(*failure, wanted);
  return std::nullopt;
}

}  // namespace

std::optional<Error> inspect(const Opening& opening, std::int64_t full_check_bytes_max) {
  {
    // Opening reads the header and takes no lock; nothing is touched before the first statement.
    auto connection = Connection::open(opening, Access::read_only);
    if (!connection) return to_error(connection.error(), opening.path);
    if (auto refused = inspect_header(opening.path, **connection)) return refused;
  }
  // Without a log nobody has the file open, and it can be read without leaving -wal and -shm beside one that is
  // refused. Another process may open it meanwhile and move pages under our eyes; then a refusal does not count.
  while (!log_exists(opening.path)) {
    const auto before = stamp_of(opening.path);
    auto refused = inspect_content(opening, Access::immutable, full_check_bytes_max);
    if (!refused || (!log_exists(opening.path) && stamp_of(opening.path) == before)) return refused;
  }
  return inspect_content(opening, Access::read_only, full_check_bytes_max);
}

std::optional<Error> create_if_absent(const Opening& opening) {
  const std::filesystem::path path{opening.path};
  std::error_code ignored;
  if (std::filesystem::exists(std::filesystem::symlink_status(path, ignored))) return std::nullopt;
  if (log_has_frames(opening.path)) {
    return not_ours(opening.path, "the file is missing, but its log " + opening.path + "-wal is there.");
  }
  static std::atomic<unsigned> serial{0};
  Opening beside{opening.path + ".new-" + std::to_string(::getpid()) + "-" + std::to_string(serial++), opening.clock,
                 opening.busy_wait_max};
  auto failed = build(beside, opening.path);
  if (!failed && !move_into_place(beside.path, opening.path)) {
    failed = refusal(Errc::unavailable, opening.path, "cannot be put in place: " + system_message(errno) + ".");
  }
  for (const auto* suffix : {"", "-journal", "-wal", "-shm"}) ::unlink((beside.path + suffix).c_str());
  if (failed) return failed;
  return sync_folder(path.parent_path());
}

void restrict_mode(const std::string& path) {
  struct stat found{};
  if (::stat(path.c_str(), &found) != 0 || (found.st_mode & 077) == 0) return;
  for (const auto* suffix : {"", "-wal", "-shm"}) ::chmod((path + suffix).c_str(), 0600);
}

}  // namespace jeton::store::sqlite
