// Files: writing a private file so that it is there whole or not at all.
//
// Not for data bases. Blocking; not for an event loop's thread.
#pragma once

#include "platform/fault.h"

#include <string>
#include <string_view>

namespace jeton::platform {

enum class Existing : bool { keep, replace };

// Makes `path` with mode 0600, durable before it returns, whole or not at all, also after a loss of power: a temporary
// file beside it (`path`.….new; a process that is killed may leave it), fsync, then a rename, and fsync of the
// directory. An existing file is left as it is, unless it is to be replaced. A symbolic link at `path` counts as an
// existing file and is never followed. On a Fault what was there before is untouched; only when the very last step
// fails, the directory's fsync, is the new file there. (A directory that this user may not read is not synced.)
//
// The Fault names the file, the reason and what to do; `remedy_if_kept` is what to do about an existing file.
Outcome<void> write_private_file(const std::string& path, std::string_view content, Existing existing,
                                 std::string_view remedy_if_kept = "Choose another name.");

}  // namespace jeton::platform
