// From a parsed document to free values.
#pragma once

#include "jose/json.h"

#include <jeton/value.h>

namespace jeton::jose {

// A copy of the value and all below it; the document must hold no number out of range.
Value to_value(JsonView view);

}  // namespace jeton::jose
