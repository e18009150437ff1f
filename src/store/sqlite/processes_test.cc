// Several processes on one file, and processes that die: one live successor each, and no acknowledged rotation is lost.
#include "store/conformance/harness.h"
#include "store/sqlite/raw_database.h"
#include "store/sqlite/sqlite_store.h"
#include "store/sqlite/test_folder.h"

#include <gtest/gtest.h>

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>
#include <thread>

namespace jeton::store::sqlite {
namespace {

using namespace std::chrono_literals;
using conformance::new_user;
using conformance::rotation_of;
using conformance::sid_of;
using conformance::sign_in_of;
using conformance::Waiting;

class Processes : public testing::Test {
 protected:
  std::unique_ptr<Store> open() { return open_sqlite({.path = folder_.database(), .clock = clock_}).value(); }

  void sign_in(int sessions) {
    auto store = open();
    ASSERT_EQ(Waiting{*store}.register_user(new_user("ada")), Registration::registered);
    for (int sid = 0; sid < sessions; ++sid) {
      ASSERT_EQ(Waiting{*store}.sign_in(sign_in_of("ada", sid, clock_.now())), SignInOutcome::signed_in);
    }
  }

  void expect_intact() {
    RawDatabase raw{folder_.database()};
    EXPECT_EQ(raw.run("PRAGMA integrity_check"), std::vector<std::string>{"ok"});
    EXPECT_TRUE(raw.run("PRAGMA foreign_key_check").empty());
  }

