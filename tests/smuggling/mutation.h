// Mutation: requests that are good, nearly good and not good at all, the same for the same number. Each begins as one
// or more plain requests whose paths carry the number, and is then changed as those do who smuggle requests past a
// proxy: lengths, codings, folded lines, line ends, white space, NUL, chunk sizes and extensions, pipelining.
#pragma once

#include <cstdint>
#include <string>

namespace jeton::smuggling {

std::string mutated_request(std::uint64_t number);

}  // namespace jeton::smuggling
