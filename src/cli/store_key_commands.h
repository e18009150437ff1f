// key list|rotate|revoke, and key import into a store: the signing keys of an issuer, beside a running server or not.
#pragma once

#include "cli/command.h"
#include "cli/store_access.h"

#include <jeton/key.h>

#include <optional>
#include <string>

namespace jeton::cli {

void add_store_key_commands(CLI::App& key, Console& console);

// Adds the key to the issuer's, to be published and, in its turn, to sign. A shared secret is for one audience.
void import_into_store(Console& console, const SigningKey& key, const StoreOptions& options,
                       const std::optional<std::string>& audience);

}  // namespace jeton::cli
