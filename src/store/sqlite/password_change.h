// A user's password replaced, with all that must happen in the same transaction, whoever asked for it.
#pragma once

#include <optional>
#include <string>

#include "store/ids.h"
#include "store/sqlite/connection.h"

namespace jeton::store::sqlite {

// Writes the hash, raises security epoch and version, ends every live session but `keep`. False if there is no such
// user.
bool replace_password(Connection&, const std::string& sub, const std::string& new_hash, const std::optional<Sid>& keep);

}  // namespace jeton::store::sqlite
