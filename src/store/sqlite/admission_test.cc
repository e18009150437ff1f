// What is refused before it is touched, and what is made when nothing is there.
#include "store/conformance/harness.h"
#include "store/sqlite/raw_database.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/sqlite_store.h"
#include "store/sqlite/test_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <fstream>
#include <functional>
#include <thread>

namespace jeton::store::sqlite {
namespace {

using conformance::Waiting;
using testing::HasSubstr;

class Admission : public testing::Test {
 protected:
  Result<std::unique_ptr<Store>> open() { return open_sqlite({.path = folder_.database(), .clock = clock_}); }

  void make_and_close() {
    auto store = open().value();
    ASSERT_EQ(Waiting{*store}.register_user(conformance::new_user("ada")), Registration::registered);
  }

  void write(const std::string& bytes) { std::ofstream{folder_.database(), std::ios::binary} << bytes; }

  void patch(std::size_t offset, const std::string& bytes) {
    std::fstream file{folder_.database(), std::ios::binary | std::ios::in | std::ios::out};
    file.seekp(static_cast<std::streamoff>(offset));
    file << bytes;
  }

  // What must not change. The -shm holds no data: locks and an index, rebuilt by whoever reads a log that was left
  // behind.
  std::map<std::string, std::string> lasting_contents() {
    auto all = contents_of(folder_.path());
    if (all.contains("jeton.db-wal")) all.erase("jeton.db-shm");
    return all;
  }

  // Refused with that code and a message that names the file; every file in the folder is as it was, and none is new.
  void expect_refused_untouched(Errc code, const std::string& says) {
    const auto before = lasting_contents();
    const auto opened = open();
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(opened.error().code, code) << opened.error().message;
    EXPECT_THAT(opened.error().message, HasSubstr(folder_.database()));
    EXPECT_THAT(opened.error().message, HasSubstr(says));
    EXPECT_TRUE(before == lasting_contents());
  }

  // Runs `work` in a child that then dies as by kill -9, so that its WAL stays behind.
  static void in_killed_child(const std::function<void()>& work) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      work();
      ::kill(::getpid(), SIGKILL);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));
  }

  mode_t mode_of(const std::string& suffix) {
    struct stat found{};
    EXPECT_EQ(::stat((folder_.database() + suffix).c_str(), &found), 0) << suffix;
    return found.st_mode & 0777;
  }

  TestFolder folder_;
  StandingClock clock_;
};

TEST_F(Admission, NewDatabaseIsReadableByItsOwnerAlone) {
  const auto mask = ::umask(0);
  auto store = open().value();
  ::umask(mask);
  ASSERT_EQ(Waiting{*store}.register_user(conformance::new_user("ada")), Registration::registered);
  EXPECT_EQ(mode_of(""), 0600U);
  EXPECT_EQ(mode_of("-wal"), 0600U);
  EXPECT_EQ(mode_of("-shm"), 0600U);
}

TEST_F(Admission, DatabaseThatOthersMayReadIsClosedToThem) {
  make_and_close();
  ::chmod(folder_.database().c_str(), 0644);
  auto store = open().value();
  ASSERT_EQ(Waiting{*store}.register_user(conformance::new_user("bob")), Registration::registered);
  EXPECT_EQ(mode_of(""), 0600U);
  EXPECT_EQ(mode_of("-wal"), 0600U);
}

TEST_F(Admission, MakingADatabaseLeavesNothingBesideIt) {
  make_and_close();
  EXPECT_EQ(contents_of(folder_.path()).size(), 1U);
}

TEST_F(Admission, DatabaseOpensAgainWithWhatWasInIt) {
  make_and_close();
  auto store = open().value();
  EXPECT_TRUE(Waiting{*store}.find_by_sub("usr_ada").value());
}

TEST_F(Admission, HeaderCarriesOurIdAndSchemaVersion) {
  make_and_close();
  RawDatabase raw{folder_.database()};
  EXPECT_EQ(raw.run("PRAGMA application_id"), std::vector{std::to_string(application_id)});
  EXPECT_EQ(raw.run("PRAGMA user_version"), std::vector{std::to_string(schema_version())});
  EXPECT_EQ(raw.run("PRAGMA journal_mode"), std::vector<std::string>{"wal"});
}

TEST_F(Admission, TextFileIsRefusedUntouched) {
  write(
      "this is a letter to my grandmother, and it is more than one hundred bytes long, so that the header could be "
      "read");
  expect_refused_untouched(Errc::corrupt, "not an SQLite database");
}

