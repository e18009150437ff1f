#include "platform/log.h"

#include "platform/clock.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <memory>
#include <mutex>

namespace jeton::platform {
namespace {

// Reads one code point at `at`; returns its length in bytes, or 0 when the bytes there are not UTF-8.
std::size_t decode(std::string_view text, std::size_t at, char32_t& point) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(at);
  if (first < 0x80) {
    point = first;
    return 1;
  }
  const std::size_t size = first >= 0xf0 && first <= 0xf4  ? 4
                           : first >= 0xe0 && first < 0xf0 ? 3
                           : first >= 0xc2 && first < 0xe0 ? 2
                                                           : 0;
  if (size == 0 || at + size > text.size()) return 0;
  point = first & (0xffU >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(at + i) & 0xc0) != 0x80) return 0;
    point = (point << 6) | (byte(at + i) & 0x3fU);
  }
  const bool overlong = (size == 3 && point < 0x800) || (size == 4 && point < 0x10000);
  const bool impossible = point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff);
  return overlong || impossible ? 0 : size;
}

// Characters that end a line, move the cursor, reorder what is shown, or cannot be seen.
constexpr bool must_escape(char32_t point) noexcept {
  return point < 0x20 || (point >= 0x7f && point <= 0x9f) || point == 0xad || point == 0x61c || point == 0x180e ||
         (point >= 0x200b && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e) ||
         (point >= 0x2060 && point <= 0x206f) || point == 0xfeff || (point >= 0xfff9 && point <= 0xfffb) ||
         (point >= 0xe0000 && point <= 0xe0fff);
}

void append_escape(std::string& out, char32_t point) {
  if (point < 0x10000) {
    fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<std::uint32_t>(point));
    return;
  }
  const auto rest = static_cast<std::uint32_t>(point - 0x10000);
  fmt::format_to(std::back_inserter(out), "\\u{:04x}\\u{:04x}", 0xd800 + (rest >> 10), 0xdc00 + (rest & 0x3ff));
}

void append_value(std::string& out, const LogField::Value& value) {
  struct Writer {
    std::string& out;
    void operator()(std::string_view text) const {
      const bool cut = text.size() > log_text_bytes_max;
      append_json_string(out, cut ? text.substr(0, log_text_bytes_max) : text);
      if (cut) out.insert(out.size() - 1, "…");
    }
    void operator()(bool truth) const { out += truth ? "true" : "false"; }
    void operator()(double number) const { out += std::isfinite(number) ? fmt::format("{}", number) : "null"; }
    void operator()(std::int64_t number) const { out += fmt::format("{}", number); }
    void operator()(std::uint64_t number) const { out += fmt::format("{}", number); }
  };
  std::visit(Writer{out}, value);
}

constexpr std::string_view name_of(LogLevel level) noexcept {
  switch (level) {
    case LogLevel::debug: return "debug";
    case LogLevel::info: return "info";
    case LogLevel::warning: return "warning";
    case LogLevel::error: return "error";
  }
  return "error";
}

class CallbackSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit CallbackSink(std::function<void(std::string_view)> sink) : sink_(std::move(sink)) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    sink_(std::string_view(message.payload.data(), message.payload.size()));
  }
  void flush_() override {}

 private:
  std::function<void(std::string_view)> sink_;
};

// One per process: a log belongs to the process, as stderr does.
struct Log {
  std::atomic<LogLevel> level{LogLevel::info};
  std::mutex mutex;
  std::shared_ptr<spdlog::logger> logger = stderr_logger();

  static std::shared_ptr<spdlog::logger> stderr_logger() {
    return with(std::make_shared<spdlog::sinks::stderr_sink_mt>());
  }
  static std::shared_ptr<spdlog::logger> with(spdlog::sink_ptr sink) {
    auto made = std::make_shared<spdlog::logger>("jeton", std::move(sink));
    made->set_pattern("%v");
    made->set_level(spdlog::level::trace);
    return made;
  }
  std::shared_ptr<spdlog::logger> current() {
    const std::scoped_lock lock(mutex);
    return logger;
  }
};

Log& process_log() {
  static Log* const log = new Log;  // never destroyed: threads may log while the process ends
  return *log;
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out.push_back('"');
  for (std::size_t at = 0; at < text.size();) {
    char32_t point = 0;
    const std::size_t size = decode(text, at, point);
    if (size == 0) {
      out += "\\ufffd";
      ++at;
      continue;
    }
    if (point == '"' || point == '\\') {
      out.push_back('\\');
      out.push_back(static_cast<char>(point));
    } else if (must_escape(point)) {
      append_escape(out, point);
    } else {
      out += text.substr(at, size);
    }
    at += size;
  }
  out.push_back('"');
}

void log(LogLevel level, std::string_view event, LogFieldSpan fields) noexcept try {
  Log& log = process_log();
  if (level < log.level.load(std::memory_order_relaxed)) return;
  const auto now = SystemClock{}.now();
  const auto millis = now.time_since_epoch().count() % 1000;
  std::string line = fmt::format("{{\"time\":\"{:%Y-%m-%dT%H:%M:%S}.{:03}Z\",\"level\":\"{}\",\"event\":",
                                 fmt::gmtime(std::chrono::system_clock::to_time_t(now)), millis, name_of(level));
  append_json_string(line, event);
  for (const LogField& field : fields) {
    line.push_back(',');
    append_json_string(line, field.name);
    line.push_back(':');
    append_value(line, field.value);
  }
  line.push_back('}');
  log.current()->log(spdlog::level::info, std::string_view(line));
} catch (...) {
  // A log line must never be the reason that a request fails.
}

void set_log_level(LogLevel level) noexcept { process_log().level.store(level, std::memory_order_relaxed); }

std::optional<LogLevel> log_level_named(std::string_view name) noexcept {
  for (const LogLevel level : {LogLevel::debug, LogLevel::info, LogLevel::warning, LogLevel::error}) {
    if (name == name_of(level)) return level;
  }
  return std::nullopt;
}

void set_log_sink(std::function<void(std::string_view line)> sink) {
  auto made = sink ? Log::with(std::make_shared<CallbackSink>(std::move(sink))) : Log::stderr_logger();
  Log& log = process_log();
  const std::scoped_lock lock(log.mutex);
  log.logger = std::move(made);
}

}  // namespace jeton::platform
