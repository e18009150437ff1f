// What depends on how much there is: cached tokens, keys, bytes, threads.
#pragma once

#include "measure.h"

#include <jeton/time.h>

namespace jeton::bench {

// A hit among 100,000 tokens of 600 bytes, in random order; its floor is one random read and compare of 600 bytes among
// as many. The text that is looked for is at hand in both, as that of a request is, and what is remembered is not: it
// lies somewhere in 60 MB. One operation ends before the next begins.
Figure measure_cached(UnixTime now);
void profile_cached(UnixTime now, std::size_t count);

int growth(const std::function<void(const std::string& name, const Figure&)>& print);

}  // namespace jeton::bench