TEST_F(Admission, ShortFileIsRefusedUntouched) {
  write("SQLite format 3");
  expect_refused_untouched(Errc::corrupt, "not a database");
}

TEST_F(Admission, EmptyFileIsRefusedUntouchedBecauseOursNeverIs) {
  write("");
  expect_refused_untouched(Errc::corrupt, "empty");
}

TEST_F(Admission, AnotherProgramsDatabaseIsRefusedUntouched) {
  {
    RawDatabase{folder_.database()}.run("CREATE TABLE users(id); PRAGMA user_version = 1; INSERT INTO users VALUES(1)");
  }
  expect_refused_untouched(Errc::corrupt, "another program's");
}

TEST_F(Admission, AnotherProgramsDatabaseInWalModeIsRefusedUntouched) {
  {
    RawDatabase{folder_.database()}.run("PRAGMA journal_mode = WAL; CREATE TABLE t(id); PRAGMA application_id = 7");
  }
  expect_refused_untouched(Errc::corrupt, "another program's");
}

TEST_F(Admission, NewerDatabaseIsRefusedUntouched) {
  make_and_close();
  {
    RawDatabase{folder_.database()}.run("PRAGMA user_version = " + std::to_string(schema_version() + 1));
  }
  expect_refused_untouched(Errc::newer, "newer Jeton");
}

TEST_F(Admission, NewerDatabaseWhoseLogWasLeftBehindIsRefusedUntouched) {
  make_and_close();
  in_killed_child([this] {
    RawDatabase raw{folder_.database()};
    raw.run("PRAGMA user_version = 99; UPDATE users SET email = 'newer'");
    ::kill(::getpid(), SIGKILL);
  });
  ASSERT_GT(contents_of(folder_.path()).at("jeton.db-wal").size(), 0U);
  expect_refused_untouched(Errc::newer, "newer Jeton");
}

TEST_F(Admission, DatabaseWithoutASchemaIsRefusedUntouched) {
  {
    RawDatabase{folder_.database()}.run("PRAGMA application_id = " + std::to_string(application_id));
  }
  expect_refused_untouched(Errc::corrupt, "no schema");
}

TEST_F(Admission, DatabaseCutShortIsRefusedUntouched) {
  make_and_close();
  std::filesystem::resize_file(folder_.database(), std::filesystem::file_size(folder_.database()) - 4096);
  expect_refused_untouched(Errc::corrupt, "cut short");
}

TEST_F(Admission, DamagedPageIsRefusedUntouched) {
  make_and_close();
  patch(4096 * 3 + 1, std::string(2000, '\x5A'));
  expect_refused_untouched(Errc::corrupt, "Restore it");
}

TEST_F(Admission, DamagedHeaderIsRefusedUntouched) {
  make_and_close();
  patch(16, std::string(2, '\x77'));  // the page size
  expect_refused_untouched(Errc::corrupt, "");
}

TEST_F(Admission, EveryDamagedByteOfTheFirstPageIsRefusedOrHarmless) {
  make_and_close();
  const auto good = contents_of(folder_.path()).at("jeton.db");
  for (std::size_t offset = 0; offset < 600; ++offset) {
    auto bad = good;
    bad[offset] = static_cast<char>(bad[offset] ^ 0xFF);
    write(bad);
    const auto opened = open();
    if (opened.has_value()) {
      EXPECT_TRUE(Waiting{**opened}.find_by_sub("usr_ada").value()) << offset;
    } else {
      EXPECT_TRUE(contents_of(folder_.path()).at("jeton.db") == bad) << offset;
    }
  }
}

TEST_F(Admission, MissingTableIsRefusedUntouched) {
  make_and_close();
  {
    RawDatabase{folder_.database()}.run("DROP TABLE sessions");
  }
  expect_refused_untouched(Errc::corrupt, "sessions");
}

TEST_F(Admission, LogWithoutItsDatabaseIsRefusedUntouched) {
  std::ofstream{folder_.database() + "-wal"} << "frames of a database that was moved away";
  expect_refused_untouched(Errc::corrupt, "-wal");
}

TEST_F(Admission, LogLeftByAKilledProcessIsTakenUp) {
  make_and_close();
  in_killed_child([this] {
    auto store = open().value();
    (void)Waiting{*store}.register_user(conformance::new_user("bob"));
    ::kill(::getpid(), SIGKILL);
  });
  auto store = open().value();
  EXPECT_TRUE(Waiting{*store}.find_by_sub("usr_bob").value());
}

