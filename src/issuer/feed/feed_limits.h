// What the verifiers that follow the feed may cost a node.
#pragma once

#include <cstddef>
#include <cstdint>

namespace jeton::issuer {

struct FeedLimits {
  std::uint32_t subscribers_max = 2000;
  std::size_t waiting_bytes_max = 1024 * 1024;  // news that waits for one verifier
};

}  // namespace jeton::issuer
