// StoreAccess: how an operator's command reaches the store of a `jeton serve`, whether that runs or not. The same
// --config and --data as there say which.
#pragma once

#include "cli/config.h"
#include "cli/serve_data.h"
#include "platform/clock.h"
#include "platform/fault.h"
#include "store/store.h"

#include <jeton/secret.h>

#include <CLI/CLI.hpp>

#include <memory>
#include <string>

namespace jeton::cli {

struct StoreOptions {
  std::string config_path, data;  // empty where not given

  bool are_given() const { return !config_path.empty() || !data.empty(); }
};
// --data and --config.
void add_store_options(CLI::App& command, StoreOptions& options);

// The configuration as `serve` would take it: the file, then --data.
platform::Outcome<Config> config_of(const StoreOptions& options);
std::string database_path(const Config& config);
// What the environment says of the master key. The variable is gone afterwards: no child inherits it.
MasterKeyElsewhere master_key_elsewhere();

// Who uses the command line, for the audit: "cli:root".
store::Actor command_line_actor();

class StoreClock final : public store::Clock {
 public:
  explicit StoreClock(const platform::ClockSource& source) : source_(source) {}
  store::StoreTime now() const override { return source_.now(); }

 private:
  const platform::ClockSource& source_;
};

class StoreAccess {
 public:
  // Fault: there is no such database yet; nothing is made.
  static platform::Outcome<std::unique_ptr<StoreAccess>> open(const StoreOptions& options);

  store::Store& store() { return *store_; }
  store::StoreTime now() const { return store_clock_.now(); }
  const Config& config() const { return config_; }
  const std::string& path() const { return path_; }
  // What private keys are sealed with. Needs the master key, which the rest does not.
  platform::Outcome<SecretBytes> sealing_key();

 private:
  explicit StoreAccess(Config config) : config_(std::move(config)), path_(database_path(config_)) {}

  const Config config_;
  const std::string path_;
  const platform::SystemClock clock_;
  const StoreClock store_clock_{clock_};
  std::unique_ptr<store::Store> store_;
};

}  // namespace jeton::cli
