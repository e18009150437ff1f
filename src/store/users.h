// Users: people who sign in, their password hashes, claims and counters.
#pragma once

#include "store/error.h"
#include "store/ids.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jeton::store {

struct User {
  std::string sub;                  // random public id, "usr_…"
  std::string email;                // as given
  std::string password_hash;        // PHC text
  std::string claims_json;          // one JSON object: roles, plan, team_id, …
  std::int64_t security_epoch = 0;  // raised by password change, disable, log out everywhere
  std::int64_t version = 0;         // `ver`: raised by those and by any change of claims
  bool disabled = false;
  StoreTime created_at{};
  bool email_verified = false;
};

struct NewUser {
  std::string sub;
  std::string email;
  std::string email_key;  // the address in its compared form (lower case); unique
  std::string password_hash;
  std::string claims_json;
};

// A user as another system had them. `password_hash` may be in any format that crypto/foreign knows.
struct ImportedUser {
  NewUser user;
  bool email_verified = false;
  bool disabled = false;
};

enum class Registration : std::uint8_t { registered, email_taken };

// A password changed by its owner, out of a session of theirs that goes on.
struct OwnPasswordChange {
  std::string sub;
  Sid session{};                    // that asks, and is kept
  std::int64_t security_epoch = 0;  // as read together with the old password's hash
  std::string new_hash;
};

enum class OwnPasswordOutcome : std::uint8_t {
  changed,
  session_over,  // the session is no longer live, or of somebody else: nothing changed
  overtaken,     // the password was changed since it was read, and the session kept: nothing changed
};

// A user whose login is a trusted client's own: no password here, and never found by an address.
struct UserElsewhere {
  std::string sub;
  std::string home;   // the client's id
  std::string email;  // may be empty
  std::string claims_json;
};

enum class ElsewhereOutcome : std::uint8_t {
  kept,          // it is there now, as it was given
  client_id,     // the sub is a client's id: a token could not tell the two apart
  another_home,  // the sub is a user of this issuer's own or another client's: nothing changed
};

struct KeptElsewhere {
  ElsewhereOutcome outcome;
  User user{};  // as it is now; meaningful where it was kept
};

struct HeldOfUser;  // store/held_of_user.h

class Users {
 public:
  virtual ~Users() = default;
  // Adds the user, or says that the address is taken; of two at once exactly one succeeds.
  virtual void register_user(NewUser, Completion<Registration> done, Actor by = {}) = 0;
  // Adds many in one group; for each, whether it was added: one whose address or sub is there already is left out.
  virtual void import_users(std::vector<ImportedUser>, Completion<std::vector<bool>> done, Actor by = {}) = 0;
  virtual void find_by_email(std::string email_key, Completion<std::optional<User>> done) = 0;
  virtual void find_by_sub(std::string sub, Completion<std::optional<User>> done) = 0;
  // Replaces the hash if it is still `old_hash` (a rise of parameters at login); raises no counter.
  virtual void upgrade_password_hash(std::string sub, std::string old_hash, std::string new_hash,
                                     Completion<bool> done) = 0;
  // Replaces the hash, raises security epoch and version, and ends every live session but `keep` (whose epoch follows),
  // in one group. False if there is no such user.
  virtual void change_password(std::string sub, std::string new_hash, std::optional<Sid> keep, Completion<bool> done,
                               Actor by = {}) = 0;
  // The same by its owner, and only while the session is live and of the epoch that was read: of two changes at once
  // one succeeds.
  virtual void change_own_password(OwnPasswordChange, Completion<OwnPasswordOutcome> done) = 0;
  // Sets or clears `disabled`; disabling raises both counters and ends every live session, in one group.
  virtual void set_disabled(std::string sub, bool disabled, Completion<bool> done, Actor by = {}) = 0;
  // Replaces the free claims and raises the version.
  virtual void set_claims(std::string sub, std::string claims_json, Completion<bool> done, Actor by = {}) = 0;
  // Adds the user or brings it up to date, in one group; what has changed raises the version.
  virtual void keep_user_elsewhere(UserElsewhere, Completion<KeptElsewhere> done) = 0;
  // All that is held of a user, as of one moment.
  virtual void read_all_of_user(std::string sub, Completion<std::optional<HeldOfUser>> done) = 0;
  // Revokes all tokens of the user and forgets it, its sessions and whom its audit entries were about, in one group.
  // False if there is no such user.
  virtual void erase_user(std::string sub, Completion<bool> done, Actor by = {}) = 0;
  // Up to `count` users in the order of their subs, those after `after` (empty: from the first).
  virtual void list_users(std::string after, std::size_t count, Completion<std::vector<User>> done) = 0;
};

}  // namespace jeton::store
