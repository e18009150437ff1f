// Admission: looks at the file before anything may change it, and makes it if there is none.
#pragma once

#include "store/error.h"
#include "store/sqlite/connection.h"

#include <cstdint>
#include <optional>

namespace jeton::store::sqlite {

// Refuses a file that is not ours, is damaged, or is newer. Neither it nor its WAL is changed by a byte.
std::optional<Error> inspect(const Opening&, std::int64_t full_check_bytes_max);

// Makes the database if there is none: built whole beside `path`, synced, and linked into place, so that no process
// ever sees half of one and of several at once one wins. Mode 0600.
std::optional<Error> create_if_absent(const Opening&);

// Takes away what a group or others may do with the file; -wal and -shm inherit its mode.
void restrict_mode(const std::string& path);

}  // namespace jeton::store::sqlite
