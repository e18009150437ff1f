#include "cli/files.h"

#include "crypto/random.h"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <istream>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

namespace jeton::cli {
namespace {

using platform::Fault;
using platform::Outcome;

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

std::string reason(int number) { return std::generic_category().message(number); }

Fault cannot_read(const std::string& path, int number) {
  switch (number) {
    case ENOENT: return {path + ": no such file.", "Check the name; relative names begin where the command runs."};
    case EACCES: return {path + ": permission denied.", "Run as the user who owns it, or let this user read it."};
    case EISDIR: return {path + ": is a directory.", "Name a file in it."};
    default: return {path + ": cannot be read: " + reason(number) + ".", ""};
  }
}

Fault cannot_write(const std::string& path, int number) {
  switch (number) {
    case EEXIST: return {path + ": exists and was left as it is.", "Choose another name, or replace it with --force."};
    case ENOENT: return {path + ": its directory does not exist.", "Make the directory first."};
    case EACCES: return {path + ": permission denied.", "Choose a directory this user may write to."};
    case EISDIR: return {path + ": is a directory.", "Name a file in it."};
    case ENOSPC:
    case EDQUOT: return {path + ": the disk is full; nothing was written.", "Free some space and try again."};
    default: return {path + ": cannot be written: " + reason(number) + ".", ""};
  }
}

Fault too_long(const std::string& path, std::size_t bytes_max) {
  return {fmt::format("{}: longer than {} bytes, the most that is read.", path, bytes_max), ""};
}

void wipe(std::vector<char>& bytes) noexcept { crypto::wipe(std::as_writable_bytes(std::span(bytes))); }

// Appends to `bytes` through `more`, which fills a buffer and says how much (0: end), up to bytes_max. Growing never
// leaves an unwiped copy behind. Returns false if there was more.
template <class More>
bool gather(std::vector<char>& bytes, std::size_t bytes_max, More more) {
  std::size_t used = 0;
  for (;;) {
    if (used == bytes.size()) {
      std::vector<char> larger(std::min(std::max<std::size_t>(2 * used, 16 * 1024), bytes_max + 1));
      std::copy_n(bytes.begin(), used, larger.begin());
      wipe(bytes);
      bytes = std::move(larger);
    }
    const std::size_t count = more(bytes.data() + used, bytes.size() - used);
    used += count;
    if (used > bytes_max) return false;
    if (count == 0) break;
  }
  bytes.resize(used);
  return true;
}

Outcome<std::vector<char>> read_all(const std::string& path, std::istream& standard_input, std::size_t bytes_max) {
  std::vector<char> bytes;
  if (path == "-") {
    const bool fits = gather(bytes, bytes_max, [&](char* at, std::size_t size) {
      standard_input.read(at, static_cast<std::streamsize>(size));
      return static_cast<std::size_t>(standard_input.gcount());
    });
    if (!fits) return std::unexpected(too_long("standard input", bytes_max));
    if (standard_input.bad()) return std::unexpected(Fault{"standard input: cannot be read.", ""});
    return bytes;
  }
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.get() < 0) return std::unexpected(cannot_read(path, errno));
  int failed = 0;
  const bool fits = gather(bytes, bytes_max, [&](char* at, std::size_t size) -> std::size_t {
    for (;;) {
      const ssize_t count = ::read(file.get(), at, size);
      if (count >= 0) return static_cast<std::size_t>(count);
      if (errno == EINTR) continue;
      failed = errno;
      return 0;
    }
  });
  if (failed != 0) return std::unexpected(cannot_read(path, failed));
  if (!fits) return std::unexpected(too_long(path, bytes_max));
  return bytes;
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

std::string directory_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string beside(const std::string& path) {
  std::array<std::byte, 8> bytes{};
  crypto::random_bytes(bytes);
  std::uint64_t number = 0;
  std::memcpy(&number, bytes.data(), sizeof number);
  return fmt::format("{}.{:016x}.new", path, number);
}

// Gives the finished file its name. 0, or the error.
int give_name(const std::string& temporary, const std::string& path, Existing existing) noexcept {
  if (existing == Existing::replace) return ::rename(temporary.c_str(), path.c_str()) == 0 ? 0 : errno;
  if (::renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return errno;
  // A file system without that flag: a second name refuses an existing one just as well.
  if (::link(temporary.c_str(), path.c_str()) != 0) return errno;
  ::unlink(temporary.c_str());
  return 0;
}

}  // namespace

Outcome<std::string> read_file(const std::string& path, std::istream& standard_input, std::size_t bytes_max) {
  auto bytes = read_all(path, standard_input, bytes_max);
  if (!bytes) return std::unexpected(bytes.error());
  return std::string(bytes->begin(), bytes->end());
}

Outcome<SecretBytes> read_secret_file(const std::string& path, std::istream& standard_input) {
  auto bytes = read_all(path, standard_input, key_file_bytes_max);
  if (!bytes) return std::unexpected(bytes.error());
  SecretBytes secret{std::as_bytes(std::span(*bytes))};
  wipe(*bytes);
  return secret;
}

Outcome<std::string> read_stream(std::istream& in, std::size_t bytes_max) { return read_file("-", in, bytes_max); }

bool is_readable_by_others(const std::string& path) noexcept {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return false;
  return (status.st_mode & (S_IRGRP | S_IROTH)) != 0;
}

Outcome<void> write_private_file(const std::string& path, std::string_view content, Existing existing) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) return std::unexpected(cannot_write(path, EISDIR));
    if (existing == Existing::keep) return std::unexpected(cannot_write(path, EEXIST));
  }
  const std::string temporary = beside(path);
  Descriptor file{::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR)};
  if (file.get() < 0) return std::unexpected(cannot_write(path, errno));
  const bool written = ::fchmod(file.get(), S_IRUSR | S_IWUSR) == 0 && write_whole(file.get(), content) &&
                       ::fsync(file.get()) == 0 && file.close();
  const int failed = written ? give_name(temporary, path, existing) : errno;
  if (failed != 0) {
    ::unlink(temporary.c_str());
    return std::unexpected(cannot_write(path, failed));
  }
  const Descriptor directory{::open(directory_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (directory.get() >= 0) ::fsync(directory.get());
  return {};
}

}  // namespace jeton::cli
