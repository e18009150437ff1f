// Addresses and agents of sessions, forgotten after their time.
#include "store/sqlite/aggregates.h"

#include <string>
#include <utility>
#include <vector>

namespace jeton::store::sqlite {
namespace {

// An empty first address is one that was forgotten; NULL means that it is the last one too.
const std::string kLook =
    "SELECT id, (rotated_at <= ?2 AND (address IS NOT NULL OR user_agent IS NOT NULL OR (fingerprint IS NOT NULL"
    " AND (ended_at IS NOT NULL OR idle_expires_at <= jeton_now_ms()))))"
    " OR (auth_time <= ?2 AND length(first_address) > 0)"
    " FROM sessions WHERE id > ?1 ORDER BY id LIMIT ?3";
// Asks again what kLook saw: the session may have been refreshed meanwhile.
const std::string kForget =
    "UPDATE sessions SET first_address = x'',"
    " address = CASE WHEN rotated_at <= ?2 THEN NULL ELSE address END,"
    " user_agent = CASE WHEN rotated_at <= ?2 THEN NULL ELSE user_agent END,"
    " fingerprint = CASE WHEN rotated_at <= ?2 AND (ended_at IS NOT NULL OR idle_expires_at <= jeton_now_ms())"
    " THEN NULL ELSE fingerprint END"
    " WHERE id = ?1 AND (rotated_at <= ?2 OR (auth_time <= ?2 AND length(first_address) > 0))";

struct Found {
  DeviceSweep sweep;
  std::vector<std::int64_t> ids;
};

Found look(Connection& db, StoreTime time, std::int64_t place, std::size_t looked_at_max, std::size_t changed_max) {
  Found found{.sweep = {.place = place}, .ids = {}};
  std::size_t looked_at = 0;
  auto row = db.query(kLook);
  row.integer(place).time(time).integer(static_cast<std::int64_t>(looked_at_max));
  while (found.ids.size() < changed_max && row.step()) {
    ++looked_at;
    found.sweep.place = row.integer_at(0);
    if (row.integer_at(1) != 0) found.ids.push_back(found.sweep.place);
  }
  found.sweep.is_done = looked_at < looked_at_max && found.ids.size() < changed_max;
  return found;
}

DeviceSweep forget(Connection& db, StoreTime time, Found found) {
  for (const std::int64_t id : found.ids) found.sweep.forgotten += db.query(kForget).integer(id).time(time).run();
  return found.sweep;
}

}  // namespace

// Looks on the reader's lane, where no refresh waits; only what is to be changed goes through the writer.
void SqliteSessions::forget_devices(StoreTime time, std::int64_t place, std::size_t looked_at_max,
                                    std::size_t changed_max, Completion<DeviceSweep> done) {
  lanes_.read<Found>(
      [time, place, looked_at_max, changed_max](Connection& db) {
        return look(db, time, place, looked_at_max, changed_max);
      },
      [this, time, done = std::move(done)](Result<Found> found) mutable {
        if (!found.has_value()) return done(std::unexpected(found.error()));
        if (found->ids.empty()) return done(found->sweep);
        lanes_.write<DeviceSweep>(
            [time, found = *std::move(found)](Connection& db) mutable { return forget(db, time, std::move(found)); },
            std::move(done));
      });
}

}  // namespace jeton::store::sqlite
