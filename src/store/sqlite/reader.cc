#include "store/sqlite/reader.h"

#include <new>
#include <utility>

#include "store/sqlite/writer.h"

namespace jeton::store::sqlite {

Reader::Reader(Opening opening, std::unique_ptr<Connection> connection)
    : opening_(std::move(opening)), connection_(std::move(connection)) {}

void Reader::serve(Lane::Batch& batch) {
  for (auto& group : batch) group->settle(read(*group));
}

std::optional<Error> Reader::read(Group& group) {
  try {
    return read_in_memory(group);
  } catch (const std::bad_alloc&) {
    connection_.reset();
    return Error{Errc::unavailable, {}};
  }
}

std::optional<Error> Reader::read_in_memory(Group& group) {
  if (!connection_) {
    auto connection = open_for_reading(opening_);
    if (!connection) return to_error(connection.error(), opening_.path);
    connection_ = std::move(*connection);
  }
  connection_->sample_clock();
  group.run(*connection_);
  auto failure = connection_->take_failure();
  if (!failure) return std::nullopt;
  if (is_io_failure(*failure)) connection_.reset();
  return to_error(*failure, opening_.path);
}

}  // namespace jeton::store::sqlite
