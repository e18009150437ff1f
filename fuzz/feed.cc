// The revocation feed: an entry, a place and a statement have one spelling, and a stream of events says the same
// whatever the pieces it comes in.
// Parts: guard/feed/entry guard/feed/event_stream guard/feed/head guard/feed/revocation
#include "target.h"

#include "guard/feed/entry.h"
#include "guard/feed/event_stream.h"
#include "guard/feed/head.h"

#include <vector>

namespace jeton::feed {

JETON_FUZZ_TARGET(feed) {
  if (const auto entry = parse_entry(input)) {
    JETON_PROPERTY(is_well_formed(entry->revocation));
    JETON_PROPERTY(entry_text(entry->number, entry->revocation) == input);
  }
  if (const auto place = parse_place(input)) JETON_PROPERTY(place_text(*place) == input);
  if (const auto head = parse_head(input)) JETON_PROPERTY(payload_of(*head) == input);
  if (const auto snapshot = parse_snapshot(input)) {
    JETON_PROPERTY(payload_of(*snapshot) == input);
    JETON_PROPERTY(!parse_head(input).has_value());
  }

  constexpr std::size_t event_bytes_max = 4096;
  std::vector<Event> whole, pieces;
  EventParser at_once(event_bytes_max), piecewise(event_bytes_max);
  const bool fits = at_once.take(input, whole);
  bool also_fits = true;
  const std::size_t step = input.empty() ? 1 : 1 + static_cast<unsigned char>(input.front()) % 7;
  for (std::size_t at = 0; at < input.size() && also_fits; at += step) {
    also_fits = piecewise.take(input.substr(at, step), pieces);
  }
  JETON_PROPERTY(fits == also_fits);
  JETON_PROPERTY(whole == pieces);

  // What was read is written so that it is read again.
  std::string again;
  for (const Event& event : whole) again += event_text(event);
  std::vector<Event> reread;
  JETON_PROPERTY(EventParser(2 * input.size() + 64 * (whole.size() + 1)).take(again, reread));
  JETON_PROPERTY(reread == whole);
}
}  // namespace jeton::feed
