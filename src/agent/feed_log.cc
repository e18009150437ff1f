#include "agent/feed_log.h"

#include "guard/feed/entry.h"
#include "guard/feed/event_stream.h"
#include "platform/entropy.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

namespace jeton::agent {
namespace {

using platform::Fault;
using platform::Outcome;

constexpr std::size_t entries_an_event = 1000;
constexpr std::size_t piece_bytes = 256 * 1024;

std::unexpected<Fault> cannot_write(const std::string& path, int error) {
  return std::unexpected(Fault{path + ": cannot be written: " + std::generic_category().message(error) + ".", ""});
}

std::string statement_text(const char* type, const std::string& statement) {
  return feed::event_text({.type = type, .data = {statement}, .id = {}});
}

// The entries from `from` on as one event.
std::string entries_text(const std::vector<feed::Entry>& entries, std::size_t from) {
  feed::Event event{.type = "entries", .data = {}, .id = {}};
  for (std::size_t i = from; i < std::min(entries.size(), from + entries_an_event); ++i) {
    event.data.push_back(feed::entry_text(entries[i].number, entries[i].revocation));
  }
  return feed::event_text(event);
}

// 0, or the error.
int write_at(int file, std::string_view text, std::uint64_t at) noexcept {
  while (!text.empty()) {
    const ssize_t count = ::pwrite(file, text.data(), text.size(), static_cast<off_t>(at));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return count < 0 ? errno : EIO;
    text.remove_prefix(static_cast<std::size_t>(count));
    at += static_cast<std::uint64_t>(count);
  }
  return 0;
}

void sync_directory_of(const std::string& path) {
  const auto directory = std::filesystem::path(path).parent_path();
  const int opened = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (opened < 0) return;
  ::fsync(opened);
  ::close(opened);
}

}  // namespace

FeedLog::~FeedLog() { close(); }

void FeedLog::close() noexcept {
  if (file_ >= 0) ::close(std::exchange(file_, -1));
}

bool FeedLog::load(feed::Reader& reader, const std::function<void(feed::Proved, const std::string& statement)>& take) {
  close();
  file_ = ::open(path_.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  struct stat status{};
  if (file_ < 0 || ::fstat(file_, &status) != 0 || !S_ISREG(status.st_mode)) {
    close();
    return false;
  }
  std::uint64_t read_bytes = 0, taken_bytes = 0;
  std::string waiting, piece(piece_bytes, '\0');
  bool goes_on = true;
  while (goes_on && read_bytes < limits_.file_bytes_max) {
    const ssize_t count = ::pread(file_, piece.data(), piece.size(), static_cast<off_t>(read_bytes));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    read_bytes += static_cast<std::uint64_t>(count);
    waiting.append(piece, 0, static_cast<std::size_t>(count));
    std::size_t begin = 0;
    // Each event as it was written, up to its empty line.
    for (std::size_t end = 0; goes_on && (end = waiting.find("\n\n", begin)) != std::string::npos; begin = end + 2) {
      std::vector<feed::Event> events;
      feed::EventParser parser(limits_.event_bytes_max);
      goes_on = parser.take(std::string_view(waiting).substr(begin, end + 2 - begin), events);
      taken_bytes += end + 2 - begin;
      for (std::size_t i = 0; goes_on && i < events.size(); ++i) {
        auto proved = reader.take(events[i]);
        goes_on = proved.has_value();
        if (!goes_on || !proved->has_value()) continue;
        good_bytes_ = taken_bytes;
        if ((*proved)->replaces) snapshot_bytes_ = taken_bytes;
        take(**std::move(proved), events[i].data.front());
      }
    }
    waiting.erase(0, begin);
    if (waiting.size() > limits_.event_bytes_max) goes_on = false;
  }
  reader.reconnect();
  if (good_bytes_ == 0) close();
  return good_bytes_ > 0;
}

Outcome<void> FeedLog::keep(const feed::Proved& proved, const std::string& statement,
                            std::chrono::milliseconds monotonic) {
  if (proved.replaces) return replace(proved, statement);
  if (file_ < 0) return {};  // nothing that it would follow
  const std::string head = statement_text("head", statement);
  if (!proved.entries.empty()) {
    std::string text;
    for (std::size_t from = 0; from < proved.entries.size(); from += entries_an_event) {
      text += entries_text(proved.entries, from);
    }
    head_written_ = monotonic;
    return append(text + head);
  }
  if (!pending_.empty()) return append({});
  if (head_written_ && monotonic - *head_written_ < limits_.head_interval) return {};
  // Behind what is proved, and overwritten by what comes next: a cut here costs nothing but how fresh it is.
  head_written_ = monotonic;
  if (const auto written = put(head); !written.has_value()) return written;
  return {};
}

Outcome<void> FeedLog::replace(const feed::Proved& proved, const std::string& statement) {
  close();
  pending_.clear();
  const std::string temporary = path_ + '.' + platform::random_hex(8) + ".new";
  file_ = ::open(temporary.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
  if (file_ < 0) return cannot_write(path_, errno);
  std::uint64_t at = 0;
  int failed = 0;
  const auto write = [&](const std::string& text) {
    if (failed == 0 && at + text.size() > limits_.file_bytes_max) failed = EFBIG;
    if (failed == 0) failed = write_at(file_, text, at);
    at += text.size();
  };
  write(feed::event_text({.type = "reset", .data = {""}, .id = {}}));
  for (std::size_t from = 0; failed == 0 && from < proved.entries.size(); from += entries_an_event) {
    write(entries_text(proved.entries, from));
  }
  write(statement_text("snapshot", statement));
  if (failed == 0 && ::fsync(file_) != 0) failed = errno;
  if (failed == 0 && ::rename(temporary.c_str(), path_.c_str()) != 0) failed = errno;
  if (failed != 0) {
    ::unlink(temporary.c_str());
    close();
    return cannot_write(path_, failed);
  }
  sync_directory_of(path_);
  good_bytes_ = snapshot_bytes_ = at;
  head_written_.reset();
  return {};
}

// Writes `text` behind what is proved, without counting it as such.
Outcome<void> FeedLog::put(std::string_view text) {
  if (const int failed = write_at(file_, text, good_bytes_); failed != 0) return cannot_write(path_, failed);
  if (::ftruncate(file_, static_cast<off_t>(good_bytes_ + text.size())) != 0) return cannot_write(path_, errno);
  return {};
}

Outcome<void> FeedLog::append(std::string text) {
  pending_ += text;
  const bool fits = good_bytes_ + pending_.size() <= limits_.file_bytes_max;
  auto written = fits ? put(pending_) : Outcome<void>(cannot_write(path_, EFBIG));
  if (written.has_value()) {
    good_bytes_ += std::exchange(pending_, {}).size();
  } else if (!fits || pending_.size() > limits_.pending_bytes_max) {
    pending_ = {};
    close();  // what is there is left as it is
  }
  return written;
}

}  // namespace jeton::agent
