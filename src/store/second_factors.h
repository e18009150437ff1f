// SecondFactors: a user's TOTP secret (sealed by the issuer), the last step that was used, and recovery codes (hashes).
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

struct SecondFactor {
  std::vector<std::byte> sealed;    // the secret
  bool confirmed = false;           // a first code has shown that the user has it; until then nothing is asked for
  std::int64_t recovery_codes = 0;  // that are left
};

class SecondFactors {
 public:
  virtual ~SecondFactors() = default;
  virtual void find_factor(std::string sub, Completion<std::optional<SecondFactor>> done) = 0;
  // Keeps a secret that is not confirmed yet, in the place of another such. False if one is confirmed, or there is no
  // such user.
  virtual void begin_factor(std::string sub, std::vector<std::byte> sealed, Completion<bool> done) = 0;
  // Confirms the very secret that was read, with the step of its first code. False if it was replaced or confirmed.
  virtual void confirm_factor(std::string sub, std::vector<std::byte> sealed, std::int64_t step,
                              std::vector<Digest> recovery_hashes, Completion<bool> done) = 0;
  // Takes one try out of a budget of `tries` in `window`; false if none is left. Before a code is looked at: of many at
  // once no more are looked at than the budget has.
  virtual void take_try(std::string sub, std::int64_t tries, std::chrono::milliseconds window,
                        Completion<bool> done) = 0;
  // Uses a step up and gives the tries back; false if it, or a later one, was used before.
  virtual void use_step(std::string sub, std::int64_t step, Completion<bool> done) = 0;
  // Uses a recovery code up and gives the tries back; false if there is no such code (any more).
  virtual void use_recovery_code(std::string sub, Digest hash, Completion<bool> done) = 0;
  // False if there was none.
  virtual void remove_factor(std::string sub, Completion<bool> done) = 0;
};

}  // namespace jeton::store
