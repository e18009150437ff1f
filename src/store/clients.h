// Clients: applications and services that ask for tokens, what they may ask for, and the assertions they have used.
//
// A client is never deleted, only disabled: a second one of the same id would begin with version 0 and revive the
// tokens of the first.
#pragma once

#include "store/error.h"
#include "store/ids.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace jeton::store {

struct Client {
  std::string id;                       // public, 1 to 64 characters; never a user's sub
  std::string name;                     // for people
  bool is_public = true;                // keeps no secret (an application on people's devices): no secret hash, no keys
  std::optional<Digest> secret_hash{};  // SHA-256 of a generated secret of full entropy
  std::optional<Digest> previous_secret_hash{};  // of the one before, good until `previous_secret_until`
  StoreTime previous_secret_until{};
  std::string jwks;                       // its public keys as a JWK Set, for private_key_jwt; may be empty
  std::string grants, scopes, audiences;  // each a list of words separated by single spaces
  std::string algorithm;                  // of its access tokens; empty: the issuer's own
  std::string claims_json = "{}";         // one JSON object
  bool trusted = false;                   // may begin sessions for users that live elsewhere
  bool disabled = false;
  std::int64_t version = 0;  // `ver`: raised by every change of what its tokens say or of who may get them
  StoreTime created_at{};    // by the database's clock; ignored when adding
};

// What is to be changed; the rest stays.
struct ClientChange {
  std::optional<std::string> name{}, grants{}, scopes{}, audiences{}, algorithm{}, claims_json{}, jwks{};
  std::optional<bool> trusted{};
};

enum class ClientAddition : std::uint8_t {
  added,
  id_taken,  // by a client, or by a user's sub: in a token the two must never be confused
};

// One use of a client assertion (RFC 7523). `id` tells client and jti together apart from all others.
struct AssertionUse {
  std::array<std::byte, 16> id{};
  StoreTime expires_at{};  // from then on it is refused by its `exp`, and need not be remembered
};

enum class Admission : std::uint8_t {
  first,
  seen,  // it was used before: a replay
  full,  // more are remembered than the limit: nothing is forgotten early, so nothing is admitted
};

class Clients {
 public:
  virtual ~Clients() = default;
  virtual void add_client(Client, Completion<ClientAddition> done, Actor by = {}) = 0;
  virtual void find_client(std::string id, Completion<std::optional<Client>> done) = 0;
  // Up to `count` clients in the order of their ids, those after `after` (empty: from the first).
  virtual void list_clients(std::string after, std::size_t count, Completion<std::vector<Client>> done) = 0;
  // Changes what is given and raises the version, but for a new name alone. The client as it is afterwards; nothing if
  // there is none. Keys are not given to a public client: then nothing is changed.
  virtual void change_client(std::string id, ClientChange, Completion<std::optional<Client>> done, Actor by = {}) = 0;
  // Disabling raises the version. False if there is no such client.
  virtual void set_client_disabled(std::string id, bool disabled, Completion<bool> done, Actor by = {}) = 0;
  // Replaces the secret of a confidential client. With an overlap the old one stays good for that long; without, it
  // ends at once, and the version is raised, since tokens may have been had with it. False if there is no such client
  // or it is public.
  virtual void replace_secret(std::string id, Digest secret_hash, std::chrono::milliseconds overlap,
                              Completion<bool> done, Actor by = {}) = 0;
  // Remembers the use, durable before `done`; of two at once, in whatever processes, one is first. Forgets a few that
  // have ended; at most `uses_max` are remembered.
  virtual void admit_assertion(AssertionUse, std::size_t uses_max, Completion<Admission> done) = 0;
};

}  // namespace jeton::store
