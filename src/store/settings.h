// Settings: what is fixed at the first start and shared by all processes on one store: issuer, audience, client, store
// epoch, the check value of the master key.
#pragma once

#include "store/error.h"

#include <map>
#include <string>

namespace jeton::store {

class Settings {
 public:
  virtual ~Settings() = default;
  // Writes those of `defaults` that are not there yet, in one group, and returns all that are: of several first starts
  // at once one wins and all see the same.
  virtual void settle(std::map<std::string, std::string> defaults,
                      Completion<std::map<std::string, std::string>> done) = 0;
};

}  // namespace jeton::store
