#include "cli/large_pages.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace jeton::cli {

void use_large_pages() noexcept try {
  constexpr const char* variable = "GLIBC_TUNABLES";
  constexpr const char* setting = "glibc.malloc.hugetlb";
  const char* const given = std::getenv(variable);
  std::string tunables = given == nullptr ? "" : given;
  if (tunables.find(setting) != std::string::npos) return;
  tunables += (tunables.empty() ? "" : ":") + std::string(setting) + "=1";

  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::string words((std::istreambuf_iterator<char>(file)), {});
  std::vector<char*> arguments;  // each word ends in NUL
  for (std::size_t at = 0; at < words.size(); at = words.find('\0', at) + 1) arguments.push_back(words.data() + at);
  if (arguments.empty() || words.back() != '\0') return;
  arguments.push_back(nullptr);
  const std::string program = std::filesystem::read_symlink("/proc/self/exe").string();
  if (::setenv(variable, tunables.c_str(), 1) != 0) return;
  ::execv(program.c_str(), arguments.data());  // comes back only if it fails
} catch (...) {
  return;
}

}  // namespace jeton::cli
