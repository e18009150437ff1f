#include "cli/history_guard.h"

#include "issuer/completion.h"
#include "jose/base64url.h"
#include "platform/files.h"

#include <jeton/value.h>

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <optional>
#include <span>
#include <system_error>
#include <utility>

namespace jeton::cli {
namespace {

using platform::Fault;
using platform::Outcome;
using store::HistoryMark;

constexpr std::size_t mark_bytes_max = 4096;
constexpr const char* remedy =
    "If it is meant to be used as it is, run jeton restore --accept: a new history begins, and everybody signs in "
    "again.";

std::unexpected<Fault> gone_back(const std::string& database_path, const std::string& why) {
  return std::unexpected(
      Fault{fmt::format("{} is not where it was left: {}. Nothing was changed.", database_path, why), remedy});
}

std::optional<HistoryMark> parse_mark(const std::string& text) {
  const auto value = Value::parse(text);
  if (!value.has_value()) return std::nullopt;
  const Value* epoch = value->find("epoch");
  const Value* progress = value->find("progress");
  const Value* number = value->find("n");
  const Value* hash = value->find("h");
  if (epoch == nullptr || epoch->if_string() == nullptr || progress == nullptr || progress->if_integer() == nullptr ||
      number == nullptr || number->if_integer() == nullptr || hash == nullptr || hash->if_string() == nullptr) {
    return std::nullopt;
  }
  HistoryMark mark{.epoch = *epoch->if_string(),
                   .progress = *progress->if_integer(),
                   .feed_number = static_cast<std::uint64_t>(*number->if_integer())};
  const std::string& spelled = *hash->if_string();
  if (spelled.size() != jose::base64url::encoded_size(mark.feed_hash.size())) return std::nullopt;
  if (!jose::base64url::decode(spelled, mark.feed_hash.data())) return std::nullopt;
  return mark;
}

std::optional<std::string> text_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  return std::string{std::istreambuf_iterator<char>(in), {}};
}

// What the mark and the database disagree about; empty if the database is at the mark, or further.
std::string disagreement(const HistoryMark& mark, const HistoryMark& database) {
  // A mark without an epoch was written before the first start had settled one.
  if (!mark.epoch.empty() && mark.epoch != database.epoch) return "its history is another one than the mark's";
  if (database.progress < mark.progress) {
    return fmt::format("it was at mark {} and is at {}", mark.progress, database.progress);
  }
  if (database.feed_number < mark.feed_number) {
    return fmt::format("its revocations went to number {} and end at {}", mark.feed_number, database.feed_number);
  }
  if (database.feed_number == mark.feed_number && database.feed_hash != mark.feed_hash) {
    return fmt::format("its revocation {} is another one than it was", mark.feed_number);
  }
  return {};
}

Outcome<HistoryMark> mark_in(store::Store& store) {
  auto mark = issuer::waited<HistoryMark>([&](auto done) { store.history().read_mark(std::move(done)); });
  if (!mark.has_value()) return std::unexpected(Fault{mark.error().message, ""});
  return *std::move(mark);
}

}  // namespace

std::string mark_path(const std::string& database_path) { return database_path + ".mark"; }

Outcome<void> check_history(store::Store& store, const std::string& database_path) {
  // The mark before the database: another node may move both on meanwhile, and the database never lies behind.
  const std::string path = mark_path(database_path);
  auto text = text_of(path);
  const auto database = mark_in(store);
  if (!database.has_value()) return std::unexpected(database.error());
  if (database->has_gone_back) return gone_back(database_path, "it was found to have gone back in time");
  if (!text && database->progress == 0) return write_mark(*database, database_path);  // never served from
  // Whoever moved it on first has written a mark before.
  if (!text) text = text_of(path);
  if (!text) return gone_back(database_path, fmt::format("its mark {} is missing", path));
  const auto mark = text->size() <= mark_bytes_max ? parse_mark(*text) : std::nullopt;
  if (!mark) return gone_back(database_path, fmt::format("its mark {} cannot be read", path));
  if (const std::string why = disagreement(*mark, *database); !why.empty()) return gone_back(database_path, why);
  return {};
}

Outcome<void> write_mark(const HistoryMark& mark, const std::string& database_path) {
  const std::string text = Value::object()
                               .set("epoch", mark.epoch)
                               .set("progress", mark.progress)
                               .set("n", static_cast<std::int64_t>(mark.feed_number))
                               .set("h", jose::base64url::encode(std::span<const std::byte>(mark.feed_hash)))
                               .to_json();
  return platform::write_private_file(mark_path(database_path), text + '\n', platform::Existing::replace);
}

Outcome<void> advance_history(store::Store& store, const std::string& database_path) {
  const auto mark = issuer::waited<HistoryMark>([&](auto done) { store.history().advance(std::move(done)); });
  if (!mark.has_value()) return std::unexpected(Fault{mark.error().message, ""});
  return write_mark(*mark, database_path);
}

Outcome<DatabaseLock> DatabaseLock::take(const std::string& database_path, Use use) {
  const int fd = ::open(database_path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return DatabaseLock(-1);
  if (::flock(fd, (use == Use::shared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0) return DatabaseLock(fd);
  const int number = errno;
  ::close(fd);
  if (number != EWOULDBLOCK) {
    return std::unexpected(
        Fault{fmt::format("{} cannot be locked: {}.", database_path, std::generic_category().message(number)), ""});
  }
  if (use == Use::shared) {
    return std::unexpected(
        Fault{fmt::format("{} is being restored.", database_path), "Start again when that is done."});
  }
  return std::unexpected(
      Fault{fmt::format("a server is running on {}.", database_path), "Stop it first, on every machine."});
}

DatabaseLock::DatabaseLock(DatabaseLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

DatabaseLock::~DatabaseLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace jeton::cli