TEST_F(Admission, MissingFolderIsNamed) {
  const auto path = (folder_.path() / "absent" / "jeton.db").string();
  const auto opened = open_sqlite({.path = path, .clock = clock_});
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, Errc::unavailable);
  EXPECT_THAT(opened.error().message, HasSubstr(path));
  EXPECT_THAT(opened.error().message, HasSubstr("folder must exist"));
}

TEST_F(Admission, FolderInPlaceOfTheFileIsRefused) {
  std::filesystem::create_directory(folder_.database());
  const auto opened = open();
  ASSERT_FALSE(opened.has_value());
  EXPECT_THAT(opened.error().message, HasSubstr(folder_.database()));
}

TEST_F(Admission, NoPathIsRefused) { EXPECT_FALSE(open_sqlite({.path = "", .clock = clock_}).has_value()); }

// Permissions do not bind root, so the child becomes nobody; and nobody must come as far as the folder, which a TMPDIR
// of its owner's alone (mktemp -d) does not allow.
bool is_reachable_by_nobody(std::filesystem::path folder) {
  for (folder = folder.parent_path(); folder != folder.root_path(); folder = folder.parent_path()) {
    const auto permissions = std::filesystem::status(folder).permissions();
    if ((permissions & std::filesystem::perms::others_exec) == std::filesystem::perms::none) return false;
  }
  return true;
}

void expect_unavailable_to_nobody(const std::string& path, const Clock& clock) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (::geteuid() == 0 && ::setuid(65534) != 0) ::_exit(9);
    const auto opened = open_sqlite({.path = path, .clock = clock});
    if (opened.has_value()) ::_exit(1);
    if (opened.error().code != Errc::unavailable) ::_exit(2);
    if (opened.error().message.find(path) == std::string::npos) ::_exit(3);
    ::_exit(opened.error().message.find("writable") != std::string::npos ? 0 : 4);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0) << "exit " << WEXITSTATUS(status);
}

TEST_F(Admission, FolderThatCannotBeWrittenIsUnavailableAndNamed) {
  if (!is_reachable_by_nobody(folder_.path())) GTEST_SKIP() << "TMPDIR is closed to other users";
  ::chmod(folder_.path().c_str(), 0555);
  expect_unavailable_to_nobody(folder_.database(), clock_);
  ::chmod(folder_.path().c_str(), 0755);
  EXPECT_TRUE(contents_of(folder_.path()).empty());
}

TEST_F(Admission, FileThatCannotBeWrittenIsUnavailableAndUntouched) {
  if (!is_reachable_by_nobody(folder_.path())) GTEST_SKIP() << "TMPDIR is closed to other users";
  make_and_close();
  const auto before = contents_of(folder_.path());
  ::chmod(folder_.database().c_str(), 0444);
  ::chmod(folder_.path().c_str(), 0555);
  expect_unavailable_to_nobody(folder_.database(), clock_);
  ::chmod(folder_.path().c_str(), 0755);
  EXPECT_TRUE(before == contents_of(folder_.path()));
}

TEST_F(Admission, SymbolicLinkLeadsToTheSameDatabaseAndItsLog) {
  auto store = open().value();
  ASSERT_EQ(Waiting{*store}.register_user(conformance::new_user("ada")), Registration::registered);
  TestFolder elsewhere;
  std::filesystem::create_symlink(folder_.database(), elsewhere.database());
  auto other = open_sqlite({.path = elsewhere.database(), .clock = clock_}).value();
  EXPECT_TRUE(Waiting{*other}.find_by_sub("usr_ada").value());
  EXPECT_EQ(contents_of(elsewhere.path()).size(), 1U);
}

TEST_F(Admission, MigrationsRunForwardInOrderAndOnlyThoseThatAreMissing) {
  make_and_close();
  const std::string second = "CREATE TABLE second(x); INSERT INTO second SELECT count(*) FROM users";
  const std::string third = "ALTER TABLE second RENAME TO third";
  std::vector<const std::string*> all{migrations().begin(), migrations().end()};
  all.insert(all.end(), {&second, &third});
  auto db = Connection::open({folder_.database(), clock_, std::chrono::seconds{1}}, Access::read_write).value();
  migrate(*db, all);
  EXPECT_FALSE(db->failed());
  EXPECT_EQ(read_schema_version(*db), schema_version() + 2);
  migrate(*db, all);
  EXPECT_FALSE(db->failed()) << "run twice they change nothing";
  EXPECT_EQ(RawDatabase{folder_.database()}.run("SELECT x FROM third"), std::vector<std::string>{"1"});
}

