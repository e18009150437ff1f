#include "issuer_floors.h"

#include "../floors.h"
#include "../material.h"
#include "../measure.h"

#include <fcntl.h>
#include <sodium.h>
#include <sqlite3.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <thread>
#include <vector>

namespace jeton::bench {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::size_t group_updates = 100;
constexpr std::uint64_t argon2_memory_bytes = 19 * 1024 * 1024;
constexpr std::uint64_t argon2_passes = 2;

// Of the whole process.
double cpu_seconds() {
  timespec used{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
}

// Repeats `work`, which says how many operations it did, and gives operations for a second of CPU time.
template <class Work>
double per_cpu_second(double seconds, Work work) {
  const auto end = Steady::now() + std::chrono::duration<double>(seconds);
  const double before = cpu_seconds();
  std::size_t done = 0;
  while (Steady::now() < end) done += work();
  return static_cast<double>(done) / (cpu_seconds() - before);
}

void run(sqlite3* db, const char* sql) {
  char* message = nullptr;
  if (sqlite3_exec(db, sql, nullptr, nullptr, &message) != SQLITE_OK) give_up(message);
}

std::vector<sqlite3_int64> session_ids(sqlite3* db, const std::string& which) {
  std::vector<sqlite3_int64> ids;
  sqlite3_stmt* all = nullptr;
  sqlite3_prepare_v2(db, ("SELECT id FROM sessions " + which).c_str(), -1, &all, nullptr);
  while (sqlite3_step(all) == SQLITE_ROW) ids.push_back(sqlite3_column_int64(all, 0));
  sqlite3_finalize(all);
  return ids;
}

}  // namespace

double grouped_updates_floor(const std::string& data, double seconds) {
  sqlite3* db = nullptr;
  expect(sqlite3_open((data + "/jeton.db").c_str(), &db) == SQLITE_OK, "the database cannot be opened");
  run(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -16384");
  const auto ids = session_ids(db, "ORDER BY random() LIMIT 20000");
  expect(!ids.empty(), "there are no sessions");
  sqlite3_stmt* update = nullptr;
  sqlite3_prepare_v2(db,
                     "UPDATE sessions SET generation = generation + 1, previous_rotated_at = rotated_at, rotated_at ="
                     " rotated_at + 1 WHERE id = ? AND generation < 4294967295 AND ended_at IS NULL",
                     -1, &update, nullptr);
  std::size_t at = 0;
  const double rate = per_cpu_second(seconds, [&] {
    run(db, "BEGIN IMMEDIATE");
    for (std::size_t i = 0; i < group_updates; ++i, ++at) {
      sqlite3_bind_int64(update, 1, ids[at % ids.size()]);
      expect(sqlite3_step(update) == SQLITE_DONE && sqlite3_changes(db) == 1, "an update changed nothing");
      sqlite3_reset(update);
    }
    run(db, "COMMIT");
    return group_updates;
  });
  sqlite3_finalize(update);
  sqlite3_close(db);
  return rate;
}

double signatures_floor(double seconds) {
  const Material material = make_material(Algorithm::es256);
  const Loop sign = floor_of_signing(material, make_token(material, wall_clock()));
  return per_cpu_second(seconds, [&] {
    sign(100);
    return std::size_t{100};
  });
}

double password_hashes_floor(unsigned threads, double seconds) {
  constexpr std::string_view password = "correct horse battery";
  std::array<char, crypto_pwhash_STRBYTES> hash{};
  expect(crypto_pwhash_str_alg(hash.data(), password.data(), password.size(), argon2_passes, argon2_memory_bytes,
                               crypto_pwhash_ALG_ARGON2ID13) == 0,
         "no password hash");
  const auto end = Steady::now() + std::chrono::duration<double>(seconds);
  std::atomic<std::size_t> done = 0;
  const double before = cpu_seconds();
  {
    std::vector<std::jthread> all;
    for (unsigned i = 0; i < threads; ++i) {
      all.emplace_back([&] {
        while (Steady::now() < end) {
          expect(crypto_pwhash_str_verify(hash.data(), password.data(), password.size()) == 0, "a good password");
          ++done;
        }
      });
    }
  }
  return static_cast<double>(done) / (cpu_seconds() - before);
}

double syncs_per_second(const std::string& folder, double seconds) {
  const std::string path = folder + "/sync-rate";
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  expect(file >= 0, "no file can be made beside the database");
  const std::array<char, 4096> page{};
  std::size_t done = 0;
  const auto begin = Steady::now();
  const auto end = begin + std::chrono::duration<double>(seconds);
  while (Steady::now() < end) {
    const auto offset = static_cast<off_t>(done % 1000 * page.size());
    expect(::pwrite(file, page.data(), page.size(), offset) == static_cast<ssize_t>(page.size()), "cannot write");
    expect(::fdatasync(file) == 0, "cannot sync");
    ++done;
  }
  const double took = std::chrono::duration<double>(Steady::now() - begin).count();
  ::close(file);
  ::unlink(path.c_str());
  return static_cast<double>(done) / took;
}

}  // namespace jeton::bench
