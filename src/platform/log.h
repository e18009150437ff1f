// Log: one JSON object a line on stderr: {"time":"2026-11-23T14:03:11.042Z","level":"info","event":"…", fields…}.
//
// It is not for secrets: a field is text, a number or a truth value, and the secret types of the library convert to
// none of them. Whatever a field holds, a line stays one line and reads as it was written: quotes, C0 and C1
// controls, DEL, bidirectional and invisible format characters and line separators are written as \uXXXX, bytes that
// are not UTF-8 as \ufffd, and text is cut after log_text_bytes_max.
//
// Threads: all functions may be called from any thread at any time. A line that cannot be written is lost silently.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

namespace jeton::platform {

enum class LogLevel : std::uint8_t { debug, info, warning, error };

inline constexpr std::size_t log_text_bytes_max = 2 * 1024;

// The value's text is read during the call only.
struct LogField {
  using Value = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>;

  LogField(std::string_view field_name, std::string_view text) : name(field_name), value(text) {}
  LogField(std::string_view field_name, const std::string& text) : name(field_name), value(std::string_view(text)) {}
  LogField(std::string_view field_name, const char* text) : name(field_name), value(std::string_view(text)) {}
  LogField(std::string_view field_name, bool truth) : name(field_name), value(truth) {}
  LogField(std::string_view field_name, double number) : name(field_name), value(number) {}
  template <class Integer>
    requires std::is_integral_v<Integer>
  LogField(std::string_view field_name, Integer number) : name(field_name), value(widened(number)) {}

  std::string_view name;
  Value value;

 private:
  template <class Integer>
  static Value widened(Integer number) {
    if constexpr (std::is_signed_v<Integer>)
      return static_cast<std::int64_t>(number);
    else
      return static_cast<std::uint64_t>(number);
  }
};
using LogFields = std::initializer_list<LogField>;
using LogFieldSpan = std::span<const LogField>;

void log(LogLevel level, std::string_view event, LogFieldSpan fields) noexcept;
inline void log(LogLevel level, std::string_view event, LogFields fields = {}) noexcept {
  log(level, event, LogFieldSpan(fields.begin(), fields.size()));
}
inline void log_debug(std::string_view event, LogFields fields = {}) noexcept { log(LogLevel::debug, event, fields); }
inline void log_info(std::string_view event, LogFields fields = {}) noexcept { log(LogLevel::info, event, fields); }
inline void log_warning(std::string_view event, LogFields fields = {}) noexcept {
  log(LogLevel::warning, event, fields);
}
inline void log_error(std::string_view event, LogFields fields = {}) noexcept { log(LogLevel::error, event, fields); }

// Lines below `level` are not written. At the start: info.
void set_log_level(LogLevel level) noexcept;
std::optional<LogLevel> log_level_named(std::string_view name) noexcept;  // "debug", "info", "warning", "error"

// Sends lines (without the line end) to `sink` instead of stderr; an empty one goes back to stderr. Calls are
// serialized.
void set_log_sink(std::function<void(std::string_view line)> sink);

// Appends `text` as a JSON string with its quotes, escaped as described above.
void append_json_string(std::string& out, std::string_view text);

}  // namespace jeton::platform
