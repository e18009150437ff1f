// Topics: what each error code means in plain words, and what to do about it. `jeton help CODE` prints one; `jeton
// explain` and the other commands take their hints from here.
#pragma once

#include <jeton/error.h>

#include <string>
#include <string_view>
#include <vector>

namespace jeton::cli {

struct Topic {
  std::string_view meaning;  // what has happened, in one or two sentences
  std::string_view remedy;   // who should do what now
};

Topic topic_of(Errc code) noexcept;

// The names of all topics: every error code, and "bad_input".
std::vector<std::string> topic_names();

// What the topic of that name means, or an empty text.
std::string_view topic_meaning(std::string_view name) noexcept;

// The whole text of one topic, or an empty text.
std::string topic_text(std::string_view name);

}  // namespace jeton::cli
