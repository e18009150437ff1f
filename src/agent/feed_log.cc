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
#include <new>
#include <system_error>
#include <utility>
#include <vector>

namespace jeton::agent {
namespace {

using platform::Fault;
using platform::Outcome;

constexpr std::size_t entries_an_event = 1000;
constexpr std::size_t piece_bytes = 256 * 1024;
constexpr std::string_view new_suffix = ".new";

std::unexpected<Fault> cannot_write(const std::string& path, int error) {
  return std::unexpected(Fault{path + ": cannot be written: " + std::generic_category().message(error) + ".", ""});
}

std::string statement_text(const char* type, const std::string& statement) {
  return feed::event_text({.type = type, .data = {statement}, .id = {}});
}

std::vector<std::string> lines_of(std::span<const feed::Entry> entries) {
  std::vector<std::string> lines;
  lines.reserve(entries.size());
  for (const feed::Entry& entry : entries) lines.push_back(feed::entry_text(entry.number, entry.revocation));
  return lines;
}

// As events of a bounded size each.
std::string entries_text(std::span<const std::string> lines) {
  std::string text;
  while (!lines.empty()) {
    const auto some = lines.first(std::min(lines.size(), entries_an_event));
    text += feed::event_text({.type = "entries", .data = {some.begin(), some.end()}, .id = {}});
    lines = lines.subspan(some.size());
  }
  return text;
}

// Of snapshots that were coming when a process before this one was killed.
void remove_left_behind(const std::string& path) {
  const std::filesystem::path whole(path);
  const std::string begin = whole.filename().string() + '.';
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(whole.parent_path(), error)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(begin) && name.ends_with(new_suffix)) ::unlink(entry.path().c_str());
  }
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

FeedLog::~FeedLog() {
  drop_snapshot();
  close();
}

void FeedLog::close() noexcept {
  if (file_ >= 0) ::close(std::exchange(file_, -1));
}

bool FeedLog::load(feed::Reader& reader, const std::function<void(feed::Proved, const std::string& statement)>& take) {
  close();
  remove_left_behind(path_);
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
  if (proved.replaces) {
    if (!proved.is_staged) {
      begin_snapshot();
      add_to_snapshot(lines_of(proved.entries));
    }
    return end_snapshot(statement);
  }
  if (file_ < 0) return {};  // nothing that it would follow
  const std::string head = statement_text("head", statement);
  if (!proved.entries.empty()) {
    head_written_ = monotonic;
    return append(entries_text(lines_of(proved.entries)) + head);
  }
  if (!pending_.empty()) return append({});
  if (head_written_ && monotonic - *head_written_ < limits_.head_interval) return {};
  // Behind what is proved, and overwritten by what comes next: a cut here costs nothing but how fresh it is.
  head_written_ = monotonic;
  if (const auto written = put(head); !written.has_value()) return written;
  return {};
}

void FeedLog::drop_snapshot() noexcept {
  if (!coming_) return;
  if (coming_->file >= 0) {
    ::close(coming_->file);
    ::unlink(coming_->path.c_str());
  }
  coming_.reset();
}

void FeedLog::abandon() noexcept {
  drop_snapshot();
  pending_.clear();
  close();
}

void FeedLog::write_to_snapshot(std::string_view text) noexcept {
  if (coming_->failed == 0 && coming_->bytes + text.size() > limits_.file_bytes_max) coming_->failed = EFBIG;
  if (coming_->failed == 0) coming_->failed = write_at(coming_->file, text, coming_->bytes);
  coming_->bytes += text.size();
}

void FeedLog::begin_snapshot() {
  drop_snapshot();
  ComingSnapshot& coming = coming_.emplace();
  coming.path = path_ + '.' + platform::random_hex(8) + std::string(new_suffix);
  coming.file = ::open(coming.path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
  if (coming.file < 0) coming.failed = errno;
  write_to_snapshot(feed::event_text({.type = "reset", .data = {""}, .id = {}}));
}

void FeedLog::add_to_snapshot(std::span<const std::string> entry_lines) noexcept {
  if (!coming_ || coming_->failed != 0) return;
  try {
    write_to_snapshot(entries_text(entry_lines));
  } catch (const std::bad_alloc&) {
    coming_->failed = ENOMEM;
  }
}

Outcome<void> FeedLog::end_snapshot(const std::string& statement) {
  // What is there is of the time before; nothing that comes now follows it.
  close();
  pending_.clear();
  if (!coming_) return cannot_write(path_, ECANCELED);
  write_to_snapshot(statement_text("snapshot", statement));
  if (coming_->failed == 0 && ::fsync(coming_->file) != 0) coming_->failed = errno;
  if (coming_->failed == 0 && ::rename(coming_->path.c_str(), path_.c_str()) != 0) coming_->failed = errno;
  if (const int failed = coming_->failed; failed != 0) {
    drop_snapshot();
    return cannot_write(path_, failed);
  }
  file_ = std::exchange(coming_->file, -1);
  sync_directory_of(path_);
  good_bytes_ = snapshot_bytes_ = coming_->bytes;
  coming_.reset();
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
