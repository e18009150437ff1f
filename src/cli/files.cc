#include "cli/files.h"

#include "crypto/random.h"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <istream>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

namespace jeton::cli {
namespace {

using platform::Fault;
using platform::Outcome;

Fault cannot_read(const std::string& path, int number) {
  switch (number) {
    case ENOENT: return {path + ": no such file.", "Check the name; relative names begin where the command runs."};
    case EACCES: return {path + ": permission denied.", "Run as the user who owns it, or let this user read it."};
    case EISDIR: return {path + ": is a directory.", "Name a file in it."};
    default: return {path + ": cannot be read: " + std::generic_category().message(number) + ".", ""};
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
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return std::unexpected(cannot_read(path, errno));
  int failed = 0;
  const bool fits = gather(bytes, bytes_max, [&](char* at, std::size_t size) -> std::size_t {
    for (;;) {
      const ssize_t count = ::read(file, at, size);
      if (count >= 0) return static_cast<std::size_t>(count);
      if (errno == EINTR) continue;
      failed = errno;
      return 0;
    }
  });
  ::close(file);
  if (failed != 0) return std::unexpected(cannot_read(path, failed));
  if (!fits) return std::unexpected(too_long(path, bytes_max));
  return bytes;
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

}  // namespace jeton::cli
