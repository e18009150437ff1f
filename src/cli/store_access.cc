#include "cli/store_access.h"

#include "issuer/foundation.h"
#include "store/sqlite/sqlite_store.h"

#include <fmt/format.h>

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

namespace jeton::cli {

using platform::Fault;
using platform::Outcome;

void add_store_options(CLI::App& command, StoreOptions& options) {
  command
      .add_option("--data", options.data, "Directory of the database and master key, as given to jeton serve (data)")
      ->type_name("DIR")
      ->group("Store");
  command.add_option("--config", options.config_path, "Configuration file, as given to jeton serve")
      ->type_name("FILE")
      ->group("Store");
}

Outcome<Config> config_of(const StoreOptions& options) {
  Outcome<Config> config = options.config_path.empty() ? Config{} : read_config(options.config_path);
  if (!config.has_value()) return config;
  if (!options.data.empty())
    config->store_url = fmt::format("sqlite:{}{}jeton.db", options.data, options.data.ends_with('/') ? "" : "/");
  return config;
}

std::string database_path(const Config& config) { return config.store_url.substr(std::string_view("sqlite:").size()); }

MasterKeyElsewhere master_key_elsewhere() {
  MasterKeyElsewhere elsewhere;
  if (const char* text = std::getenv(master_key_variable); text != nullptr && *text != '\0') {
    elsewhere.text = text;
    ::unsetenv(master_key_variable);
  }
  if (const char* directory = std::getenv("CREDENTIALS_DIRECTORY"); directory != nullptr && *directory != '\0') {
    std::string path = fmt::format("{}/{}", directory, master_key_credential);
    struct stat status{};
    if (::stat(path.c_str(), &status) == 0) elsewhere.credential_path = std::move(path);
  }
  return elsewhere;
}

store::Actor command_line_actor() {
  const uid_t user = ::getuid();
  std::array<char, 4096> text{};
  passwd entry{};
  passwd* found = nullptr;
  const bool is_named = ::getpwuid_r(user, &entry, text.data(), text.size(), &found) == 0 && found != nullptr;
  return {"cli:" + (is_named ? std::string(entry.pw_name) : std::to_string(user))};
}

Outcome<std::unique_ptr<StoreAccess>> StoreAccess::open(const StoreOptions& options) {
  auto config = config_of(options);
  if (!config.has_value()) return std::unexpected(config.error());
  std::unique_ptr<StoreAccess> access(new StoreAccess(*std::move(config)));
  struct stat status{};
  if (::stat(access->path_.c_str(), &status) != 0) {
    return std::unexpected(Fault{fmt::format("there is no database {}.", access->path_),
                                 "Say where it is with --data or --config; the first jeton serve makes it."});
  }
  auto store = store::open_sqlite({.path = access->path_, .clock = access->store_clock_});
  if (!store.has_value()) return std::unexpected(Fault{store.error().message, ""});
  access->store_ = *std::move(store);
  return access;
}

Outcome<SecretBytes> StoreAccess::sealing_key() {
  auto data = prepare_data(path_, master_key_elsewhere());
  if (!data.has_value()) return std::unexpected(data.error());
  auto foundation = issuer::lay_foundation(
      *store_, data->master_key,
      {.issuer_default = "http://" + config_.listen, .store_name = path_, .master_key_name = data->master_key_name});
  if (!foundation.has_value()) return std::unexpected(foundation.error());
  return std::move(foundation->sealing_key);
}

}  // namespace jeton::cli
