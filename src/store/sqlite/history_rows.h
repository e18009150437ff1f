// The history from the inside of other groups' transactions.
#pragma once

#include <string_view>

#include "store/sqlite/connection.h"

namespace jeton::store::sqlite {

// Notes that the database has gone back in time. What was noted first stays.
void note_gone_back(Connection&, std::string_view why);

}  // namespace jeton::store::sqlite
