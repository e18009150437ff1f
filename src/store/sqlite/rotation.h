// Rotation: rule 4.3 of the design as one group of statements.
#pragma once

#include "store/sessions.h"
#include "store/sqlite/connection.h"

namespace jeton::store::sqlite {

Rotation rotate(Connection&, const RotateRequest&);

}  // namespace jeton::store::sqlite
