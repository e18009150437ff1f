#include "cli/allocator.h"

#include <sys/auxv.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

namespace jeton::cli {

void set_up_allocator() noexcept try {
  // With capabilities of its file (a port below 1024) the loader takes the words away at each start: no end of starts.
  if (::getauxval(AT_SECURE) != 0) return;
  constexpr const char* variable = "GLIBC_TUNABLES";
  constexpr std::array<std::pair<const char*, const char*>, 2> settings = {
      {{"glibc.malloc.hugetlb", "1"}, {"glibc.malloc.tcache_count", "256"}}};
  const char* const given = std::getenv(variable);
  const std::string before = given == nullptr ? "" : given;
  std::string tunables = before;
  for (const auto& [name, value] : settings) {
    if (before.find(name) == std::string::npos)
      tunables += (tunables.empty() ? "" : ":") + std::string(name) + "=" + value;
  }
  if (tunables == before) return;

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
