// PlaceFile: where an address is said to be, "Utrecht, NL", from a file in MaxMind's format that the operator gives.
// None is shipped. What such a file says is a guess, good for a line in a list of devices.
//
// The file is mapped, and must not be changed in place while it is open; put a new one beside it and rename.
// Threads: const; may be called from any number of threads.
#pragma once

#include "platform/fault.h"

#include <memory>
#include <string>

namespace jeton::platform {

class PlaceFile {
 public:
  static Outcome<std::unique_ptr<PlaceFile>> open(const std::string& path);
  ~PlaceFile();
  PlaceFile(const PlaceFile&) = delete;
  PlaceFile& operator=(const PlaceFile&) = delete;

  // City and country, or what there is of the two; empty if the file knows nothing of the address.
  std::string place_of(const std::string& address) const;

 private:
  struct State;
  explicit PlaceFile(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace jeton::platform
