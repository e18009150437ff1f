// The header fields of draft-ietf-httpapi-ratelimit-headers-11, which are lists of RFC 9651.
#include <jeton/rate_limit.h>

#include <algorithm>
#include <charconv>

namespace jeton {
namespace {

void append_number(std::string& out, std::uint64_t number) {
  std::array<char, 20> digits;
  const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  out.append(digits.data(), written.ptr);
}

// An item's value is a String: visible ASCII, with a backslash before a quote and a backslash.
void append_name(std::string& out, bool is_first, std::string_view name) {
  out += is_first ? "\"" : ", \"";
  for (const char c : name) {
    if (c == '"' || c == '\\') out += '\\';
    out += c >= ' ' && c <= '~' ? c : '?';
  }
  out += '"';
}

void append_parameter(std::string& out, std::string_view name, std::uint64_t value) {
  out.append(";").append(name).append("=");
  append_number(out, value);
}

}  // namespace

void LimitResult::append_policy(std::string& out) const {
  for (const LimitStatus& status : statuses()) {
    append_name(out, &status == statuses().data(), status.name);
    // So much within so long: what a rate lets through at once, in the time in which that is regained.
    append_parameter(out, "q", status.rate.burst());
    switch (status.rate.kind()) {
      case LimitKind::rate: {
        const auto window = std::chrono::round<std::chrono::seconds>(status.rate.interval() * status.rate.burst());
        append_parameter(out, "w", static_cast<std::uint64_t>(std::max<std::int64_t>(window.count(), 1)));
        break;
      }
      case LimitKind::quota:
        append_parameter(out, "w", static_cast<std::uint64_t>(status.rate.period().count()));
        break;
      case LimitKind::concurrent: out += R"(;qu="concurrent-requests")"; break;
    }
  }
}

void LimitResult::append_rate_limit(std::string& out) const {
  for (const LimitStatus& status : statuses()) {
    append_name(out, &status == statuses().data(), status.name);
    append_parameter(out, "r", status.remaining);
    if (status.next.count() > 0) append_parameter(out, "t", static_cast<std::uint64_t>(status.next.count()));
  }
}

}  // namespace jeton
