// SigningKeys: the issuer's key pairs at rest. Private parts arrive sealed and leave sealed; the store cannot read
// them.
#pragma once

#include "store/error.h"
#include "store/ids.h"

#include <cstddef>
#include <string>
#include <vector>

namespace jeton::store {

struct StoredKey {
  std::string kid;
  std::string algorithm;  // "ES256"
  std::string state;      // "active"; the life cycle of rule 4.4 adds the others
  std::string public_jwk;
  std::vector<std::byte> sealed;  // private JWK, AES-256-GCM; empty once destroyed
  StoreTime created_at{};         // by the database's clock; ignored when adding
};

class SigningKeys {
 public:
  virtual ~SigningKeys() = default;
  virtual void list_keys(Completion<std::vector<StoredKey>> done) = 0;
  // Adds the key if there is no key of that algorithm in that state yet; false if there was: of several first starts at
  // once one key wins.
  virtual void add_first_key(StoredKey, Completion<bool> done) = 0;
};

}  // namespace jeton::store
