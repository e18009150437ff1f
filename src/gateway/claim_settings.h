// How a policy file names claims: `"limits.audio"`, a path with a dot between its segments, or a list of segments where
// a name holds a dot itself: ["https://example.com/limits", "audio"].
#pragma once

#include "platform/toml_document.h"

#include <jeton/policy.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jeton::gateway {

inline constexpr std::size_t claim_segments_max = 4;

// None if a segment is empty or there are too many.
std::optional<ClaimPath> claim_path_of(std::string_view dotted);
// The claim that a setting names, in either form; nothing and a fault if it names none.
std::optional<ClaimPath> read_claim_path(platform::TomlTable& table, std::string_view name);

// `claims` of [[route]] require: a table of tests by claim, or a list of { claim = [...], TEST }.
std::vector<Condition> read_conditions(platform::TomlTable& require);
// `pass` of [[route]]: a table of header names by claim, or a list of { claim = [...], header = NAME }.
std::vector<PassedClaim> read_pass(platform::TomlTable& route);

}  // namespace jeton::gateway
