#include "platform/entropy.h"

#include <sys/random.h>

#include <cerrno>
#include <cstdlib>
#include <vector>

namespace jeton::platform {

void random_bytes(std::span<std::byte> out) noexcept {
  while (!out.empty()) {
    const ssize_t got = ::getrandom(out.data(), out.size(), 0);
    if (got < 0) {
      if (errno == EINTR) continue;
      std::abort();
    }
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

std::string random_hex(std::size_t bytes) {
  std::vector<std::byte> raw(bytes);
  random_bytes(raw);
  std::string text;
  text.reserve(2 * bytes);
  for (const std::byte byte : raw) {
    text.push_back("0123456789abcdef"[std::to_integer<unsigned>(byte) >> 4]);
    text.push_back("0123456789abcdef"[std::to_integer<unsigned>(byte) & 15U]);
  }
  return text;
}

}  // namespace jeton::platform
