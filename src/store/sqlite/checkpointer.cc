#include "store/sqlite/checkpointer.h"

#include "store/sqlite/writer.h"

#include <new>
#include <utility>

namespace jeton::store::sqlite {

Checkpointer::Checkpointer(Opening opening) : opening_(std::move(opening)), thread_([this] { loop(); }) {}

Checkpointer::~Checkpointer() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  asked_.notify_one();
  thread_.join();
}

void Checkpointer::ask() {
  {
    const std::lock_guard lock(mutex_);
    is_asked_ = true;
  }
  asked_.notify_one();
}

void Checkpointer::loop() {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      asked_.wait(lock, [this] { return closed_ || is_asked_; });
      if (closed_) return;
      is_asked_ = false;
    }
    try {
      copy();
    } catch (const std::bad_alloc&) {
      connection_.reset();
    }
  }
}

void Checkpointer::copy() {
  if (!connection_) {
    auto connection = open_for_writing(opening_);
    if (!connection) return;
    connection_ = std::move(*connection);
  }
  connection_->checkpoint(false, {});
  // After a failed sync the pages are written again before the next one: a checkpoint begins where the last good one
  // ended.
  if (connection_->take_failure()) connection_.reset();
}

}  // namespace jeton::store::sqlite
