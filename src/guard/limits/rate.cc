#include <jeton/rate_limit.h>

#include <algorithm>
#include <charconv>

namespace jeton {
namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr seconds day{86'400};

std::unexpected<Error> no_rate() {
  return std::unexpected(Error{Errc::invalid_claim, "limit",
                               R"(a limit such as "600/min", "10/s burst 20", "10000/day" or "4 concurrent")"});
}

std::unexpected<Error> out_of_range() {
  return std::unexpected(
      Error{Errc::invalid_claim, "limit",
            "1 to 1000000000, at most 1000000/s, periods up to 1h, a burst regained within 31 days"});
}

bool is_count(std::uint64_t count) { return count >= 1 && count <= limit_count_max; }

// Takes a number without sign, leading zero or anything that does not fit.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  if (text.empty() || text.front() < '1' || text.front() > '9') return std::nullopt;
  std::uint64_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

bool take(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word)) return false;
  text.remove_prefix(word.size());
  return true;
}

std::string period_text(seconds period) {
  const auto with_unit = [](std::int64_t number, std::string_view unit) {
    return (number == 1 ? std::string() : std::to_string(number)).append(unit);
  };
  if (period % std::chrono::hours{1} == seconds{0}) return with_unit(period.count() / 3600, "h");
  if (period % std::chrono::minutes{1} == seconds{0}) return with_unit(period.count() / 60, "min");
  return with_unit(period.count(), "s");
}

}  // namespace

Rate::Rate(LimitKind kind, std::uint64_t count, std::uint64_t burst, seconds period) noexcept
    : kind_(kind), count_(count), burst_(burst), period_(period), interval_(0) {
  if (kind != LimitKind::rate) return;
  // Rounded up, so that never more is let through than was said.
  const auto span = static_cast<std::uint64_t>(nanoseconds(period).count());
  interval_ = nanoseconds(static_cast<std::int64_t>((span + count - 1) / count));
}

Result<Rate> Rate::per(seconds period, std::uint64_t count, std::optional<std::uint64_t> burst) {
  const std::uint64_t at_once = burst.value_or(count);
  if (!is_count(count) || !is_count(at_once) || period < seconds{1} || period > rate_period_max) return out_of_range();
  if (count > rate_per_second_max * static_cast<std::uint64_t>(period.count())) return out_of_range();
  const Rate rate(LimitKind::rate, count, at_once, period);
  const auto window_max = static_cast<std::uint64_t>(nanoseconds(rate_window_max).count());
  if (at_once > window_max / static_cast<std::uint64_t>(rate.interval_.count())) return out_of_range();
  return rate;
}

Result<Rate> Rate::per_day(std::uint64_t count) {
  if (!is_count(count)) return out_of_range();
  return Rate(LimitKind::quota, count, count, day);
}

Result<Rate> Rate::at_once(std::uint64_t count) {
  if (!is_count(count)) return out_of_range();
  return Rate(LimitKind::concurrent, count, count, seconds{0});
}

std::string Rate::text() const {
  std::string text = std::to_string(count_);
  if (kind_ == LimitKind::concurrent) return text + " concurrent";
  if (kind_ == LimitKind::quota) return text + "/day";
  text += '/' + period_text(period_);
  if (burst_ != count_) text += " burst " + std::to_string(burst_);
  return text;
}

bool Rate::allows_more_than(const Rate& other) const noexcept {
  if (kind_ != LimitKind::rate) return count_ > other.count_;
  return interval_ != other.interval_ ? interval_ < other.interval_ : burst_ > other.burst_;
}

Result<Rate> parse_rate(std::string_view text) {
  const auto count = take_number(text);
  if (!count.has_value()) return no_rate();
  if (text == " concurrent") return Rate::at_once(*count);
  if (text == "/day") return Rate::per_day(*count);
  if (!take(text, "/")) return no_rate();
  const bool has_number = !text.empty() && text.front() >= '0' && text.front() <= '9';
  const auto times = has_number ? take_number(text) : 1;
  if (!times.has_value()) return no_rate();
  if (*times > static_cast<std::uint64_t>(rate_period_max.count())) return out_of_range();
  seconds period{static_cast<std::int64_t>(*times)};
  if (take(text, "min"))
    period *= 60;
  else if (take(text, "h"))
    period *= 3600;
  else if (!take(text, "s"))
    return no_rate();
  std::optional<std::uint64_t> burst;
  if (!text.empty()) {
    if (!take(text, " burst ")) return no_rate();
    burst = take_number(text);
    if (!burst.has_value() || !text.empty()) return no_rate();
  }
  return Rate::per(period, *count, burst);
}

Result<Rate> parse_unit(std::string_view text) {
  if (text == "concurrent") return Rate::at_once(1);
  if (text.contains(' ')) return no_rate();  // no burst
  return parse_rate(std::string("1/").append(text));
}

}  // namespace jeton