  TestFolder folder_;
  StandingClock clock_;
};

// One round of a racing process: `clients` rotations at once from `generation`; how many of them rotated, -1 on an
// error.
int race(Store& store, int clients, std::int64_t generation, StoreTime now) {
  std::vector<std::future<Result<Rotation>>> answers;
  for (int i = 0; i < clients; ++i) {
    auto promise = std::make_shared<std::promise<Result<Rotation>>>();
    answers.push_back(promise->get_future());
    store.sessions().rotate(rotation_of(1, generation, now),
                            [promise](Result<Rotation> result) { promise->set_value(std::move(result)); });
  }
  int rotated = 0;
  bool good = true;
  for (auto& answer : answers) {
    const auto result = answer.get();
    good = good && result.has_value() && result->session.generation == generation + 1 &&
           (result->outcome == RotateOutcome::rotated || result->outcome == RotateOutcome::repeated);
    rotated += result.has_value() && result->outcome == RotateOutcome::rotated ? 1 : 0;
  }
  return good ? rotated : -1;
}

TEST_F(Processes, TwoProcessesRacingForOneSessionMakeOneSuccessorEachRound) {
  constexpr int rounds = 200;
  constexpr int clients_of_each = 25;
  sign_in(2);
  std::array<int, 2> start{};   // parent → child: go
  std::array<int, 2> result{};  // child → parent: how many rotated
  ASSERT_EQ(::pipe(start.data()), 0);
  ASSERT_EQ(::pipe(result.data()), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto store = open();
    char go = 0;
    for (std::int64_t round = 0; round < rounds && ::read(start[0], &go, 1) == 1; ++round) {
      const int rotated = race(*store, clients_of_each, round, clock_.now());
      if (::write(result[1], &rotated, sizeof rotated) != sizeof rotated) ::_exit(1);
    }
    store.reset();
    ::_exit(0);
  }
  auto store = open();
  for (std::int64_t round = 0; round < rounds; ++round) {
    ASSERT_EQ(::write(start[1], "g", 1), 1);
    const int here = race(*store, clients_of_each, round, clock_.now());
    int there = 0;
    ASSERT_EQ(::read(result[0], &there, sizeof there), static_cast<ssize_t>(sizeof there));
    ASSERT_GE(here, 0);
    ASSERT_GE(there, 0);
    ASSERT_EQ(here + there, 1) << "round " << round;
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  const auto session = Waiting{*store}.find_session(sid_of(1)).value().value();
  EXPECT_EQ(session.generation, rounds);
  EXPECT_FALSE(session.ended_at);
  for (const int end : {start[0], start[1], result[0], result[1]}) ::close(end);
  store.reset();
  expect_intact();
}

// Signs in `count` times with a cap; false if one was refused.
bool sign_in_under_cap(Store& store, int from, int count, std::uint32_t most, StoreTime now) {
  bool good = true;
  for (int sid = from; sid < from + count; ++sid) {
    auto request = sign_in_of("ada", sid, now);
    request.sessions_max = most;
    good = Waiting{store}.sign_in(std::move(request)) == SignInOutcome::signed_in && good;
  }
  return good;
}

TEST_F(Processes, TwoProcessesThatSignInAtOnceKeepTheCap) {
  constexpr int count = 40;
  constexpr std::uint32_t most = 3;
  sign_in(0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto store = open();
    const bool good = sign_in_under_cap(*store, 1000, count, most, clock_.now());
    store.reset();
    ::_exit(good ? 0 : 1);
  }
  auto store = open();
  EXPECT_TRUE(sign_in_under_cap(*store, 2000, count, most, clock_.now()));
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(Waiting{*store}.live_sessions_of("usr_ada")->size(), most);
  store.reset();
  expect_intact();
}

struct Acknowledged {
  std::int32_t sid;
  std::int32_t generation;
};

// A child that rotates without end and writes down what was acknowledged to it, until it is killed.
[[noreturn]] void rotate_until_killed(Store& store, const std::vector<std::int64_t>& from, StoreTime now, int to) {
  std::vector<std::thread> clients;
  for (std::size_t sid = 0; sid < from.size(); ++sid) {
    clients.emplace_back([&, sid] {
      for (auto generation = from[sid];; ++generation) {
        const auto rotation = Waiting{store}.rotate(rotation_of(static_cast<int>(sid), generation, now));
        if (!rotation || rotation->outcome != RotateOutcome::rotated) ::_exit(3);
        const Acknowledged done{static_cast<std::int32_t>(sid), static_cast<std::int32_t>(generation + 1)};
        if (::write(to, &done, sizeof done) != sizeof done) ::_exit(4);
      }
    });
  }
  for (auto& client : clients) client.join();
  ::_exit(5);
}

// mission row 17: what was acknowledged is in the database, whatever happens to the process afterwards.
TEST_F(Processes, KillAtRandomMomentsLosesNoAcknowledgedRotation) {
  constexpr int sessions = 4;
  constexpr int kills = 12;
  sign_in(sessions);
  std::vector<std::int64_t> reached(sessions, 0);
  for (int round = 0; round < kills; ++round) {
    std::array<int, 2> acknowledged{};
    ASSERT_EQ(::pipe(acknowledged.data()), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      auto store = open_sqlite({.path = folder_.database(), .clock = clock_, .restart_pages = 20});
      if (!store) ::_exit(2);
      rotate_until_killed(**store, reached, clock_.now(), acknowledged[1]);
    }
    ::close(acknowledged[1]);
    // Let some rotations be acknowledged, then kill somewhere in the middle of the next.
    Acknowledged one{};
    for (int i = 0; i < 5 + round * 7; ++i) {
      ASSERT_EQ(::read(acknowledged[0], &one, sizeof one), static_cast<ssize_t>(sizeof one));
      reached[static_cast<std::size_t>(one.sid)] = one.generation;
    }
    std::this_thread::sleep_for(std::chrono::microseconds{round * 173 % 1900});
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "exit " << WEXITSTATUS(status);
    while (::read(acknowledged[0], &one, sizeof one) == static_cast<ssize_t>(sizeof one)) {
      reached[static_cast<std::size_t>(one.sid)] = one.generation;
    }
    ::close(acknowledged[0]);

    auto store = open();
    for (int sid = 0; sid < sessions; ++sid) {
      auto& known = reached[static_cast<std::size_t>(sid)];
      const auto stored = Waiting{*store}.find_session(sid_of(sid)).value().value().generation;
      EXPECT_GE(stored, known) << "an acknowledged rotation was lost";
      EXPECT_LE(stored, known + 1) << "one that nobody asked for was made";
      known = stored;
    }
  }
  expect_intact();
}

TEST_F(Processes, ProcessThatIsKilledWhileItHoldsTheLockHoldsUpNobody) {
  sign_in(2);
  auto store = open();
  std::array<int, 2> ready{};
  ASSERT_EQ(::pipe(ready.data()), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    RawDatabase raw{folder_.database()};
    raw.run("BEGIN IMMEDIATE; UPDATE sessions SET generation = 77");
    if (::write(ready[1], "r", 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(Waiting{*store}.rotate(rotation_of(1, 0, clock_.now()))->outcome, RotateOutcome::rotated);
  ::close(ready[0]);
  ::close(ready[1]);
}

}  // namespace
}  // namespace jeton::store::sqlite
