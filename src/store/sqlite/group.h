// Group: what one store operation does to the database, and whom to tell. It runs inside a transaction that others
// share; it is told the outcome when that transaction is durable, or has failed.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "store/error.h"
#include "store/sqlite/connection.h"

namespace jeton::store::sqlite {

class Group {
 public:
  virtual ~Group() = default;
  // Failures latch in the connection. May run again on the same connection only if the first run was undone.
  virtual void run(Connection&) = 0;
  // Exactly once. Without an error: what `run` computed is durable.
  virtual void settle(std::optional<Error>) = 0;
};

template <class T>
class GroupOf final : public Group {
 public:
  using Work = std::move_only_function<T(Connection&)>;
  GroupOf(Work work, Completion<T> done) : work_(std::move(work)), done_(std::move(done)) {}

  void run(Connection& connection) override { value_.emplace(work_(connection)); }

  void settle(std::optional<Error> error) override {
    if (error) {
      done_(std::unexpected(std::move(*error)));
    } else {
      done_(std::move(*value_));
    }
  }

 private:
  Work work_;
  Completion<T> done_;
  std::optional<T> value_{};
};

template <class T>
std::unique_ptr<Group> make_group(std::move_only_function<T(Connection&)> work, Completion<T> done) {
  return std::make_unique<GroupOf<T>>(std::move(work), std::move(done));
}

}  // namespace jeton::store::sqlite
