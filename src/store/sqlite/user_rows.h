// User rows: the columns of a User, in the order in which user_at reads them.
#pragma once

#include "store/sqlite/statement.h"
#include "store/users.h"

namespace jeton::store::sqlite {

inline constexpr char user_columns[] =
    "users.sub, users.email, users.password_hash, users.claims, users.security_epoch, users.version, users.disabled,"
    " users.created_at, users.email_verified_at IS NOT NULL";

User user_at(const Statement& row, int first_column);

}  // namespace jeton::store::sqlite
