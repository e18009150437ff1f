// The conformance suite: what every back end of the store contract must do. A back end brings a factory and
// instantiates StoreConformance with it in its own test file:
//
//   INSTANTIATE_TEST_SUITE_P(Sqlite, StoreConformance, testing::Values(Backend{"sqlite", make_sqlite}), name_of);
#pragma once

#include "store/store.h"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <utility>

namespace jeton::store::conformance {

// A store under test, empty at first, with a clock the test moves.
class Subject {
 public:
  virtual ~Subject() = default;
  virtual Store& store() = 0;
  // Another client of the same database, as another process would be.
  virtual std::unique_ptr<Store> open_another() = 0;
  // Closes the store and opens it again.
  virtual void restart() = 0;
  virtual StoreTime now() const = 0;
  virtual void move_clock(std::chrono::milliseconds by) = 0;  // may be negative
};

struct Backend {
  std::string name;
  std::function<std::unique_ptr<Subject>()> make;
};

inline std::ostream& operator<<(std::ostream& out, const Backend& backend) { return out << backend.name; }
inline std::string name_of(const testing::TestParamInfo<Backend>& info) { return info.param.name; }

// Calls an operation of the contract and waits for its one completion.
template <class T, class Call>
Result<T> outcome_of(Call&& call) {
  auto promise = std::make_shared<std::promise<Result<T>>>();
  auto future = promise->get_future();
  std::forward<Call>(call)(Completion<T>{[promise](Result<T> result) { promise->set_value(std::move(result)); }});
  return future.get();
}

// The operations of the contract as calls that wait.
class Waiting {
 public:
  explicit Waiting(Store& store) : store_(&store) {}

  Result<Registration> register_user(NewUser user);
  Result<std::optional<User>> find_by_email(std::string email_key);
  Result<std::optional<User>> find_by_sub(std::string sub);
  Result<bool> upgrade_password_hash(std::string sub, std::string old_hash, std::string new_hash);
  Result<bool> change_password(std::string sub, std::string new_hash, std::optional<Sid> keep = std::nullopt);
  Result<OwnPasswordOutcome> change_own_password(OwnPasswordChange change);
  Result<bool> set_disabled(std::string sub, bool disabled);
  Result<bool> set_claims(std::string sub, std::string claims_json);
  Result<SignInOutcome> sign_in(SignIn request);
  Result<Rotation> rotate(RotateRequest request);
  Result<bool> end_session(const Sid& sid, EndReason reason);
  Result<std::int64_t> end_all_sessions(std::string sub, EndReason reason);
  Result<std::optional<Session>> find_session(const Sid& sid);
  Result<KeptElsewhere> keep_user_elsewhere(UserElsewhere user);
  Result<std::vector<User>> list_users(std::string after, std::size_t count);
  Result<std::optional<HeldOfUser>> read_all_of_user(std::string sub);
  Result<bool> erase_user(std::string sub);
  Result<bool> find_revoked_token(std::string jti);
  Result<ClientAddition> add_client(Client client);
  Result<std::optional<Client>> find_client(std::string id);
  Result<std::vector<Client>> list_clients(std::string after, std::size_t count);
  Result<std::optional<Client>> change_client(std::string id, ClientChange change);
  Result<bool> set_client_disabled(std::string id, bool disabled);
  Result<bool> replace_secret(std::string id, const Digest& hash, std::chrono::milliseconds overlap);
  Result<Admission> admit_assertion(AssertionUse use, std::size_t uses_max);
  Result<SessionStory> story_of(const Sid& sid);
  Result<std::vector<Session>> live_sessions_of(std::string sub);
  Result<bool> end_own_session(std::string sub, const Sid& sid, EndReason reason);
  Result<std::int64_t> end_other_sessions(std::string sub, const Sid& keep, EndReason reason);
  Result<DeviceSweep> forget_devices(StoreTime time, std::int64_t place, std::size_t looked_at_max,
                                     std::size_t changed_max);
  Result<KeySetView> read_keys();
  Result<KeySetView> report_node(NodeReport report);
  Result<KeyChange> advance_keys(std::int64_t version, std::vector<KeyStep> steps);
  Result<bool> forget_node(std::string id);
  Result<KeyChange> import_key(StoredKey key);
  Result<KeyChange> rotate_key(std::string algorithm);
  Result<KeyChange> revoke_key(std::string kid);
  Result<std::map<std::string, std::string>> settle(std::map<std::string, std::string> defaults);
  Result<std::vector<bool>> import_users(std::vector<ImportedUser> users);
  Result<LinkOutcome> make_link(NewLink link);
  Result<std::optional<std::string>> find_link(LinkPurpose purpose, const Digest& hash);
  Result<std::optional<std::string>> verify_email(const Digest& hash);
  Result<std::optional<std::string>> reset_password(const Digest& hash, std::string new_hash);
  Result<std::optional<SecondFactor>> find_factor(std::string sub);
  Result<bool> begin_factor(std::string sub, std::vector<std::byte> sealed);
  Result<bool> confirm_factor(std::string sub, std::vector<std::byte> sealed, std::int64_t step,
                              std::vector<Digest> codes);
  Result<bool> take_try(std::string sub, std::int64_t tries, std::chrono::milliseconds window);
  Result<bool> use_step(std::string sub, std::int64_t step);
  Result<bool> use_recovery_code(std::string sub, const Digest& hash);
  Result<bool> remove_factor(std::string sub);
  Result<bool> want_events(bool wanted);
  Result<std::optional<StoreTime>> next_due(Channel channel);
  Result<std::vector<OutboxMessage>> claim(Channel channel, std::size_t count, std::chrono::milliseconds lease);
  Result<bool> delivered(const OutboxMessage& message);
  Result<bool> put_off(const OutboxMessage& message, std::chrono::milliseconds delay);
  Result<std::int64_t> give_up_older_than(Channel channel, std::chrono::milliseconds age);
  Result<Outbox::Counts> outbox_counts(Channel channel);
  Result<std::uint64_t> revoke(Revocation revocation);
  Result<HistoryMark> read_mark();
  Result<HistoryMark> advance();
  Result<bool> note_gone_back(std::string why);
  Result<HistoryMark> begin_history(std::string epoch);
  Result<FeedHead> read_head();
  Result<FeedPage> read_entries(std::uint64_t after);
  Result<std::uint64_t> purge(std::chrono::milliseconds advance_max);
  Result<bool> check();

