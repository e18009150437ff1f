// Reader: serves groups that only read, on a connection of its own that sees committed data alone.
#pragma once

#include <memory>

#include "store/sqlite/connection.h"
#include "store/sqlite/lane.h"

namespace jeton::store::sqlite {

class Reader {
 public:
  Reader(Opening opening, std::unique_ptr<Connection> connection);
  void serve(Lane::Batch& batch);

 private:
  std::optional<Error> read(Group& group);
  std::optional<Error> read_in_memory(Group& group);

  Opening opening_;
  std::unique_ptr<Connection> connection_;  // null after a failed read, until it can be opened again
};

}  // namespace jeton::store::sqlite
