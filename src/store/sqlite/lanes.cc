#include "store/sqlite/lanes.h"

namespace jeton::store::sqlite {

Lanes::Lanes(std::string path, Limits limits, Writer writer, Reader reader)
    : path_(std::move(path)),
      writer_(std::move(writer)),
      reader_(std::move(reader)),
      read_lane_(limits.queue_groups_max, limits.batch_groups_max,
                 [this](Lane::Batch& batch) { reader_.serve(batch); }),
      write_lane_(limits.queue_groups_max, limits.batch_groups_max,
                  [this](Lane::Batch& batch) { writer_.serve(batch, appended_); }) {}

void Lanes::close() {
  write_lane_.close();
  read_lane_.close();
}

void Lanes::hand_over(Lane& lane, std::unique_ptr<Group> group) {
  const auto offered = lane.offer(group);
  if (offered == Lane::Offer::taken) return;
  Error error = offered == Lane::Offer::full ? Error{Errc::overloaded, path_ + ": too many operations are waiting."}
                                             : Error{Errc::unavailable, path_ + ": the store is being closed."};
  if (read_lane_.refuse(group, error) == Lane::Offer::taken) return;
  group->settle(std::move(error));  // no thread is left to do it
}

}  // namespace jeton::store::sqlite
