#include "guard/feed/event_stream.h"

#include <utility>

namespace jeton::feed {

std::string event_text(const Event& event) {
  std::string text;
  const auto line = [&](std::string_view name, std::string_view value) {
    text.append(name).append(": ").append(value).append("\n");
  };
  if (!event.type.empty() && event.type != "message") line("event", event.type);
  if (!event.id.empty()) line("id", event.id);
  for (const std::string& data : event.data) line("data", data);
  return text += '\n';
}

bool EventParser::take(std::string_view piece, std::vector<Event>& events) {
  for (const char c : piece) {
    const bool was_after_cr = std::exchange(after_cr_, c == '\r');
    if (c == '\n' && was_after_cr) continue;  // one line end of two characters
    if (c == '\0' || ++event_bytes_ > event_bytes_max_) return false;
    if (c == '\n' || c == '\r') {
      end_line(events);
    } else {
      line_ += c;
    }
  }
  return true;
}

void EventParser::end_line(std::vector<Event>& events) {
  std::string_view line = line_;
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  if (std::exchange(first_line_, false) && line.starts_with(byte_order_mark)) line.remove_prefix(3);
  if (line.empty()) {
    if (has_data_) {
      if (event_.type.empty()) event_.type = "message";
      events.push_back(std::move(event_));
    }
    event_ = {};
    has_data_ = false;
    event_bytes_ = 0;
  } else if (!line.starts_with(':')) {
    const auto colon = line.find(':');
    const auto name = line.substr(0, colon);
    auto value = colon == std::string_view::npos ? std::string_view{} : line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (name == "event") event_.type = value;
    if (name == "id") event_.id = value;
    if (name == "data") {
      event_.data.emplace_back(value);
      has_data_ = true;
    }
  }
  line_.clear();
  if (!has_data_ && event_.type.empty() && event_.id.empty()) event_bytes_ = 0;  // comments alone make no event
}

}  // namespace jeton::feed
