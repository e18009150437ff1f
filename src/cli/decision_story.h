// What `jeton why` says about one line of the decision log: what was asked, what the route demanded, what the token
// said, and what the client was told.
#pragma once

#include <jeton/value.h>

#include <string>
#include <string_view>

namespace jeton::cli {

// Whether a line of the log tells of that request: by our id, the one that the proxy gave, or the trace's.
bool is_decision_about(const Value& line, std::string_view id);

// Several lines of text; harmless on a terminal.
std::string decision_story(const Value& line, bool colour);

}  // namespace jeton::cli
