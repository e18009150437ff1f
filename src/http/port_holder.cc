#include "http/port_holder.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string_view>
#include <system_error>

namespace jeton::http {
namespace {

// The inodes of the sockets that listen on `port`, from one of the two tables of proc(5).
void add_listening_inodes(const char* table, std::uint16_t port, std::set<std::string>& inodes) {
  std::ifstream file(table);
  std::string line;
  std::getline(file, line);  // headings
  while (std::getline(file, line)) {
    std::istringstream row(line);
    std::string slot, local, remote, state, queues, timer, retransmits, user, timeout, inode;
    if (!(row >> slot >> local >> remote >> state >> queues >> timer >> retransmits >> user >> timeout >> inode))
      continue;
    const std::size_t colon = local.rfind(':');
    if (state != "0A" || colon == std::string::npos) continue;
    unsigned value = 0;
    const char* const end = local.data() + local.size();
    if (std::from_chars(local.data() + colon + 1, end, value, 16).ptr == end && value == port) inodes.insert(inode);
  }
}

bool holds_one_of(const std::filesystem::path& process, const std::set<std::string>& inodes) {
  std::error_code error;
  std::filesystem::directory_iterator entry(process / "fd", error);
  for (; !error && entry != std::filesystem::directory_iterator{}; entry.increment(error)) {
    std::error_code unreadable;
    const std::string link = std::filesystem::read_symlink(entry->path(), unreadable).string();
    constexpr std::string_view prefix = "socket:[";
    if (unreadable || !link.starts_with(prefix) || !link.ends_with(']')) continue;
    if (inodes.contains(link.substr(prefix.size(), link.size() - prefix.size() - 1))) return true;
  }
  return false;
}

std::string program_of(const std::filesystem::path& process) {
  std::ifstream file(process / "comm");
  std::string name;
  std::getline(file, name);
  // A process may name itself anything; this goes to a terminal.
  std::replace_if(name.begin(), name.end(), [](char c) { return c < 0x20 || c == 0x7f; }, '?');
  return name;
}

}  // namespace

std::optional<PortHolder> port_holder(std::uint16_t port) {
  std::set<std::string> inodes;
  add_listening_inodes("/proc/net/tcp", port, inodes);
  add_listening_inodes("/proc/net/tcp6", port, inodes);
  if (inodes.empty()) return std::nullopt;
  std::error_code error;
  std::filesystem::directory_iterator entry("/proc", error);
  for (; !error && entry != std::filesystem::directory_iterator{}; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    int pid = 0;
    const char* const end = name.data() + name.size();
    if (std::from_chars(name.data(), end, pid).ptr != end || pid <= 0) continue;
    if (holds_one_of(entry->path(), inodes)) return PortHolder{program_of(entry->path()), pid};
  }
  return std::nullopt;
}

}  // namespace jeton::http
