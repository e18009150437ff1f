// Oracle: knows what clients know, and nothing of the database: which requests they sent, when, and what was answered.
// Where an answer is missing it holds every history for possible in which the request was carried out, or was not; an
// answer that fits none of them is a fault of the store.
//
// Beside that, without any rule of rotation, the invariants themselves:
//   I1  a token has one successor: all who present it are given the same, and it is another token
//   I2  what was acknowledged stays: no tokens for a session after its end was acknowledged, nor for a token whose
//       successor's successor was given out; no session by a password that was changed before
//   I3  an honest client goes on, or has one clear error: follows from the histories, as a refusal must fit one
#pragma once

#include "world.h"

#include <array>
#include <compare>
#include <optional>
#include <string>
#include <vector>

namespace jeton::model {

inline constexpr int clients_max = 3;
inline constexpr int sessions_max = 1 + clients_max;  // the shared one, and one that each client may sign in to

inline constexpr int generations_max = 48;  // longer walks are not made

// Of one session, as rule 4.3 has it; ages count from the clock as it stands.
struct Believed {
  std::int16_t generation = -1;  // -1: there is no such session
  bool is_live = false;
  std::int32_t age = 0, previous_age = 0;
  std::int8_t key = 0;
  friend auto operator<=>(const Believed&, const Believed&) = default;
};

struct History {
  std::array<Believed, sessions_max> sessions{};
  int security_epoch = 0;
  friend auto operator<=>(const History&, const History&) = default;
};

// What was seen of one session.
struct Seen {
  std::array<std::int16_t, generations_max> successor{};  // of each generation, plus one; 0: none seen
  bool end_acknowledged = false;
  bool was_put_back = false;  // into a database that has forgotten: nothing holds but that tokens are not both good
  friend auto operator<=>(const Seen&, const Seen&) = default;
};

class Oracle {
 public:
  explicit Oracle(Milliseconds age_kept = grace);

  // Each returns what is wrong with the answer, or nothing. `index`: 0 is the shared session.
  std::optional<std::string> rotated(int index, int presented, int key, const Answer& answer);
  void rotation_unanswered(int index, int presented, int key);
  std::optional<std::string> logged_out(int index, const Answer& answer);
  std::optional<std::string> password_changed(std::optional<int> kept, const Answer& answer);
  std::optional<std::string> signed_in(int index, int epoch_read, const Answer& answer);
  void clock_moved(Milliseconds by);
  void put_back();
  void restored();
  bool was_restored() const { return was_restored_; }

  bool has_key(int key) const;  // in a history that is possible
  // The same, of the shared session every generation less by `shift` (see Walk::simplified) and keys by other numbers.
  void rename(int shift, const std::array<std::int8_t, 16>& key_names);
  // True if the shared session is live in no history.
  bool is_surely_over() const;
  void forget_session();  // which is surely over
  // All that it holds, so that two oracles are alike if their texts are.
  void append_to(std::string& text) const;
  friend auto operator<=>(const Oracle&, const Oracle&) = default;

 private:
  template <class Deed>
  std::optional<std::string> explain(const char* what, const Answer& answer, Deed deed);
  std::optional<std::string> check_successor(Seen& seen, int presented, const Answer& answer);

  std::int32_t age_max_;
  std::vector<History> possible_;  // sorted, each once
  std::array<Seen, sessions_max> seen_{};
  int changes_acknowledged_ = 0;  // of the password
  bool was_restored_ = false;     // and no copy put back by hand since
};

std::string text_of(const Answer& answer);

}  // namespace jeton::model