TEST_F(Admission, MigrationThatFailsLeavesTheOlderDatabaseWhole) {
  make_and_close();
  const std::string second = "CREATE TABLE second(x) STRICT_NONSENSE";
  const std::string first_half = "CREATE TABLE half(x); " + second;
  std::vector<const std::string*> all{migrations().begin(), migrations().end()};
  all.push_back(&first_half);
  auto db = Connection::open({folder_.database(), clock_, std::chrono::seconds{1}}, Access::read_write).value();
  migrate(*db, all);
  EXPECT_TRUE(db->take_failure().has_value());
  EXPECT_FALSE(db->in_transaction());
  EXPECT_EQ(read_schema_version(*db), schema_version());
  EXPECT_TRUE(RawDatabase{folder_.database()}.run("SELECT name FROM sqlite_schema WHERE name = 'half'").empty());
  db.reset();
  EXPECT_TRUE(open().has_value());
}

// A migration that another process is in the middle of, until it is let go on or killed.
class HeldMigration {
 public:
  HeldMigration(const std::string& path, const Clock& clock, Migrations all) {
    EXPECT_EQ(::pipe(arrived_.data()) + ::pipe(go_on_.data()), 0);
    child_ = ::fork();
    if (child_ != 0) return;
    auto db = Connection::open({path, clock, std::chrono::seconds{1}}, Access::read_write).value();
    sqlite3_create_function(db->handle(), "wait_here", 0, SQLITE_UTF8, this, wait_here, nullptr, nullptr);
    migrate(*db, all);
    ::_exit(db->failed() ? 1 : 0);
  }
  void wait_until_it_is_there() {
    char byte = 0;
    EXPECT_EQ(::read(arrived_[0], &byte, 1), 1);
  }
  void let_go_on() { EXPECT_EQ(::write(go_on_[1], "g", 1), 1); }
  int end(bool kill) {
    if (kill) ::kill(child_, SIGKILL);
    int status = 0;
    ::waitpid(child_, &status, 0);
    for (const int one : {arrived_[0], arrived_[1], go_on_[0], go_on_[1]}) ::close(one);
    return status;
  }

 private:
  static void wait_here(sqlite3_context* context, int, sqlite3_value**) {
    auto* self = static_cast<HeldMigration*>(sqlite3_user_data(context));
    char byte = 0;
    const bool told = ::write(self->arrived_[1], "a", 1) == 1 && ::read(self->go_on_[0], &byte, 1) == 1;
    sqlite3_result_int(context, told ? 1 : 0);
  }

  std::array<int, 2> arrived_{}, go_on_{};
  pid_t child_ = 0;
};

class Migrating : public Admission {
 protected:
  Migrating() { all_.insert(all_.end(), {&small_, &large_, &last_}); }
  std::vector<std::string> run(const std::string& sql) { return RawDatabase{folder_.database()}.run(sql); }
  void finish() {
    auto db = Connection::open({folder_.database(), clock_, std::chrono::milliseconds{1}}, Access::read_write).value();
    sqlite3_create_function(
        db->handle(), "wait_here", 0, SQLITE_UTF8, nullptr,
        [](sqlite3_context* context, int, sqlite3_value**) { sqlite3_result_int(context, 1); }, nullptr, nullptr);
    migrate(*db, all_);
    EXPECT_FALSE(db->failed());
    EXPECT_EQ(read_schema_version(*db), schema_version() + 3);
  }

  const std::string small_ = "CREATE TABLE small(x)";
  const std::string large_ =
      "CREATE TABLE large(x); WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < "
      "200000) INSERT INTO large SELECT n FROM numbers; INSERT INTO large SELECT wait_here()";
  const std::string last_ = "CREATE TABLE last(x)";
  std::vector<const std::string*> all_{migrations().begin(), migrations().end()};
};

