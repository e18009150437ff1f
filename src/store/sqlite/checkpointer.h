// Checkpointer: copies the log back into the database file on a thread and a connection of its own, so that commits do
// not wait for it. It cannot make the log start over while commits go on: that is the writer's to do, and has little
// left to copy then.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "store/sqlite/connection.h"

namespace jeton::store::sqlite {

class Checkpointer {
 public:
  explicit Checkpointer(Opening opening);
  // Waits for the copying under way.
  ~Checkpointer();
  Checkpointer(const Checkpointer&) = delete;
  Checkpointer& operator=(const Checkpointer&) = delete;

  // Returns at once. What fails is tried again at the next call: nothing depends on it but the length of the log.
  void ask();

 private:
  void loop();
  void copy();

  Opening opening_;
  std::unique_ptr<Connection> connection_;  // none before the first call, and after a failure
  std::mutex mutex_;
  std::condition_variable asked_;
  bool is_asked_ = false;
  bool closed_ = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace jeton::store::sqlite
