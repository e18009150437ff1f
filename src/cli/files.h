// Files as the commands read them: whole, bounded, and with errors that name the file. Anything that can be read counts
// as a file, also a pipe. Writing is platform/files.h.
#pragma once

#include "platform/fault.h"

#include <jeton/secret.h>

#include <cstddef>
#include <iosfwd>
#include <string>

namespace jeton::cli {

inline constexpr std::size_t key_file_bytes_max = 4 * 1024 * 1024;
inline constexpr std::size_t payload_file_bytes_max = 64 * 1024 * 1024;

// The whole file. "-" is standard input.
platform::Outcome<std::string> read_file(const std::string& path, std::istream& standard_input, std::size_t bytes_max);
// The same for a file that may hold a private key: no copy is left behind in memory.
platform::Outcome<SecretBytes> read_secret_file(const std::string& path, std::istream& standard_input);
// The whole of a stream, bounded.
platform::Outcome<std::string> read_stream(std::istream& in, std::size_t bytes_max);

// True if someone besides the owner may read this file (and it is a regular one).
bool is_readable_by_others(const std::string& path) noexcept;

}  // namespace jeton::cli
