// For the tests of this folder: a folder that goes away, and a clock that stands until it is moved.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "store/ids.h"
#include "store/sqlite/sqlite_store.h"

namespace jeton::store::sqlite {

class TestFolder {
 public:
  TestFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "jeton-store-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TestFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  std::filesystem::path path() const { return path_; }
  std::string database() const { return (path_ / "jeton.db").string(); }

 private:
  std::filesystem::path path_;
};

class StandingClock final : public Clock {
 public:
  StoreTime now() const override { return StoreTime{std::chrono::milliseconds{now_.load()}}; }
  void move(std::chrono::milliseconds by) { now_ += by.count(); }

 private:
  std::atomic<std::int64_t> now_{1'700'000'000'000};
};

}  // namespace jeton::store::sqlite
