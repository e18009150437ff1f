// The data directory of `jeton serve`: its database file, and the master key without which the keys in it cannot be
// opened.
//
// The master key is 32 random bytes, as base64url text in DIR/master.key (0600). It is made at the first start, and
// only in an empty directory: beside a database that is already there a new key would open nothing, and would hide
// that the old one is lost. Instead of the file an environment variable or a systemd credential may hold it.
#pragma once

#include "platform/fault.h"

#include <jeton/secret.h>

#include <optional>
#include <string>

namespace jeton::cli {

inline constexpr const char* master_key_variable = "JETON_MASTER_KEY";
inline constexpr const char* master_key_credential = "jeton.master-key";

// Where else the master key may come from, as the environment says.
struct MasterKeyElsewhere {
  std::optional<std::string> text{};             // $JETON_MASTER_KEY
  std::optional<std::string> credential_path{};  // $CREDENTIALS_DIRECTORY/jeton.master-key, if there is such a file
};

struct ServeData {
  SecretBytes master_key;
  std::string master_key_name;  // for messages: the file, the variable, or the credential
};

// Makes the directory (0700) of the database file if need be, and finds or makes the master key. The database itself
// is the store's to make. Safe when several processes start at once.
platform::Outcome<ServeData> prepare_data(const std::string& database_path, const MasterKeyElsewhere& elsewhere);

// The master key of a database that is there, or is about to be put there. Makes nothing.
platform::Outcome<ServeData> read_master_key(const std::string& database_path, const MasterKeyElsewhere& elsewhere);

}  // namespace jeton::cli
