#include "decision_files.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>

namespace jeton::gateway {
namespace {

std::string content_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in.good()) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

std::vector<std::filesystem::path> policies() {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(JETON_VECTORS_DIR "/decisions")) {
    if (entry.path().extension() == ".toml") paths.push_back(entry.path());
  }
  std::ranges::sort(paths);
  return paths;
}

PolicyFile policy_of(const std::filesystem::path& policy) {
  auto file = parse_policy_file(content_of(policy), policy.filename().string());
  if (!file.has_value()) ADD_FAILURE() << file.error().what;
  return file.has_value() ? *std::move(file) : PolicyFile{};
}

std::vector<PolicyCase> cases_of(std::filesystem::path policy) {
  policy.replace_extension(".cases");
  auto cases = parse_policy_cases(content_of(policy), policy.filename().string());
  if (!cases.has_value()) ADD_FAILURE() << cases.error().what;
  return cases.has_value() ? *std::move(cases) : std::vector<PolicyCase>{};
}

}  // namespace jeton::gateway
