// Sessions: one sign-in on one device, and the generation of its refresh token. Rule 4.3 of the design lives in
// `rotate`: one conditional UPDATE decides every race, here and nowhere else.
#pragma once

#include "store/error.h"
#include "store/ids.h"
#include "store/suspicion_rule.h"
#include "store/users.h"

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace jeton::store {

// Stored by number: only ever append.
enum class Delivery : std::uint8_t { body, cookie };
enum class EndReason : std::uint8_t {
  logout,
  reuse,
  password_changed,
  user_disabled,
  revoked,
  expired,
  store_went_back,
  suspicion,    // by the rules of suspicion
  session_cap,  // made room for a newer one
  user_erased
};
inline constexpr EndReason end_reason_last = EndReason::user_erased;

struct Session {
  Sid sid{};
  std::int64_t generation = 0;
  std::uint32_t key_id = 0;  // of the MAC key that made its current refresh token
  std::string sub, client_id, scope, audience;
  Delivery delivery = Delivery::body;
  std::int64_t security_epoch = 0;
  StoreTime auth_time{}, rotated_at{}, previous_rotated_at{};
  StoreTime idle_expires_at{}, absolute_expires_at{};
  StoreTime access_expires_max{};  // the latest `exp` of any access token it was given
  std::optional<StoreTime> ended_at{};
  EndReason end_reason{};
  std::string user_agent, address, first_address;  // of the last rotation, and of the sign-in; empty: unknown
  std::int64_t repeats = 0;                        // of the current generation
  std::optional<StoreTime> repeated_at{};          // the last of them
  std::int64_t least_generation = 0;               // access tokens of older generations were cut
};

// What is done when a user who has as many live sessions as allowed signs in once more.
enum class AtCap : std::uint8_t { oldest_goes, new_is_refused };

struct SignIn {
  Sid sid{};
  std::uint32_t key_id = 0;
  std::string sub, client_id, scope, audience;
  Delivery delivery = Delivery::body;
  std::int64_t security_epoch = 0;  // as read together with the password hash
  std::chrono::milliseconds idle{}, absolute{};
  StoreTime access_expires_at{};
  std::string user_agent, address;
  std::optional<Fingerprint> fingerprint{};
  std::uint32_t sessions_max = 0;  // live ones of this user, this one counted; 0: no cap
  AtCap at_cap = AtCap::oldest_goes;
};

// refused: the user is gone, disabled, or its security epoch is no longer the one that was read. too_many: the cap is
// reached, and new_is_refused.
enum class SignInOutcome : std::uint8_t { signed_in, refused, too_many };

struct RotateRequest {
  Sid sid{};
  std::int64_t generation = 0;              // as presented
  std::string client_id;                    // as authenticated; must be the session's
  std::string scope;                        // asked for; empty: as before
  std::uint32_t key_id = 0;                 // the MAC key for the new token
  std::optional<Digest> idempotency_key{};  // hash of the request's Idempotency-Key
  std::chrono::milliseconds grace{10'000};
  std::chrono::milliseconds idle{};  // new idle expiry, from now, never past the absolute one
  StoreTime access_expires_at{};     // `exp` of the access token that will be given, fixed beforehand
  std::string user_agent, address;
  Delivery delivery = Delivery::body;  // how the token was presented; must be the session's
  std::optional<Fingerprint> fingerprint{};
  SuspicionRules suspicion{};
};

enum class RotateOutcome : std::uint8_t {
  rotated,         // d = 0: one generation on
  repeated,        // d = 1 within the grace, or with the key of the rotation: the same current token again
  superseded,      // d = 2 within the grace of the rotation before: refused, nothing ended
  key_reused,      // the stored Idempotency-Key at d = 0: 400, nothing changed
  reused,          // the session was ended by this very call
  went_back,       // presented > stored: the database lost history; the session was ended by this very call
  ended,           // it was ended, expired, its user disabled or of a newer security epoch before
  unknown,         // no such session
  other_client,    // it belongs to another client: nothing changed
  wider_scope,     // scope asked for is no subset: nothing changed
  other_delivery,  // presented in the body but given in a cookie, or the reverse: nothing changed
  login_demanded,  // by the rules of suspicion this presenter gets nothing: the generation stands, nothing ended
  suspected,       // by the rules of suspicion the session was ended by this very call
};

// What the store knows of one session, for an operator's "why". Refreshes are not in the audit, so that storage is
// constant however often a session is refreshed: of them the row has the last.
struct SessionEvent {
  StoreTime at{};
  std::string kind;    // "signed_in", "session_suspected", "refresh_token_reused", "session_ended", …
  std::string detail;  // as the audit has it: a word, or one JSON object
};
struct SessionStory {
  std::optional<Session> session{};    // none: unknown, or forgotten since
  bool live = false;                   // it, when it was read
  std::string email{};                 // of its user
  std::vector<SessionEvent> events{};  // in order, the first story_events_max
};
inline constexpr std::int64_t story_events_max = 1000;

struct Rotation {
  RotateOutcome outcome;
  Session session;  // after the operation; meaningful for rotated, repeated, superseded, reused, went_back, ended
  // Meaningful for rotated and repeated, and of it what the new access token tells: sub, email, claims, version and
  // security epoch.
  User user;
  Suspicion suspicion{};
};

inline constexpr std::int64_t live_sessions_listed_max = 1000;

// How far a sweep over all sessions has come.
struct DeviceSweep {
  std::int64_t place = 0;      // where the next piece goes on
  bool is_done = false;        // the end was reached
  std::int64_t forgotten = 0;  // sessions of this piece of which something was forgotten
};
inline constexpr std::int64_t device_sweep_start = std::numeric_limits<std::int64_t>::min();

class Sessions {
 public:
  virtual ~Sessions() = default;
  // Starts a session at generation 0, with the user's row locked in share mode and its security epoch compared.
  virtual void sign_in(SignIn, Completion<SignInOutcome> done) = 0;
  // Advances the session by one generation in one atomic group, or says why not. Checks in the order: unknown, ended,
  // client, delivery, scope, then d = stored - presented, then suspicion where it would be given a token. `rotated` and
  // `repeated` are durable before `done`.
  virtual void rotate(RotateRequest, Completion<Rotation> done) = 0;
  // Ends a session. True if it was live before; an unknown or ended one is no error.
  virtual void end_session(Sid, EndReason, Completion<bool> done, Actor by = {}) = 0;
  // Ends all live sessions of a user and raises both counters, in one group. The number ended.
  virtual void end_all_sessions(std::string sub, EndReason, Completion<std::int64_t> done, Actor by = {}) = 0;
  virtual void find_session(Sid, Completion<std::optional<Session>> done) = 0;
  // The live sessions of a user, the one that was used last first; at most `live_sessions_listed_max`.
  virtual void live_sessions_of(std::string sub, Completion<std::vector<Session>> done) = 0;
  virtual void story_of(Sid, Completion<SessionStory> done) = 0;
  // Ends a session if it is live and that user's, and says so in the audit. False, and nothing done, else: whose it is
  // cannot be told from that.
  virtual void end_own_session(std::string sub, Sid, EndReason, Completion<bool> done, Actor by = {}) = 0;
  // Ends all live sessions of a user but one, in one group; raises no counter. The number ended.
  virtual void end_other_sessions(std::string sub, Sid keep, EndReason, Completion<std::int64_t> done,
                                  Actor by = {}) = 0;
  // Forgets addresses and agents that were last seen before `time`: looks at the next `looked_at_max` sessions from
  // `place` on and changes `changed_max` of them at most, so that no refresh waits for long. Of an ended or expired
  // session the fingerprint goes too.
  virtual void forget_devices(StoreTime time, std::int64_t place, std::size_t looked_at_max, std::size_t changed_max,
                              Completion<DeviceSweep> done) = 0;
};

}  // namespace jeton::store