TEST_F(Migrating, KilledInTheMiddleOfALargeTableGoesOnFromTheLastWholeStep) {
  make_and_close();
  for (int round = 0; round < 2; ++round) {
    HeldMigration held(folder_.database(), clock_, all_);
    held.wait_until_it_is_there();
    held.end(true);
    EXPECT_EQ(run("PRAGMA user_version"), std::vector{std::to_string(schema_version() + 1)});
    EXPECT_EQ(run("SELECT name FROM sqlite_schema WHERE name IN ('small', 'large', 'last')"),
              std::vector<std::string>{"small"});
  }
  finish();
  EXPECT_EQ(run("SELECT count(*) FROM large"), std::vector<std::string>{"200001"});
  EXPECT_EQ(run("SELECT count(*) FROM users"), std::vector<std::string>{"1"});
}

TEST_F(Migrating, ProcessThatStartsMeanwhileWaitsAndDoesNothingTwice) {
  make_and_close();
  HeldMigration held(folder_.database(), clock_, all_);
  held.wait_until_it_is_there();
  std::thread second([&] { finish(); });
  held.let_go_on();
  second.join();
  EXPECT_EQ(held.end(false), 0);
  EXPECT_EQ(run("SELECT count(*) FROM large"), std::vector<std::string>{"200001"});
  EXPECT_EQ(run("PRAGMA user_version"), std::vector{std::to_string(schema_version() + 3)});
}

TEST_F(Admission, ProcessesThatComeAndGoAreNeverToldOfDamage) {
  // Openings race with the checkpoints of others that close: a torn look at the file must not be taken for damage.
  make_and_close();
  std::vector<pid_t> children;
  for (int process = 0; process < 3; ++process) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      for (int i = 0; i < 25; ++i) {
        const auto opened = open();
        if (!opened) ::_exit(10 + static_cast<int>(opened.error().code));
        const auto name = std::to_string(process) + "_" + std::to_string(i);
        if (!Waiting{**opened}.register_user(conformance::new_user(name))) ::_exit(2);
      }
      ::_exit(0);
    }
    children.push_back(child);
  }
  for (const auto child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0) << "exit " << WEXITSTATUS(status);
  }
  EXPECT_EQ(RawDatabase{folder_.database()}.run("SELECT count(*) FROM users"), std::vector<std::string>{"76"});
}

TEST_F(Admission, StrangeNamesAreFileNames) {
  for (const auto* name : {"a?mode=memory", "100%41.db", "file:x.db", "d#1", ":memory:", "caf\xC3\xA9 \n.db"}) {
    const auto path = (folder_.path() / name).string();
    {
      EXPECT_TRUE(open_sqlite({.path = path, .clock = clock_}).has_value()) << name;
    }
    EXPECT_TRUE(open_sqlite({.path = path, .clock = clock_}).has_value()) << name;
    EXPECT_TRUE(std::filesystem::exists(path)) << name;
  }
}

TEST_F(Admission, OfSeveralProcessesThatStartOnNothingAllGetTheSameDatabase) {
  constexpr int processes = 6;
  std::vector<pid_t> children;
  for (int i = 0; i < processes; ++i) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      auto store = open();
      if (!store) ::_exit(1);
      if (!Waiting{**store}.register_user(conformance::new_user("user" + std::to_string(i)))) ::_exit(2);
      store->reset();
      ::_exit(0);
    }
    children.push_back(child);
  }
  for (const auto child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0) << "exit " << WEXITSTATUS(status);
  }
  for (const auto& [name, bytes] : contents_of(folder_.path())) EXPECT_THAT(name, testing::Not(HasSubstr(".new-")));
  EXPECT_EQ(RawDatabase{folder_.database()}.run("SELECT count(*) FROM users"), std::vector{std::to_string(processes)});
}

TEST_F(Admission, TwoStoresOfOneProcessDoNotTakeEachOthersLocks) {
  auto first = open().value();
  ASSERT_EQ(Waiting{*first}.register_user(conformance::new_user("ada")), Registration::registered);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(open().has_value());
  // Another process reads and closes: were the locks gone it would take itself for the last one, and delete the WAL.
  in_killed_child([this] { RawDatabase{folder_.database()}.run("SELECT count(*) FROM users"); });
  ASSERT_TRUE(std::filesystem::exists(folder_.database() + "-wal"));
  EXPECT_EQ(Waiting{*first}.register_user(conformance::new_user("bob")), Registration::registered);
  EXPECT_EQ(RawDatabase{folder_.database()}.run("SELECT count(*) FROM users"), std::vector<std::string>{"2"});
}

}  // namespace
}  // namespace jeton::store::sqlite
