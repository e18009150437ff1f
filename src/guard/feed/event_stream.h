// Server-Sent Events (the HTML standard's text/event-stream), as far as the feed uses them: `event`, `data`, `id` and
// comments. Bytes in, events out; bounded; no I/O.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jeton::feed {

struct Event {
  std::string type;               // "message" where the stream names none
  std::vector<std::string> data;  // its lines
  std::string id;                 // empty: none
  friend bool operator==(const Event&, const Event&) = default;
};

// Nothing of it may hold a line break.
std::string event_text(const Event& event);

// Reads a stream that comes in pieces of any size.
class EventParser {
 public:
  explicit EventParser(std::size_t event_bytes_max) : event_bytes_max_(event_bytes_max) {}

  // Appends the events that `piece` completes. False once an event is longer than event_bytes_max, or the stream holds
  // a NUL; then the connection is to be given up.
  [[nodiscard]] bool take(std::string_view piece, std::vector<Event>& events);

 private:
  void end_line(std::vector<Event>& events);
  std::size_t event_bytes_max_;
  std::size_t event_bytes_ = 0;
  std::string line_;
  Event event_{};
  bool has_data_ = false;
  bool after_cr_ = false;
  bool first_line_ = true;
};

}  // namespace jeton::feed
