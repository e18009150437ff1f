// Fills the database of a stopped issuer with sessions, as many as one likes, by copying the row of one real session
// under other ids, two to a user; and makes their refresh tokens, as the issuer itself would.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace jeton::bench {

// The client that is added too, for client credentials. No secret: tools/issuer_load.py says it as well.
inline constexpr std::string_view service_id = "bench-service";
inline constexpr std::string_view service_secret = "bench-secret";

// `data`: the data directory, with at least one live session in its database. Adds `count` sessions in the random order
// of their ids, as they would come; writes the refresh tokens of `tokens` of them, chosen evenly, one a line.
void fill_sessions(const std::string& data, std::size_t count, std::size_t tokens, const std::string& tokens_path);

// Bytes of the table of sessions and of its indexes, for each session.
double bytes_per_session(const std::string& data);

}  // namespace jeton::bench
