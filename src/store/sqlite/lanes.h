// Lanes: the writer's and the reader's thread, and the ways into them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "store/error.h"
#include "store/sqlite/append_watch.h"
#include "store/sqlite/lane.h"
#include "store/sqlite/reader.h"
#include "store/sqlite/writer.h"

namespace jeton::store::sqlite {

class Lanes {
 public:
  struct Limits {
    std::size_t queue_groups_max;
    std::size_t batch_groups_max;
  };
  Lanes(std::string path, Limits limits, Writer writer, Reader reader);
  ~Lanes() { close(); }
  // Serves what was accepted; afterwards both threads are gone. Completions may hand in more meanwhile: a read is still
  // served while the writer finishes, anything later is `unavailable`.
  void close();

  // In the writer's transaction; `done` after its COMMIT.
  template <class T>
  void write(std::move_only_function<T(Connection&)> work, Completion<T> done) {
    hand_over(write_lane_, make_group<T>(std::move(work), std::move(done)));
  }

  // On the reader's connection: committed data, one statement, one snapshot.
  template <class T>
  void read(std::move_only_function<T(Connection&)> work, Completion<T> done) {
    hand_over(read_lane_, make_group<T>(std::move(work), std::move(done)));
  }

  AppendWatch& appended() { return appended_; }

 private:
  void hand_over(Lane& lane, std::unique_ptr<Group> group);

  std::string path_;
  AppendWatch appended_;
  Writer writer_;
  Reader reader_;
  Lane read_lane_;  // also tells those for whom there was no room: it is never long in a commit
  Lane write_lane_;
};

}  // namespace jeton::store::sqlite
