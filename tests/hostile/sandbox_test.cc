// Verifying needs no file, no socket and no other program: whatever a token says, the process that verifies it asks the
// system for none of them. Shown by a child whom the kernel ends at the first such call.
#include "case_file.h"
#include "judge.h"
#include "token_forge.h"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <functional>
#include <vector>

namespace jeton::hostile {
namespace {

// The calls by which a program reaches files, the network, or another program.
constexpr unsigned forbidden_calls[] = {
#ifdef SYS_open
    SYS_open,
#endif
    SYS_openat, SYS_openat2, SYS_socket, SYS_connect, SYS_sendto, SYS_sendmsg, SYS_execve, SYS_execveat,
};

bool forbid_the_outside() {
  std::vector<sock_filter> program{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
  for (const unsigned call : forbidden_calls) {
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1));
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
  }
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

constexpr int not_supported = 77;

// The status with which a child ends that runs `work` behind the wall.
int status_behind_the_wall(const std::function<int()>& work) {
  const pid_t child = fork();
  if (child == 0) _exit(forbid_the_outside() ? work() : not_supported);
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return status;
}

std::vector<Case> all_tokens() {
  auto cases = read_cases(JETON_OWN_CASES);
  if (exists(JETON_SHARED_CASES)) {
    const auto shared = read_cases(JETON_SHARED_CASES);
    cases.insert(cases.end(), shared.begin(), shared.end());
  }
  std::erase_if(cases, [](const Case& hostile) { return hostile.area != "jose"; });
  return cases;
}

TEST(Sandbox, NoTokenMakesTheVerifierOpenAFileOrASocket) {
  struct Prepared {
    Verifier verifier;
    std::string token;
    UnixTime now;
    bool accepted;
  };
  std::vector<Prepared> prepared;
  for (const Case& hostile : all_tokens()) {
    Prepared one{verifier_for(hostile), forge_token(hostile), now_of(hostile), false};
    one.accepted = one.verifier.verify(one.token, one.now).has_value();
    prepared.push_back(std::move(one));
  }
  ASSERT_GT(prepared.size(), 100u);
  const int status = status_behind_the_wall([&] {
    for (const Prepared& one : prepared) {
      if (one.verifier.verify(one.token, one.now).has_value() != one.accepted) return 1;
    }
    return 0;
  });
  ASSERT_FALSE(WIFEXITED(status) && WEXITSTATUS(status) == not_supported) << "this kernel has no seccomp filters";
  EXPECT_TRUE(WIFEXITED(status)) << "ended by signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

// The wall is one: without it the test above would show nothing.
TEST(Sandbox, WallEndsWhoOpensAFile) {
  const int status = status_behind_the_wall([] { return open("/dev/null", O_RDONLY) >= 0 ? 0 : 1; });
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

TEST(Sandbox, WallEndsWhoOpensASocket) {
  const int status = status_behind_the_wall([] { return socket(AF_INET, SOCK_STREAM, 0) >= 0 ? 0 : 1; });
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

}  // namespace
}  // namespace jeton::hostile
