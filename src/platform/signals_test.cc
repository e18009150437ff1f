#include "platform/signals.h"

#include "platform/clock.h"
#include "platform/entropy.h"
#include "platform/process.h"

#include <gtest/gtest.h>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <semaphore>
#include <set>
#include <string>
#include <thread>

namespace jeton::platform {
namespace {

// The process has one set of signals: blocked before any test starts a thread.
class SignalThreadTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { block_signals(); }

  SignalActions actions() {
    const auto append = [this](const char* name) {
      return [this, name] {
        seen_ += name;
        called_.release();
      };
    };
    return {.stop = append("stop "), .reload = append("reload ")};
  }
  void send(int signal) {
    ::kill(::getpid(), signal);
    called_.acquire();
  }

  std::string seen_;
  std::counting_semaphore<> called_{0};
};

TEST_F(SignalThreadTest, SignalsBecomeCallsInOrder) {
  for (const int stop_signal : {SIGTERM, SIGINT}) {
    const SignalThread signals(actions());
    send(SIGHUP);
    send(SIGHUP);
    send(stop_signal);
  }
  EXPECT_EQ(seen_, "reload reload stop reload reload stop ");
}

TEST_F(SignalThreadTest, SignalThatComesWhenItHasGoneWaitsForTheNextOne) {
  {
    const SignalThread signals(actions());
  }
  ::kill(::getpid(), SIGHUP);
  EXPECT_EQ(seen_, "");
  const SignalThread signals(actions());
  called_.acquire();
  EXPECT_EQ(seen_, "reload ");
}

TEST_F(SignalThreadTest, WhileStoppingReloadIsIgnoredAndTheSecondSignalEndsTheProcessAtOnce) {
  const pid_t child = ::fork();
  if (child == 0) {
    // Of two that are pending, the kernel gives the lower number first: SIGHUP.
    const SignalThread signals({.stop =
                                    [] {
                                      ::kill(::getpid(), SIGHUP);
                                      ::kill(::getpid(), SIGINT);
                                    },
                                .reload = [] { ::_exit(1); }});
    ::kill(::getpid(), SIGTERM);
    while (true) ::pause();
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 128 + SIGINT);
}

TEST_F(SignalThreadTest, ThreadsStartedLaterBlockTheSignalsAndSigpipeIsIgnored) {
  sigset_t blocked;
  std::thread([&] { ::pthread_sigmask(SIG_BLOCK, nullptr, &blocked); }).join();
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) EXPECT_EQ(::sigismember(&blocked, signal), 1);
  EXPECT_EQ(::raise(SIGPIPE), 0);
}

TEST(SystemClock, TimeIsOfThisCentury) {
  const UnixTime now = SystemClock{}.now_seconds();
  EXPECT_GT(to_unix_seconds(now), 1'600'000'000);
  EXPECT_LT(to_unix_seconds(now), 4'102'444'800);
}

TEST(Entropy, NoTwoIdsAreEqual) {
  std::set<std::string> ids;
  for (int i = 0; i < 10'000; ++i) ids.insert(random_hex(8));
  EXPECT_EQ(ids.size(), 10'000U);
  EXPECT_EQ(ids.begin()->size(), 16U);
  EXPECT_EQ(ids.begin()->find_first_not_of("0123456789abcdef"), std::string::npos);
}

TEST(Process, LimitOfOpenFilesIsRaisedAsFarAsAllowed) {
  const std::size_t now = raise_open_files_limit(1);
  EXPECT_GE(now, 1U);
  EXPECT_GE(raise_open_files_limit(now + 1), now);
}

TEST(Process, MemoryIsNotDumpedOnceForbidden) {
  const pid_t child = ::fork();
  if (child == 0) {
    forbid_memory_dumps();
    ::_exit(::prctl(PR_GET_DUMPABLE) == 0 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace jeton::platform
