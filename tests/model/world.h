// World: the real SQLite store, and the contents that its database can have, numbered. An operation is done once on
// each content, through the store's contract, and remembered: what the store answers depends on the database and the
// clock alone, which is checked by opening the store anew every now and then.
//
// Two contents count as one if they differ only by a shift of the clock: no statement of the store looks at a time
// other than beside the clock. Times that no walk comes near (expiry of sessions, of access tokens) are left out, and
// ages beyond the grace are alike.
#pragma once

#include "store/conformance/harness.h"
#include "store/sqlite/raw_database.h"
#include "store/sqlite/test_folder.h"
#include "store/store.h"

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace jeton::model {

using StateId = std::int32_t;
using Milliseconds = std::chrono::milliseconds;

inline constexpr Milliseconds grace{10'000};
inline constexpr int shared_session = 1;      // all clients begin with it
inline constexpr int bystander_session = 2;   // of the same user; nobody touches it
inline constexpr int first_own_session = 10;  // of the client that signs in by itself, plus its number

enum class Deed : std::uint8_t {
  rotate,
  log_out,
  change_password,
  change_password_and_keep,
  sign_in,
  move_clock,
  rename,
  restore
};

struct Operation {
  Deed deed{};
  int session = 0;
  int generation = 0;  // presented; for sign_in the security epoch that was read
  int key = 0;         // Idempotency-Key by number; 0: none
  friend auto operator<=>(const Operation&, const Operation&) = default;
};

struct Answer {
  enum class Kind : std::uint8_t { tokens, superseded, key_reused, refused, done, failed };
  Kind kind = Kind::failed;
  int generation = 0;  // of the refresh token that came with `tokens`
  friend bool operator==(const Answer&, const Answer&) = default;
};

// Faults that can be planted: each one is in the world, the store's own code stays as it is.
enum class Plant : std::uint8_t {
  nothing,
  sliding_grace,                // a repeat counts as a rotation
  check_before_write,           // the generation is compared when a request comes in, and written later
  generation_by_seconds,        // a clock in place of a counter
  restore_without_new_history,  // the copy alone
  epoch_not_compared,           // a sign-in does not ask whether the password is still the one that was checked
};

class World {
 public:
  // Ages are told apart up to `age_kept`: the grace, and what all steps back of the clock can undo.
  World(Plant plant, Milliseconds age_kept);

  StateId initial() const { return 0; }
  std::pair<StateId, Answer> apply(StateId, const Operation&);
  StateId move_clock(StateId, Milliseconds by);
  // The database as it was at the beginning, at today's time: a copy that somebody has put back.
  StateId put_back(StateId);
  // The same, restored: everybody has to sign in again.
  StateId restored(StateId);

  // The same content, of the shared session another generation and Idempotency-Key (0: none); see Walk::simplified.
  StateId with(StateId, int generation, int key);
  // The same content, of the shared session nothing but that it has ended.
  StateId with_ended_session(StateId);

  int generation_in(StateId id, int session) const;
  bool is_live_in(StateId id) const { return states_[static_cast<std::size_t>(id)].is_live; }  // the shared session
  int key_in(StateId id) const { return states_[static_cast<std::size_t>(id)].key; }
  int security_epoch_in(StateId id) const { return states_[static_cast<std::size_t>(id)].security_epoch; }
  Plant plant() const { return plant_; }

  std::size_t contents() const { return states_.size(); }
  std::size_t operations_done() const { return operations_done_; }
  std::size_t restarts() const { return restarts_; }

 private:
  struct Content {
    std::vector<std::string> sessions, users;  // rows as SQL values
    std::int64_t clock = 0;
    std::map<int, int> generations{};
    int security_epoch = 0;
    bool is_live = false;
    int key = 0;
  };
  class Clock final : public store::Clock {
   public:
    store::StoreTime now() const override { return store::StoreTime{Milliseconds{now_.load()}}; }
    void set(std::int64_t now) { now_ = now; }

   private:
    std::atomic<std::int64_t> now_{1'700'000'000'000};
  };

  void open();
  void begin();
  void show(StateId);  // makes the database be this content
  StateId here();      // the number of what the database is
  StateId number_of(Content content, const std::string& canonical);
  std::string canonical_rows(const std::string& table, std::int64_t clock);
  Answer carry_out(const Operation&);
  std::vector<std::string> columns_of(const std::string& table);
  std::string row_expression(const std::string& table);

  StateId changed(StateId, int name, const std::string& sql);

  const Plant plant_;
  const Milliseconds age_kept_;
  store::sqlite::TestFolder folder_;
  Clock clock_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<store::sqlite::RawDatabase> raw_;
  std::vector<Content> states_;
  std::unordered_map<std::string, StateId> numbers_;
  struct Asked {
    StateId from;
    Operation operation;
    friend bool operator==(const Asked&, const Asked&) = default;
  };
  struct HashOfAsked {
    std::size_t operator()(const Asked& asked) const;
  };
  std::unordered_map<Asked, std::pair<StateId, Answer>, HashOfAsked> known_;
  std::size_t operations_done_ = 0, restarts_ = 0, histories_ = 0;
};

}  // namespace jeton::model