 private:
  Store* store_;
};

inline constexpr std::chrono::milliseconds idle{std::chrono::hours{24 * 30}};
inline constexpr std::chrono::milliseconds absolute{std::chrono::hours{24 * 180}};

Sid sid_of(int number);
Digest key_of(int number);
NewUser new_user(const std::string& name);
SignIn sign_in_of(const std::string& name, int sid, StoreTime now);
RotateRequest rotation_of(int sid, std::int64_t generation, StoreTime now);

class StoreConformance : public testing::TestWithParam<Backend> {
 protected:
  void SetUp() override { subject_ = GetParam().make(); }

  Waiting db() { return Waiting{subject_->store()}; }
  StoreTime now() const { return subject_->now(); }
  void move_clock(std::chrono::milliseconds by) { subject_->move_clock(by); }

  // A registered user "ada" with session 1 at generation 0.
  void sign_ada_in();
  // Rotates session 1 from `generation`, with or without an Idempotency-Key; the whole answer.
  Rotation rotate(std::int64_t generation, std::optional<int> key = std::nullopt);
  RotateOutcome rotate_outcome(std::int64_t generation, std::optional<int> key = std::nullopt);
  // Brings session 1 from generation 0 to `generation`, a minute apart.
  void rotate_up_to(std::int64_t generation);
  Session session(int sid = 1);
  User ada();

  std::unique_ptr<Subject> subject_;
};

// Three sessions of "ada", 1 to 3, from one known device. Instantiated beside StoreConformance.
class DeviceConformance : public StoreConformance {
 protected:
  void SetUp() override;
  // What that device presents, with rules of suspicion in force.
  RotateRequest from_home(std::int64_t generation, int sid = 1);
  Rotation rotate_as(RotateRequest request) { return db().rotate(std::move(request)).value(); }
  bool live(int sid) { return !session(sid).ended_at.has_value(); }
};

}  // namespace jeton::store::conformance
