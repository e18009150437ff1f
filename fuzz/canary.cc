// The canary must be found: it fails for one word, which a fuzzer that works spells out within seconds.
#include "target.h"

JETON_FUZZ_TARGET(canary) {
  constexpr std::string_view word = "jeton";
  std::size_t same = 0;
  while (same < word.size() && same < input.size() && input[same] == word[same]) ++same;
  JETON_PROPERTY(same < word.size());
}
