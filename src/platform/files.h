// Files: what Jeton does with files of its own: read one whole within a limit, write a private one so that it is
// there whole or not at all, make a private directory. Every Fault names the file, the system's reason and what to
// do.
//
// Not for data bases. Blocking; not for an event loop's thread.
#pragma once

#include "platform/fault.h"

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace jeton::platform {

// The whole regular file. Refuses one larger than `bytes_max`, a directory, a device.
Outcome<std::string> read_file(const std::filesystem::path& path, std::size_t bytes_max);

// The same for a file that holds a secret: refuses one that its group or others may read or write, or that belongs to
// another user than this process's or root. The content stays in memory that is not wiped: move it on at once.
Outcome<std::string> read_secret_file(const std::filesystem::path& path, std::size_t bytes_max);

enum class IfPresent : bool { replace, refuse };

// Writes a file of mode 0600 that is either not there or there whole, also after a loss of power: a temporary file in
// the same directory, fsync, then rename (with `refuse` one that never overwrites), and fsync of the directory. A
// symbolic link at `path` is not followed: `replace` replaces it, `refuse` refuses. On a Fault nothing is left behind
// and what was there before is untouched; only when the very last step fails, the directory's fsync, is the new file
// there.
Outcome<void> write_private_file(const std::filesystem::path& path, std::string_view content, IfPresent if_present);

// Makes the directory with mode 0700 if it is not there (parents are not made). One that is there is left as it is, but
// refused when group or others may write to it.
Outcome<void> make_private_directory(const std::filesystem::path& path);

}  // namespace jeton::platform
