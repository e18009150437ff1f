// Files as the commands read and write them: whole, bounded, and with errors that name the file.
#pragma once

#include "platform/fault.h"

#include <jeton/secret.h>

#include <cstddef>
#include <iosfwd>
#include <string>
#include <string_view>

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

enum class Existing : bool { keep, replace };

// Makes `path` with mode 0600, durable before it returns, whole or not at all. An existing file is left as it is,
// unless it is to be replaced. A symbolic link at `path` counts as an existing file and is never followed.
platform::Outcome<void> write_private_file(const std::string& path, std::string_view content, Existing existing);

}  // namespace jeton::cli
