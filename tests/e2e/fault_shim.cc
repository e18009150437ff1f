// fault_shim: a library that a process under test is started with (LD_PRELOAD), between it and the C library. It counts
// the system calls through which the process reaches files and sockets, and does one of them wrong: the N-th after it
// was armed. It is told so, and tells what it did, in a small file that both sides map ($JETON_FAULTS).
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace {

// full: every write to a file fails, until it is disarmed.
enum Mode : std::int32_t { fail = 0, half = 1, kill_before = 2, kill_after = 3, full = 4 };

// As fault_control.py has it.
struct Control {
  std::atomic<std::int32_t> armed, target, mode, error, count, hit;
  char name[40];
};

Control* control() {
  static Control* const mapped = [] {
    const char* path = std::getenv("JETON_FAULTS");
    const int file = path == nullptr ? -1 : static_cast<int>(::syscall(257 /* openat */, AT_FDCWD, path, O_RDWR, 0));
    void* at = file < 0 ? MAP_FAILED : ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    return at == MAP_FAILED ? nullptr : static_cast<Control*>(at);
  }();
  return mapped;
}

template <class Function>
Function real(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

// Is it this call's turn?
bool is_turn(const char* name) {
  Control* const told = control();
  if (told == nullptr || told->armed == 0) return false;
  if (told->mode == full) return std::string_view{name} == "pwrite" && ++told->count > 0;
  if (++told->count != told->target) return false;
  std::strncpy(told->name, name, sizeof told->name - 1);
  told->hit = 1;
  if (told->mode == kill_before) ::kill(::getpid(), SIGKILL);
  return true;
}

// `call` with what the control says; `half_of`: the same for half the bytes, where that can be.
template <class Call, class Half>
auto done(const char* name, Call call, Half half_of) {
  if (!is_turn(name)) return call();
  switch (control()->mode.load()) {
    case kill_after: {
      const auto result = call();
      ::kill(::getpid(), SIGKILL);
      return result;
    }
    case half: return half_of();
    default: errno = control()->error; return decltype(call())(-1);
  }
}

template <class Call>
auto done(const char* name, Call call) {
  return done(name, call, call);
}

}  // namespace

#define SHIM extern "C" __attribute__((visibility("default")))

SHIM ssize_t pwrite64(int file, const void* data, std::size_t size, off64_t at) {
  static const auto next = real<ssize_t (*)(int, const void*, std::size_t, off64_t)>("pwrite64");
  return done("pwrite", [&] { return next(file, data, size, at); }, [&] { return next(file, data, size / 2, at); });
}
SHIM ssize_t pread64(int file, void* data, std::size_t size, off64_t at) {
  static const auto next = real<ssize_t (*)(int, void*, std::size_t, off64_t)>("pread64");
  return done("pread", [&] { return next(file, data, size, at); }, [&] { return next(file, data, size / 2, at); });
}
SHIM ssize_t write(int file, const void* data, std::size_t size) {
  static const auto next = real<ssize_t (*)(int, const void*, std::size_t)>("write");
  return done("write", [&] { return next(file, data, size); });
}
SHIM ssize_t read(int file, void* data, std::size_t size) {
  static const auto next = real<ssize_t (*)(int, void*, std::size_t)>("read");
  return done("read", [&] { return next(file, data, size); });
}
SHIM ssize_t sendmsg(int socket, const msghdr* message, int flags) {
  static const auto next = real<ssize_t (*)(int, const msghdr*, int)>("sendmsg");
  return done(
      "sendmsg", [&] { return next(socket, message, flags); },
      [&] {
        iovec first = message->msg_iov[0];
        first.iov_len /= 2;
        msghdr part = *message;
        part.msg_iov = &first;
        part.msg_iovlen = 1;
        return next(socket, &part, flags);
      });
}
SHIM ssize_t recvmsg(int socket, msghdr* message, int flags) {
  static const auto next = real<ssize_t (*)(int, msghdr*, int)>("recvmsg");
  return done("recvmsg", [&] { return next(socket, message, flags); });
}
SHIM ssize_t send(int socket, const void* data, std::size_t size, int flags) {
  static const auto next = real<ssize_t (*)(int, const void*, std::size_t, int)>("send");
  return done(
      "send", [&] { return next(socket, data, size, flags); }, [&] { return next(socket, data, size / 2, flags); });
}
SHIM ssize_t recv(int socket, void* data, std::size_t size, int flags) {
  static const auto next = real<ssize_t (*)(int, void*, std::size_t, int)>("recv");
  return done(
      "recv", [&] { return next(socket, data, size, flags); }, [&] { return next(socket, data, size / 2, flags); });
}
SHIM int accept(int socket, sockaddr* address, socklen_t* size) {
  static const auto next = real<int (*)(int, sockaddr*, socklen_t*)>("accept");
  return done("accept", [&] { return next(socket, address, size); });
}
SHIM int accept4(int socket, sockaddr* address, socklen_t* size, int flags) {
  static const auto next = real<int (*)(int, sockaddr*, socklen_t*, int)>("accept4");
  return done("accept4", [&] { return next(socket, address, size, flags); });
}
SHIM int fsync(int file) {
  static const auto next = real<int (*)(int)>("fsync");
  return done("fsync", [&] { return next(file); });
}
SHIM int fdatasync(int file) {
  static const auto next = real<int (*)(int)>("fdatasync");
  return done("fdatasync", [&] { return next(file); });
}
SHIM int ftruncate64(int file, off64_t size) {
  static const auto next = real<int (*)(int, off64_t)>("ftruncate64");
  return done("ftruncate", [&] { return next(file, size); });
}
SHIM int rename(const char* from, const char* to) {
  static const auto next = real<int (*)(const char*, const char*)>("rename");
  return done("rename", [&] { return next(from, to); });
}
SHIM int unlink(const char* path) {
  static const auto next = real<int (*)(const char*)>("unlink");
  return done("unlink", [&] { return next(path); });
}
SHIM int open64(const char* path, int flags, ...) {
  static const auto next = real<int (*)(const char*, int, ...)>("open64");
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return done("open", [&] { return next(path, flags, mode); });
}
SHIM int fcntl64(int file, int command, ...) {
  static const auto next = real<int (*)(int, int, ...)>("fcntl64");
  va_list rest;
  va_start(rest, command);
  void* const argument = va_arg(rest, void*);
  va_end(rest);
  // Letting go of a lock is nothing that a local file system refuses.
  const bool is_lock = (command == F_SETLK || command == F_SETLKW) && static_cast<flock*>(argument)->l_type != F_UNLCK;
  if (!is_lock) return next(file, command, argument);
  return done("fcntl", [&] { return next(file, command, argument); });
}
