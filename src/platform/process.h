// Process: limits and rights of this process itself.
#pragma once

#include <cstddef>

namespace jeton::platform {

// Raises the soft limit of open files towards `wanted`, as far as the hard limit allows. Returns what holds now.
std::size_t raise_open_files_limit(std::size_t wanted) noexcept;

// No core files, and no other process of the same user may read this one's memory: both would hold secrets.
void forbid_memory_dumps() noexcept;

}  // namespace jeton::platform
