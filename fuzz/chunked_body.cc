// A chunked body is the same however its bytes arrive, never longer than is allowed, and ends at one place.
// Parts: http/chunk_reader
#include "target.h"

#include "http/chunk_reader.h"

#include <algorithm>

namespace jeton::http {
namespace {

struct Outcome {
  bool complete = false;
  int refused = 0;
  std::size_t consumed = 0;
  std::string body;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

constexpr std::size_t body_bytes_max = 1000;

Outcome arriving_in(std::string_view bytes, std::size_t step) {
  ChunkReader reader(body_bytes_max);
  Outcome outcome;
  while (outcome.consumed < bytes.size() && !reader.complete()) {
    const std::string_view arrived = bytes.substr(outcome.consumed, step);
    const auto taken = reader.take(arrived, outcome.body);
    if (!taken) {
      outcome.refused = taken.error().status;
      outcome.consumed = 0;
      outcome.body.clear();
      return outcome;
    }
    JETON_PROPERTY(*taken <= arrived.size() && (*taken == arrived.size() || reader.complete()));
    outcome.consumed += *taken;
  }
  outcome.complete = reader.complete();
  return outcome;
}

}  // namespace

JETON_FUZZ_TARGET(chunked_body) {
  const Outcome whole = arriving_in(input, input.size() + 1);
  JETON_PROPERTY(whole.body.size() <= body_bytes_max);
  JETON_PROPERTY(whole.refused == 0 || whole.refused == 400 || whole.refused == 413);
  for (const std::size_t step : {1u, 3u, 64u}) JETON_PROPERTY(arriving_in(input, step) == whole);
}
}  // namespace jeton::http
