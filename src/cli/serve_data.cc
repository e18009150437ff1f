#include "cli/serve_data.h"

#include "cli/files.h"
#include "cli/history_guard.h"
#include "issuer/foundation.h"
#include "jose/base64url.h"
#include "platform/files.h"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <istream>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace jeton::cli {
namespace {

namespace base64url = jose::base64url;
using platform::Fault;
using platform::Outcome;

constexpr std::string_view key_file_name = "master.key";

std::string reason(int number) { return std::generic_category().message(number); }

// The directory of the database, held by a lock while the master key is looked for or made.
class LockedDirectory {
 public:
  explicit LockedDirectory(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    while (fd_ >= 0 && ::flock(fd_, LOCK_EX) != 0 && errno == EINTR) {
    }
  }
  LockedDirectory(const LockedDirectory&) = delete;
  LockedDirectory& operator=(const LockedDirectory&) = delete;
  ~LockedDirectory() {
    if (fd_ >= 0) ::close(fd_);
  }
  bool is_open() const noexcept { return fd_ >= 0; }

 private:
  int fd_;
};

Outcome<void> make_directory(const std::string& path) {
  std::error_code ignored;
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  if (!parent.empty()) std::filesystem::create_directories(parent, ignored);
  if (::mkdir(path.c_str(), S_IRWXU) == 0 || errno == EEXIST) return {};
  return std::unexpected(
      Fault{fmt::format("{} cannot be made: {}.", path, reason(errno)), "Choose another directory with --data."});
}

// What lies in the directory and is none of ours; nothing if it counts as empty.
std::optional<std::string> foreign_entry(const std::string& directory, std::string_view database_name) {
  std::error_code failed;
  for (std::filesystem::directory_iterator entry(directory, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    const std::string name = entry->path().filename();
    if (name == "lost+found" || name == "jeton.toml" || name.starts_with(fmt::format("{}.", key_file_name))) continue;
    if (name == database_name) continue;
    return name;
  }
  return std::nullopt;
}

Outcome<SecretBytes> decoded_key(const SecretBytes& text, const std::string& where) {
  const auto bytes = text.reveal(InsecureSecretAccess::get());
  std::string_view characters(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  while (!characters.empty() && (characters.back() == '\n' || characters.back() == '\r')) characters.remove_suffix(1);
  std::array<std::byte, issuer::master_key_bytes> key{};
  if (characters.size() != base64url::encoded_size(key.size()) || !base64url::decode(characters, key.data())) {
    return std::unexpected(Fault{fmt::format("{} holds no master key: that is 43 characters of base64url.", where),
                                 "Restore it from your backup; nothing was changed."});
  }
  SecretBytes secret{key};
  key.fill(std::byte{});
  return secret;
}

Outcome<SecretBytes> read_key_file(const std::string& path) {
  std::istream no_standard_input(nullptr);
  const auto text = read_secret_file(path, no_standard_input);
  if (!text.has_value()) return std::unexpected(text.error());
  return decoded_key(*text, path);
}

Outcome<SecretBytes> make_key_file(const std::string& path) {
  SecretBytes key = SecretBytes::random(issuer::master_key_bytes);
  std::string text = base64url::encode(key.reveal(InsecureSecretAccess::get())) + '\n';
  const auto written = platform::write_private_file(path, text, platform::Existing::keep);
  text.assign(text.size(), '\0');
  if (!written.has_value()) return std::unexpected(written.error());
  return key;
}

Outcome<ServeData> key_from_elsewhere(const MasterKeyElsewhere& elsewhere) {
  if (elsewhere.text.has_value()) {
    std::string name = fmt::format("the environment variable {}", master_key_variable);
    auto key = decoded_key(SecretBytes::from_text(*elsewhere.text), name);
    if (!key.has_value()) return std::unexpected(key.error());
    return ServeData{*std::move(key), std::move(name)};
  }
  auto key = read_key_file(*elsewhere.credential_path);
  if (!key.has_value()) return std::unexpected(key.error());
  return ServeData{*std::move(key), fmt::format("the credential {}", master_key_credential)};
}

bool exists(const std::string& path) {
  struct stat status{};
  return ::lstat(path.c_str(), &status) == 0;
}

// Whoever can write the file chooses the key, whoever can read it has it; and a pipe would never be read to its end.
std::optional<Fault> objection_to_key_file(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;  // reading it says why
  if (!S_ISREG(status.st_mode))
    return Fault{fmt::format("{} is not a regular file.", path), "Restore it from your backup."};
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return Fault{fmt::format("{} can be read or written by others than its owner.", path),
                 fmt::format("Run chmod 600 {}, and consider whether someone has.", path)};
  }
  if (status.st_uid != ::geteuid() && status.st_uid != 0) {
    return Fault{fmt::format("{} belongs to another user.", path),
                 fmt::format("Run chown on {}, if it is yours.", path)};
  }
  return std::nullopt;
}

Outcome<SecretBytes> key_from_directory(const std::string& key_path, bool has_database,
                                        const std::string& database_path) {
  if (!exists(key_path)) {
    if (!has_database) return make_key_file(key_path);
    return std::unexpected(Fault{fmt::format("{} is missing; without it the keys in {} cannot be opened.", key_path,
                                             std::filesystem::path(database_path).filename().string()),
                                 "Restore it from your backup."});
  }
  if (auto objection = objection_to_key_file(key_path)) return std::unexpected(*std::move(objection));
  return read_key_file(key_path);
}

}  // namespace

Outcome<ServeData> read_master_key(const std::string& database_path, const MasterKeyElsewhere& elsewhere) {
  if (elsewhere.text.has_value() || elsewhere.credential_path.has_value()) return key_from_elsewhere(elsewhere);
  const std::filesystem::path directory = std::filesystem::path(database_path).parent_path();
  const std::string key_path = (directory.empty() ? std::filesystem::path(".") : directory) / key_file_name;
  auto key = key_from_directory(key_path, true, database_path);
  if (!key.has_value()) return std::unexpected(key.error());
  return ServeData{*std::move(key), key_path};
}

Outcome<ServeData> prepare_data(const std::string& database_path, const MasterKeyElsewhere& elsewhere) {
  const std::filesystem::path database(database_path);
  const std::string directory = database.has_parent_path() ? database.parent_path().string() : ".";
  if (auto made = make_directory(directory); !made.has_value()) return std::unexpected(made.error());
  const LockedDirectory lock(directory);
  if (!lock.is_open()) {
    return std::unexpected(Fault{fmt::format("{} cannot be used as data directory: {}.", directory, reason(errno)),
                                 "Choose another with --data, or let this user read and write it."});
  }
  const bool has_database = exists(database_path);
  const std::string key_path = (std::filesystem::path(directory) / key_file_name).string();
  if (!has_database && exists(mark_path(database_path))) {
    return std::unexpected(
        Fault{fmt::format("{} is missing, but has been there: {} says so.", database_path, mark_path(database_path)),
              "Put it back, or restore a backup with jeton restore."});
  }
  if (!has_database && !exists(key_path)) {
    if (const auto foreign = foreign_entry(directory, database.filename().string())) {
      return std::unexpected(Fault{fmt::format("{} holds no {}, but is not empty either: there is {}.", directory,
                                               database.filename().string(), *foreign),
                                   "Choose a new or empty directory with --data."});
    }
  }
  if (elsewhere.text.has_value() || elsewhere.credential_path.has_value()) return key_from_elsewhere(elsewhere);
  auto key = key_from_directory(key_path, has_database, database_path);
  if (!key.has_value()) return std::unexpected(key.error());
  return ServeData{*std::move(key), key_path};
}

}  // namespace jeton::cli
