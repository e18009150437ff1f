// The files of tests/vectors/decisions: policies, each with its cases beside it.
#pragma once

#include "gateway/policy_cases.h"
#include "gateway/policy_file.h"

#include <filesystem>
#include <vector>

namespace jeton::gateway {

// In order of their names.
std::vector<std::filesystem::path> policies();
// What is wrong with a file is a failure of the test that asks.
PolicyFile policy_of(const std::filesystem::path& policy);
std::vector<PolicyCase> cases_of(std::filesystem::path policy);

}  // namespace jeton::gateway
