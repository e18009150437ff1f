// The conformance suite on SQLite.
#include "store/conformance/harness.h"
#include "store/sqlite/sqlite_store.h"
#include "store/sqlite/test_folder.h"

namespace jeton::store::conformance {
namespace {

class SqliteSubject final : public Subject {
 public:
  SqliteSubject() { store_ = open_another(); }

  Store& store() override { return *store_; }
  std::unique_ptr<Store> open_another() override {
    return open_sqlite({.path = folder_.database(), .clock = clock_}).value();
  }
  void restart() override {
    store_.reset();
    store_ = open_another();
  }
  StoreTime now() const override { return clock_.now(); }
  void move_clock(std::chrono::milliseconds by) override { clock_.move(by); }

 private:
  sqlite::TestFolder folder_;
  sqlite::StandingClock clock_;
  std::unique_ptr<Store> store_;
};

const auto sqlite_backend =
    testing::Values(Backend{"sqlite", [] { return std::unique_ptr<Subject>{std::make_unique<SqliteSubject>()}; }});

INSTANTIATE_TEST_SUITE_P(Sqlite, StoreConformance, sqlite_backend, name_of);
INSTANTIATE_TEST_SUITE_P(Sqlite, DeviceConformance, sqlite_backend, name_of);

}  // namespace
}  // namespace jeton::store::conformance
