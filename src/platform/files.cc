#include "platform/files.h"

#include "platform/entropy.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

namespace jeton::platform {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const noexcept { return fd_; }
  // Closes now, where its result counts.
  bool close() noexcept { return ::close(std::exchange(fd_, -1)) == 0; }

 private:
  int fd_;
};

std::string text_of(int number) { return std::generic_category().message(number); }

Fault cannot_write(const std::string& path, int number) {
  switch (number) {
    case ENOENT: return {path + ": its directory does not exist.", "Make the directory first."};
    case EACCES: return {path + ": permission denied.", "Choose a directory this user may write to."};
    case EISDIR: return {path + ": is a directory.", "Name a file in it."};
    case ENOSPC:
    case EDQUOT: return {path + ": the disk is full; nothing was written.", "Free some space and try again."};
    default: return {path + ": cannot be written: " + text_of(number) + ".", ""};
  }
}

bool write_whole(int fd, std::string_view content) noexcept {
  while (!content.empty()) {
    const ssize_t count = ::write(fd, content.data(), content.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    content.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

// Each of these gives 0, or the error.

int find_obstacle(const std::string& path, Existing existing) noexcept {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) return 0;
  if (S_ISDIR(status.st_mode)) return EISDIR;
  return existing == Existing::keep ? EEXIST : 0;
}

int make_file(const std::string& path, std::string_view content) noexcept {
  Descriptor file{::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR)};
  if (file.get() < 0) return errno;
  const bool made = ::fchmod(file.get(), S_IRUSR | S_IWUSR) == 0 && write_whole(file.get(), content) &&
                    ::fsync(file.get()) == 0 && file.close();
  return made ? 0 : errno;
}

// Gives the finished file its name.
int give_name(const std::string& temporary, const std::string& path, Existing existing) noexcept {
  if (existing == Existing::replace) return ::rename(temporary.c_str(), path.c_str()) == 0 ? 0 : errno;
  if (::renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return errno;
  // A file system without that flag: a second name refuses an existing one just as well.
  if (::link(temporary.c_str(), path.c_str()) != 0) return errno;
  ::unlink(temporary.c_str());
  return 0;
}

int sync_directory_of(const std::string& path) {
  const std::filesystem::path directory = std::filesystem::path(path).parent_path();
  const Descriptor opened{::open(directory.empty() ? "." : directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (opened.get() < 0 || ::fsync(opened.get()) == 0) return 0;
  return errno == EINVAL ? 0 : errno;  // a file system that does not sync directories
}

}  // namespace

Outcome<void> write_private_file(const std::string& path, std::string_view content, Existing existing,
                                 std::string_view remedy_if_kept) {
  int failed = find_obstacle(path, existing);
  if (failed == 0) {
    const std::string temporary = path + '.' + random_hex(8) + ".new";
    failed = make_file(temporary, content);
    if (failed == 0) failed = give_name(temporary, path, existing);
    if (failed != 0) ::unlink(temporary.c_str());
  }
  if (failed == EEXIST) {
    return std::unexpected(Fault{path + ": exists and was left as it is.", std::string(remedy_if_kept)});
  }
  if (failed != 0) return std::unexpected(cannot_write(path, failed));
  if (const int unsynced = sync_directory_of(path); unsynced != 0) {
    return std::unexpected(Fault{path + ": written, but a loss of power may undo it: " + text_of(unsynced) + ".", ""});
  }
  return {};
}

}  // namespace jeton::platform
