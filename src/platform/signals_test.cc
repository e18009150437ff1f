#include "platform/signals.h"

#include "platform/clock.h"
#include "platform/entropy.h"
#include "platform/process.h"

#include <gtest/gtest.h>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <semaphore>
#include <set>
#include <string>

namespace jeton::platform {
namespace {

TEST(SignalThread, SignalsBecomeCallsInOrder) {
  std::string seen;
  std::counting_semaphore<> called(0);
  auto signals = SignalThread::start({.stop =
                                          [&](const char* name) {
                                            seen += name;
                                            called.release();
                                          },
                                      .reload =
                                          [&] {
                                            seen += "reload";
                                            called.release();
                                          }});
  ASSERT_TRUE(signals.has_value());
  for (const int signal : {SIGHUP, SIGTERM, SIGHUP, SIGINT}) {
    ::kill(::getpid(), signal);
    called.acquire();
  }
  signals->reset();
  EXPECT_EQ(seen, "reloadSIGTERMreloadSIGINT");
}

TEST(SignalThread, MaskIsAsBeforeWhenItHasGone) {
  sigset_t before;
  sigset_t during;
  sigset_t after;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &before);
  {
    const auto signals = SignalThread::start({});
    ::pthread_sigmask(SIG_BLOCK, nullptr, &during);
  }
  ::pthread_sigmask(SIG_BLOCK, nullptr, &after);
  EXPECT_EQ(::sigismember(&before, SIGTERM), 0);
  EXPECT_EQ(::sigismember(&during, SIGTERM), 1);
  EXPECT_EQ(::sigismember(&after, SIGTERM), 0);
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
