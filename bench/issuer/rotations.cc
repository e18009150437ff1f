#include "rotations.h"

#include "../measure.h"
#include "store/sqlite/sqlite_store.h"

#include <sqlite3.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <fstream>
#include <mutex>
#include <random>
#include <unordered_set>
#include <vector>

namespace jeton::bench {
namespace {

constexpr std::size_t under_way_max = 64;

class WallClock final : public store::Clock {
 public:
  store::StoreTime now() const override {
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  }
};

// As many as that, or most of all there are. Found by random numbers: sessions lie in the order of a hash, so each is
// as likely as any other.
std::vector<store::RotateRequest> random_sessions(const std::string& path, std::size_t count) {
  sqlite3* db = nullptr;
  expect(sqlite3_open(path.c_str(), &db) == SQLITE_OK, "the database cannot be opened");
  sqlite3_stmt* find = nullptr;
  sqlite3_prepare_v2(db,
                     "SELECT sid, generation, client_id, delivery, key_id, id FROM sessions"
                     " WHERE id >= ? AND ended_at IS NULL ORDER BY id LIMIT 1",
                     -1, &find, nullptr);
  std::mt19937_64 chance{20261125};
  std::vector<store::RotateRequest> found;
  std::unordered_set<sqlite3_int64> known;
  for (std::size_t i = 0; i < count; ++i) {
    sqlite3_bind_int64(find, 1, static_cast<sqlite3_int64>(chance()));
    if (sqlite3_step(find) == SQLITE_ROW && known.insert(sqlite3_column_int64(find, 5)).second) {
      store::RotateRequest one;
      std::memcpy(one.sid.data(), sqlite3_column_blob(find, 0), one.sid.size());
      one.generation = sqlite3_column_int64(find, 1);
      one.client_id = reinterpret_cast<const char*>(sqlite3_column_text(find, 2));
      one.delivery = static_cast<store::Delivery>(sqlite3_column_int(find, 3));
      one.key_id = static_cast<std::uint32_t>(sqlite3_column_int64(find, 4));
      one.idle = std::chrono::hours{24 * 14};
      one.user_agent = "jeton-bench/1";
      one.address = "127.0.0.1";
      found.push_back(std::move(one));
    }
    sqlite3_reset(find);
  }
  sqlite3_finalize(find);
  sqlite3_close(db);
  return found;
}

// Hands rotations to the store and waits while too many are under way.
class Stream {
 public:
  explicit Stream(store::Sessions& sessions) : sessions_(sessions) {}

  void rotate(const store::RotateRequest& request) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return under_way_ < under_way_max; });
      ++under_way_;
    }
    sessions_.rotate(request, [this](store::Result<store::Rotation> done) {
      const bool good = done && done->outcome == store::RotateOutcome::rotated;
      const std::lock_guard lock(mutex_);
      --under_way_;
      refused_ += good ? 0 : 1;
      if (under_way_ == 0 || under_way_ == under_way_max / 2) changed_.notify_one();
    });
  }

  void finish() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return under_way_ == 0; });
    expect(refused_ == 0, "a session could not be rotated");
  }

 private:
  store::Sessions& sessions_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t under_way_ = 0, refused_ = 0;
};

struct Spent {
  double cpu_us = 0, reads = 0, writes = 0;
};

Spent spent() {
  timespec used{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  Spent now{static_cast<double>(used.tv_sec) * 1e6 + static_cast<double>(used.tv_nsec) / 1e3};
  std::ifstream io("/proc/self/io");
  std::string name;
  for (double value = 0; io >> name >> value;) {
    if (name == "syscr:") now.reads = value;
    if (name == "syscw:") now.writes = value;
  }
  return now;
}

}  // namespace

RotationCost cost_of_rotations(const std::string& data, std::size_t count) {
  const std::string path = data + "/jeton.db";
  const std::size_t warm = count / 5;
  auto all = random_sessions(path, warm + count);
  expect(all.size() > 2 * under_way_max, "there are too few sessions");
  const WallClock clock;
  auto store = store::open_sqlite({.path = path, .clock = clock});
  expect(store.has_value(), "the store cannot be opened");
  Stream stream((*store)->sessions());
  const auto rotate = [&](std::size_t number) {
    auto& one = all[number % all.size()];
    stream.rotate(one);
    ++one.generation;
  };
  for (std::size_t i = 0; i < warm; ++i) rotate(i);
  const Spent before = spent();
  for (std::size_t i = warm; i < warm + count; ++i) rotate(i);
  stream.finish();
  const Spent after = spent();
  const auto each = [&](double Spent::* what) { return (after.*what - before.*what) / static_cast<double>(count); };
  return {each(&Spent::cpu_us), each(&Spent::reads), each(&Spent::writes)};
}

}  // namespace jeton::bench
