// What the commands on tokens and signatures share: where the token comes from, and how a refusal is told.
#pragma once

#include "cli/batch.h"
#include "cli/command.h"
#include "platform/fault.h"

#include <jeton/error.h>

#include <optional>
#include <string>
#include <vector>

namespace jeton::cli {

// The token given as argument, or standard input without the white space around it, at most 4 MiB.
platform::Outcome<std::string> token_from(Console& console, const std::optional<std::string>& argument);

// "refused: CLAIM: SENTENCE. See: jeton help CODE" to err, and exit_bad.
void tell_refusal(Console& console, const Error& error);
// The JSON answer to out; exit_bad if it is not a good one.
void tell_json(Console& console, const BatchAnswer& answer);

// True, after saying so, if --batch-json is accompanied by options that its lines carry themselves.
bool batch_is_misused(Console& console, const CLI::App& command);

// --alg as given, once or more, with commas: known names. Nothing after saying what is wrong.
std::optional<std::vector<std::string>> algorithms_from(Console& console, const std::vector<std::string>& given);

// A note if a private key's file can be read by others than its owner.
void warn_of_open_key(Console& console, const std::string& path);

}  // namespace jeton::cli
