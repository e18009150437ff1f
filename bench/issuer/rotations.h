// What a rotation costs the store itself: no HTTP, no signature, the issuer's own back end with all its threads.
#pragma once

#include <cstddef>
#include <string>

namespace jeton::bench {

struct RotationCost {
  double cpu_us = 0;             // of the whole process, the checkpoints included
  double reads = 0, writes = 0;  // system calls
};

// Rotates `count` sessions of `data`, taken at random, 64 of them under way at any time, after a fifth as many that are
// not counted. `data` is a directory whose issuer is stopped; its sessions are advanced, so its tokens are no good
// afterwards.
RotationCost cost_of_rotations(const std::string& data, std::size_t count);

}  // namespace jeton::bench
