// For the tests of this folder: an SQLite VFS over the system's own that fails on demand, and that knows whether
// anything written to a WAL has not been synced yet.
#pragma once

#include <sqlite3.h>

#include <atomic>
#include <cstring>
#include <string_view>

namespace jeton::store::sqlite {

class FailingVfs {
 public:
  // What xWrite and xSync answer instead of doing it; 0 lets them through. Of the files that `target` names.
  std::atomic<int> write_answer = 0;
  std::atomic<int> sync_answer = 0;
  enum class Target { any, wal, database };
  std::atomic<Target> target = Target::any;
  std::atomic<int> refused = 0;       // how often one of them was not done
  std::atomic<int> wal_unsynced = 0;  // writes to a WAL since its last sync
  std::atomic<int> wal_syncs = 0;
  std::atomic<int> database_syncs = 0;
  std::atomic<int> databases_opened = 0;
  std::atomic<int> lock_calls = 0;  // on the WAL's index, by all connections; each try of a wait is one

  // Installed as the default VFS while it lives; one at a time.
  FailingVfs() : real_(sqlite3_vfs_find(nullptr)), vfs_(*real_) {
    vfs_.zName = "jeton-failing";
    vfs_.pNext = nullptr;
    vfs_.szOsFile = static_cast<int>(sizeof(File)) + real_->szOsFile;
    vfs_.xOpen = &open;
    vfs_.pAppData = real_->pAppData;
    current() = this;
    sqlite3_vfs_register(&vfs_, 1);
  }
  ~FailingVfs() {
    sqlite3_vfs_unregister(&vfs_);
    sqlite3_vfs_register(real_, 1);
  }
  FailingVfs(const FailingVfs&) = delete;
  FailingVfs& operator=(const FailingVfs&) = delete;

  void heal() { write_answer = sync_answer = 0; }

 private:
  struct File {
    sqlite3_file base;
    bool is_wal;
    sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
  };

  static FailingVfs*& current() {
    static FailingVfs* instance = nullptr;
    return instance;
  }
  static File& file_of(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }
  static sqlite3_file* real_of(sqlite3_file* file) { return file_of(file).real(); }

  static int open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
    auto& self = *current();
    auto& opened = file_of(file);
    opened.is_wal = (flags & SQLITE_OPEN_WAL) != 0;
    opened.base.pMethods = nullptr;
    if ((flags & SQLITE_OPEN_MAIN_DB) != 0) ++self.databases_opened;
    const int code = self.real_->xOpen(self.real_, name, opened.real(), flags, out_flags);
    if (opened.real()->pMethods != nullptr) opened.base.pMethods = &methods();
    return code;
  }

  int refusal(const File& file, int answer) {
    const Target wanted = target;
    if (answer == 0 || (wanted == Target::wal && !file.is_wal)) return SQLITE_OK;
    if (wanted == Target::database && file.is_wal) return SQLITE_OK;
    ++refused;
    return answer;
  }

  static int write(sqlite3_file* file, const void* data, int bytes, sqlite3_int64 offset) {
    auto& self = *current();
    auto& written = file_of(file);
    if (const int code = self.refusal(written, self.write_answer); code != SQLITE_OK) return code;
    if (written.is_wal) ++self.wal_unsynced;
    return written.real()->pMethods->xWrite(written.real(), data, bytes, offset);
  }

  static int sync(sqlite3_file* file, int flags) {
    auto& self = *current();
    auto& written = file_of(file);
    if (const int code = self.refusal(written, self.sync_answer); code != SQLITE_OK) return code;
    const int code = written.real()->pMethods->xSync(written.real(), flags);
    if (written.is_wal && code == SQLITE_OK) {
      self.wal_unsynced = 0;
      ++self.wal_syncs;
    }
    if (!written.is_wal && code == SQLITE_OK) ++self.database_syncs;
    return code;
  }

  static const sqlite3_io_methods& methods() {
    static const sqlite3_io_methods table = [] {
      sqlite3_io_methods m{};
      m.iVersion = 2;
      m.xClose = [](sqlite3_file* f) { return real_of(f)->pMethods->xClose(real_of(f)); };
      m.xRead = [](sqlite3_file* f, void* to, int bytes, sqlite3_int64 at) {
        return real_of(f)->pMethods->xRead(real_of(f), to, bytes, at);
      };
      m.xWrite = &write;
      m.xTruncate = [](sqlite3_file* f, sqlite3_int64 to) { return real_of(f)->pMethods->xTruncate(real_of(f), to); };
      m.xSync = &sync;
      m.xFileSize = [](sqlite3_file* f, sqlite3_int64* to) { return real_of(f)->pMethods->xFileSize(real_of(f), to); };
      m.xLock = [](sqlite3_file* f, int lock) { return real_of(f)->pMethods->xLock(real_of(f), lock); };
      m.xUnlock = [](sqlite3_file* f, int lock) { return real_of(f)->pMethods->xUnlock(real_of(f), lock); };
      m.xCheckReservedLock = [](sqlite3_file* f, int* to) {
        return real_of(f)->pMethods->xCheckReservedLock(real_of(f), to);
      };
      m.xFileControl = [](sqlite3_file* f, int op, void* argument) {
        return real_of(f)->pMethods->xFileControl(real_of(f), op, argument);
      };
      m.xSectorSize = [](sqlite3_file* f) { return real_of(f)->pMethods->xSectorSize(real_of(f)); };
      m.xDeviceCharacteristics = [](sqlite3_file* f) {
        return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
      };
      m.xShmMap = [](sqlite3_file* f, int page, int bytes, int extend, void volatile** to) {
        return real_of(f)->pMethods->xShmMap(real_of(f), page, bytes, extend, to);
      };
      m.xShmLock = [](sqlite3_file* f, int offset, int count, int flags) {
        ++current()->lock_calls;
        return real_of(f)->pMethods->xShmLock(real_of(f), offset, count, flags);
      };
      m.xShmBarrier = [](sqlite3_file* f) { real_of(f)->pMethods->xShmBarrier(real_of(f)); };
      m.xShmUnmap = [](sqlite3_file* f, int remove) { return real_of(f)->pMethods->xShmUnmap(real_of(f), remove); };
      return m;
    }();
    return table;
  }

  sqlite3_vfs* real_;
  sqlite3_vfs vfs_;
};

}  // namespace jeton::store::sqlite
