// A session's story as people read it: what happened to it, in order, a line each.
//
//   2026-11-23 09:02:11  signed in      192.0.2.7 (Utrecht, NL), by first-party
//   2026-11-23 09:16:40  generation 41  Chrome on Linux, 192.0.2.7
//   2026-11-23 09:16:41  generation 41  repeated twice within the grace: same answer
//   2026-11-23 11:48:03  generation 0   from 203.0.113.9, curl: 41 behind, reuse. Session ended, 3 others untouched
//
// Refreshes are not audited, so that a session costs the same however often it is refreshed: of them the last is told.
#pragma once

#include "store/sessions.h"

#include <jeton/value.h>

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace jeton::cli {

struct StoryLine {
  store::StoreTime at{};
  std::string what;  // "generation 41"
  std::string text;
};

// `place_of`: of an address, or an empty text. `others`: how many other sessions of the user are live.
std::vector<StoryLine> tell_story(const store::SessionStory& story, std::size_t others,
                                  const std::function<std::string(const std::string&)>& place_of);

// How the session stands now: "live, until …", "ended by logout", "expired".
std::string standing(const store::SessionStory& story);

std::string name_of(store::EndReason reason);

}  // namespace jeton::cli
