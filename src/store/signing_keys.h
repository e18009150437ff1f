// SigningKeys: the issuer's keys at rest, and which running node has loaded what. Private parts arrive sealed and leave
// sealed; the store cannot read them.
//
// The keys form one set with a version, which every change of the set raises. Whoever changes it names the version it
// has looked at: of several that decide at once, in however many processes, one is applied and the others are told that
// they were overtaken. What the life cycle of keys (design 4.4) demands is the issuer's to decide; here each step is
// carried out only from the state it may begin in.
//
// Nodes are the running processes. Each reports again and again; a report is never compared with another node's clock:
// whoever wants to know whether a node is alive watches its `reports` go up.
#pragma once

#include "store/error.h"
#include "store/ids.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace jeton::store {

enum class KeyState : std::uint8_t {
  pending,   // published, not signing: verifiers get to know it
  standby,   // known to every verifier; the next to sign
  active,    // signs
  draining,  // signs no more by the store; a node that has not loaded this yet may still sign
  retired,   // verifies only: the private part is destroyed
  revoked,   // not published, not accepted, private part destroyed; the row stays, so that it never comes back
};

// "pending", …: as stored, logged and shown.
constexpr std::string_view name_of(KeyState state) {
  switch (state) {
    case KeyState::pending: return "pending";
    case KeyState::standby: return "standby";
    case KeyState::active: return "active";
    case KeyState::draining: return "draining";
    case KeyState::retired: return "retired";
    case KeyState::revoked: return "revoked";
  }
  std::unreachable();
}

struct StoredKey {
  std::string kid;
  std::string algorithm;  // "ES256"
  std::string audience;   // of a shared secret (HS256): the one audience it is for; else empty
  KeyState state = KeyState::pending;
  std::string public_jwk;           // empty for a shared secret
  std::vector<std::byte> sealed{};  // private JWK, AES-256-GCM; empty once destroyed
  StoreTime created_at{};           // by the database's clock; ignored when adding, as are those below
  StoreTime state_since{};          // when its present state began,
  std::int64_t state_version = 0;   // and with which version of the set
  // Set when every live node was seen to publish it: since when, and for how long verifiers may hold older sets.
  std::optional<StoreTime> published_at{};
  std::chrono::milliseconds settling{};
  StoreTime expires_max{};  // no token that it signed ends later
};

struct KeyNode {
  std::string id;
  std::int64_t reports = 0;        // how often it has reported
  std::int64_t version = 0;        // of the set that it works with; 0: none yet
  StoreTime loaded_at{};           // since when, and
  StoreTime seen_at{};             // when it last reported: both by its own clock
  std::chrono::seconds max_age{};  // for how long it lets others keep the set
};

struct KeySetView {
  std::int64_t version = 0;        // `began`: there never was a key in this history of the database
  std::int64_t began = 0;          // the version with which this history began
  std::vector<StoredKey> keys;     // in the order of created_at, then kid
  std::vector<KeyNode> nodes;      // in the order of id
  std::chrono::seconds max_age{};  // the longest for which anybody may still hold a set that was published before
};

struct NodeReport {
  std::string id;
  std::int64_t version = 0;                 // of the set that it works with
  std::vector<std::string> signing_kids{};  // those it may sign with, until its next report but one
  StoreTime expires_at{};                   // no token that it signs until then ends later
  std::chrono::seconds max_age{};           // of the sets it publishes
};

// The steps of a key's life. Each does nothing if the key is not in the state it may begin in.
struct AddKey {
  StoredKey key;  // in state pending or active
};
struct MarkPublished {  // pending, seen with every live node
  std::string kid;
  std::chrono::milliseconds settling{};
};
struct MatureKey {  // pending → standby
  std::string kid;
};
struct ActivateKey {  // standby → active; the active key of its algorithm → draining
  std::string kid;
};
// Its algorithm is not wanted any more.
struct DrainKey {  // pending, standby or active → draining, with no other in its place
  std::string kid;
};
struct RetireKey {  // draining → retired; the private part is overwritten
  std::string kid;
};
struct RemoveKey {  // retired → gone
  std::string kid;
};
struct LowerMaxAge {  // once nobody can hold a set for longer
  std::chrono::seconds max_age{};
};
struct ForgetNode {  // unless it has reported since
  std::string id;
  std::int64_t reports = 0;
};
using KeyStep = std::variant<AddKey, MarkPublished, MatureKey, ActivateKey, DrainKey, RetireKey, RemoveKey, LowerMaxAge,
                             ForgetNode>;

enum class KeyChange : std::uint8_t {
  done,
  overtaken,   // the set has changed since the version that was named: nothing was done
  unknown,     // there is no such key
  exists,      // there is one of that kid, or of that audience, already
  no_standby,  // there is no key that could take over
};

class SigningKeys {
 public:
  virtual ~SigningKeys() = default;
  virtual void read_keys(Completion<KeySetView> done) = 0;
  // Writes the node's report down and raises the expires_max of the keys it signs with and the max_age of the set, in
  // one group; the set as it is then.
  virtual void report_node(NodeReport, Completion<KeySetView> done) = 0;
  // Carries out all steps in order if the set still has `version`, and raises it by one unless they forget nodes only.
  virtual void advance_keys(std::int64_t version, std::vector<KeyStep>, Completion<KeyChange> done) = 0;
  // A node that stops politely.
  virtual void forget_node(std::string id, Completion<bool> done) = 0;

  // What operators ask for; whatever the version is.
  // Adds a key that comes from elsewhere: pending, or active for a shared secret. exists: its kid is or was here, or
  // the audience has a shared secret.
  virtual void import_key(StoredKey, Completion<KeyChange> done, Actor by = {}) = 0;
  // The oldest standby key of the algorithm signs from now on. no_standby: nothing was changed.
  virtual void rotate_key(std::string algorithm, Completion<KeyChange> done, Actor by = {}) = 0;
  // Out of the set and into the feed of revocations, the private part overwritten, and, if it was active, the oldest
  // standby in its place, in one group. no_standby: it was revoked, and nothing can sign until the issuer has provided.
  virtual void revoke_key(std::string kid, Completion<KeyChange> done, Actor by = {}) = 0;
};

}  // namespace jeton::store
