#include "platform/files.h"

#include "platform/entropy.h"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

namespace jeton::platform {
namespace {

namespace fs = std::filesystem;

std::string reason(int code) { return std::generic_category().message(code); }

std::string remedy_of(int code, const fs::path& path) {
  const std::string parent = path.has_parent_path() ? path.parent_path().string() : ".";
  switch (code) {
    case ENOENT: return fmt::format("Check the path, or make {} first.", parent);
    case EACCES:
    case EPERM: return fmt::format("Run as the owner, or change its rights or those of {}.", parent);
    case ENOSPC:
    case EDQUOT: return "Free some space and try again.";
    case EROFS: return "Choose a directory that can be written to.";
    case EMFILE:
    case ENFILE: return "Raise the limit of open files (ulimit -n).";
    default: return "";
  }
}

std::unexpected<Fault> fault(const fs::path& path, std::string_view cannot, int code) {
  return std::unexpected(
      Fault{fmt::format("{}: cannot {}: {}.", path.string(), cannot, reason(code)), remedy_of(code, path)});
}

class OpenFile {
 public:
  explicit OpenFile(int fd) noexcept : fd_(fd) {}
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() { close(); }

  int get() const noexcept { return fd_; }
  bool is_open() const noexcept { return fd_ >= 0; }
  // False when the system reports an error that writing had not shown.
  bool close() noexcept { return fd_ < 0 || ::close(std::exchange(fd_, -1)) == 0; }

 private:
  int fd_;
};

enum class Secrecy : bool { open, secret };

Outcome<void> check_kind(const fs::path& path, const struct stat& status, Secrecy secrecy) {
  if (S_ISDIR(status.st_mode))
    return std::unexpected(Fault{fmt::format("{} is a directory, not a file.", path.string()), ""});
  if (!S_ISREG(status.st_mode))
    return std::unexpected(Fault{fmt::format("{} is not a regular file.", path.string()), ""});
  if (secrecy == Secrecy::open) return {};
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return std::unexpected(Fault{fmt::format("{} holds a secret, but others than its owner may use it (mode {:04o}).",
                                             path.string(), static_cast<unsigned>(status.st_mode) & 07777U),
                                 fmt::format("Run: chmod 600 {}", path.string())});
  }
  if (status.st_uid != ::geteuid() && status.st_uid != 0) {
    return std::unexpected(
        Fault{fmt::format("{} holds a secret, but belongs to another user (uid {}).", path.string(), status.st_uid),
              fmt::format("Run: chown {} {}", ::geteuid(), path.string())});
  }
  return {};
}

Outcome<std::string> read_whole(const fs::path& path, std::size_t bytes_max, Secrecy secrecy) {
  // O_NONBLOCK: a FIFO in the file's place must not hang the start.
  const OpenFile file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!file.is_open()) return fault(path, "read", errno);
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return fault(path, "read", errno);
  if (auto kind = check_kind(path, status, secrecy); !kind) return std::unexpected(std::move(kind.error()));
  std::string content;
  content.reserve(std::min(bytes_max, static_cast<std::size_t>(std::max<off_t>(status.st_size, 0))) + 1);
  // The size of the file is a hint: it may grow while it is read, and files in /proc say 0.
  while (content.size() <= bytes_max) {
    const std::size_t before = content.size();
    content.resize(std::min(bytes_max + 1, std::max<std::size_t>(content.capacity(), before + 4096)));
    const ssize_t got = ::read(file.get(), content.data() + before, content.size() - before);
    const int code = errno;
    content.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got == 0) return content;
    if (got < 0 && code != EINTR) return fault(path, "read", code);
  }
  return std::unexpected(
      Fault{fmt::format("{} is larger than {} bytes.", path.string(), bytes_max), "Check that it is the right file."});
}

bool write_all(int fd, std::string_view content) noexcept {
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return false;
    }
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

Outcome<void> write_temporary(const fs::path& temporary, std::string_view content) {
  OpenFile file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.is_open()) return fault(temporary, "create", errno);
  if (!write_all(file.get(), content) || ::fsync(file.get()) != 0) return fault(temporary, "write", errno);
  if (!file.close()) return fault(temporary, "write", errno);
  return {};
}

Outcome<void> sync_directory(const fs::path& directory) {
  const OpenFile opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened.is_open() || ::fsync(opened.get()) != 0) return fault(directory, "write", errno);
  return {};
}

Outcome<void> put_in_place(const fs::path& temporary, const fs::path& path, IfPresent if_present) {
  if (if_present == IfPresent::replace) {
    if (::rename(temporary.c_str(), path.c_str()) != 0) return fault(path, "replace", errno);
    return {};
  }
  int code = ::renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) == 0 ? 0 : errno;
  if (code == EINVAL || code == ENOSYS) {  // a file system without it; link never overwrites either
    code = ::link(temporary.c_str(), path.c_str()) == 0 ? 0 : errno;
    if (code == 0) ::unlink(temporary.c_str());
  }
  if (code == 0) return {};
  if (code == EEXIST) {
    return std::unexpected(Fault{fmt::format("{} is there already and is not overwritten.", path.string()),
                                 "Choose another name, or move it away."});
  }
  return fault(path, "create", code);
}

}  // namespace

Outcome<std::string> read_file(const fs::path& path, std::size_t bytes_max) {
  return read_whole(path, bytes_max, Secrecy::open);
}

Outcome<std::string> read_secret_file(const fs::path& path, std::size_t bytes_max) {
  return read_whole(path, bytes_max, Secrecy::secret);
}

Outcome<void> write_private_file(const fs::path& path, std::string_view content, IfPresent if_present) {
  const fs::path directory = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const fs::path temporary = directory / fmt::format(".{}.{}.new", path.filename().string(), random_hex(8));
  auto done = write_temporary(temporary, content);
  if (done) done = put_in_place(temporary, path, if_present);
  if (!done) {
    ::unlink(temporary.c_str());
    // The reader knows `path`; the temporary name says nothing to them.
    if (done.error().what.starts_with(temporary.string()))
      done.error().what.replace(0, temporary.string().size(), path.string());
    return done;
  }
  return sync_directory(directory);
}

Outcome<void> make_private_directory(const fs::path& path) {
  if (::mkdir(path.c_str(), 0700) == 0)
    return sync_directory(path.has_parent_path() ? path.parent_path() : fs::path("."));
  if (errno != EEXIST) return fault(path, "make the directory", errno);
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return fault(path, "use the directory", errno);
  if (!S_ISDIR(status.st_mode))
    return std::unexpected(
        Fault{fmt::format("{} is not a directory.", path.string()), "Choose another, or move it away."});
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return std::unexpected(Fault{fmt::format("{} may be written to by others than its owner (mode {:04o}).",
                                             path.string(), static_cast<unsigned>(status.st_mode) & 07777U),
                                 fmt::format("Run: chmod 700 {}", path.string())});
  }
  return {};
}

}  // namespace jeton::platform
