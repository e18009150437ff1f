// Outbox: messages that leave this system later, each written in the transaction of the change it tells of, so that
// neither is without the other. Two channels: events, which go to the operator's webhook, and mail.
//
// Delivery is at least once. A message is claimed by a conditional update, for the time of a lease: one node at a time
// delivers it, and when that node is killed another takes over once the lease has ended. There is no order.
#pragma once

#include "store/error.h"
#include "store/ids.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace jeton::store {

// Stored by number: only ever append.
enum class Channel : std::uint8_t { event, mail };

// Beyond so many waiting messages of both channels together an event is dropped (and counted), and mail refused.
inline constexpr std::int64_t outbox_messages_max = 1'000'000;

struct OutboxMessage {
  std::int64_t id = 0;
  std::int64_t attempts = 0;  // this claim counted: with `id` it names the claim
  std::string message_id;     // random, the same at every attempt: for the receiver to tell repeats
  std::string kind;           // "user.password_changed"; of mail: what the mail is about
  std::string sub;            // empty: of no user
  std::optional<Sid> sid{};
  std::string detail;               // one JSON object, or empty
  std::vector<std::byte> sealed{};  // what the store must not read: a mail with its one-time link
  StoreTime created_at{};
};

class Outbox {
 public:
  virtual ~Outbox() = default;
  // While events are not wanted none is kept. Holds for every process on this database, and is kept across restarts.
  virtual void want_events(bool wanted, Completion<bool> done) = 0;
  // When the next message of the channel is due; a read.
  virtual void next_due(Channel, Completion<std::optional<StoreTime>> done) = 0;
  // Takes up to `count` due messages, the longest due first: nobody else gets them before `lease` has passed.
  virtual void claim(Channel, std::size_t count, std::chrono::milliseconds lease,
                     Completion<std::vector<OutboxMessage>> done) = 0;
  // The claim of `attempts` ends: the message is gone. False if the lease had ended and somebody else has claimed it.
  virtual void delivered(std::int64_t id, std::int64_t attempts, Completion<bool> done) = 0;
  // The same, and the message is due again after `delay`.
  virtual void put_off(std::int64_t id, std::int64_t attempts, std::chrono::milliseconds delay,
                       Completion<bool> done) = 0;
  // Forgets messages older than `age`, a thousand at most; how many.
  virtual void give_up_older_than(Channel, std::chrono::milliseconds age, Completion<std::int64_t> done) = 0;

  struct Counts {
    std::int64_t waiting = 0;  // of the channel; counted up to 10,000
    std::int64_t dropped = 0;  // events, since the database was made
  };
  virtual void counts(Channel, Completion<Counts> done) = 0;
};

}  // namespace jeton::store
