// Schema: what is in the file, and how an older file becomes a newer one. Migrations are only ever appended.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>

#include "store/sqlite/connection.h"

namespace jeton::store::sqlite {

// "JETO", in the header of every database of ours (PRAGMA application_id).
inline constexpr std::int32_t application_id = 0x4A45544F;
using Migrations = std::span<const std::string* const>;
Migrations migrations();
// What this program writes (PRAGMA user_version): the number of migrations.
std::int32_t schema_version();

std::int64_t read_application_id(Connection&);
std::int64_t read_schema_version(Connection&);

// How long a process waits for another that is bringing the schema forward.
inline constexpr std::chrono::minutes migration_wait_max{10};

// Brings the schema forward, each version in a transaction of its own: whoever is killed in the middle of a large table
// has lost that step alone, and whoever comes next goes on from it. A new file gets all of them at once. Of several
// processes one does a step, and the others wait for it. Does nothing if the schema is current. Failures latch. A
// version above ours latches nothing and changes nothing: the caller looks first, and again afterwards.
void migrate(Connection&, Migrations all = migrations());

}  // namespace jeton::store::sqlite
