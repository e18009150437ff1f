#include "guard/compiled_routes.h"
#include "guard/percent.h"

#include <algorithm>

namespace jeton {
namespace {

// What stands at `i`, decoded, and moves behind it; -1 for a percent sign without two digits.
int next_byte(std::string_view encoded, std::size_t& i) noexcept {
  const char c = encoded[i];
  if (c == '%') {
    const int byte = encoded_byte(c, encoded.substr(i + 1));
    i += 3;
    return byte;
  }
  ++i;
  return c == '+' ? ' ' : static_cast<unsigned char>(c);
}

bool is_decodable(std::string_view encoded) noexcept {
  for (std::size_t i = 0; i < encoded.size();) {
    if (next_byte(encoded, i) < 0) return false;
  }
  return true;
}

bool decodes_to(std::string_view encoded, std::string_view text) noexcept {
  std::size_t matched = 0;
  for (std::size_t i = 0; i < encoded.size(); ++matched) {
    const int byte = next_byte(encoded, i);
    if (matched == text.size() || byte != static_cast<unsigned char>(text[matched])) return false;
  }
  return matched == text.size();
}

// A name as the most lenient readers take it: without case, blanks and brackets (nor what stands in them), and nothing
// behind a NUL.
class LooseName {
 public:
  enum class Writing : bool { plain, encoded };
  LooseName(std::string_view text, Writing writing) : text_(text), writing_(writing) {}

  // The next byte; -1 behind the last.
  int next() noexcept {
    while (at_ < text_.size()) {
      const int byte =
          writing_ == Writing::encoded ? next_byte(text_, at_) : static_cast<unsigned char>(text_[at_++]);
      if (has_begun_ && (byte == '[' || byte == 0)) at_ = text_.size();
      if (byte <= ' ' || byte == 0x7f || byte == '[' || byte == ']') continue;
      has_begun_ = true;
      return byte >= 'A' && byte <= 'Z' ? byte - 'A' + 'a' : byte;
    }
    return -1;
  }

 private:
  std::string_view text_;
  Writing writing_;
  std::size_t at_ = 0;
  bool has_begun_ = false;
};

// What PHP makes of a byte in a name: a dot, a blank or a bracket that nothing closes is an underscore.
int underscored(int byte) noexcept {
  if (byte == ' ' || byte == '.' || byte == '[') return '_';
  return byte >= 'A' && byte <= 'Z' ? byte - 'A' + 'a' : byte;
}

// Whether PHP finds a parameter `name` (with any case) where `encoded` was sent: blanks before it count for nothing.
bool is_alike_to_php(std::string_view encoded, std::string_view name) noexcept {
  std::size_t matched = 0;
  for (std::size_t i = 0; i < encoded.size();) {
    const int byte = next_byte(encoded, i);
    if (byte == ' ' && matched == 0) continue;
    if (byte == 0) break;
    if (matched == name.size() || underscored(byte) != underscored(static_cast<unsigned char>(name[matched])))
      return false;
    ++matched;
  }
  return matched == name.size() && matched > 0;
}

// Whether somebody may take one for the other.
bool is_alike(std::string_view encoded, std::string_view name) noexcept {
  if (is_alike_to_php(encoded, name)) return true;
  LooseName sent(encoded, LooseName::Writing::encoded), wanted(name, LooseName::Writing::plain);
  int byte = wanted.next();
  if (byte < 0) return false;
  for (; byte >= 0; byte = wanted.next()) {
    if (sent.next() != byte) return false;
  }
  return sent.next() < 0;
}

}  // namespace

QueryFinding look_into_query(std::string_view query, const QueryCondition& condition) noexcept {
  // Some take `;` for a separator too (HTML 4.01 appendix B.2.2), and would find other parameters.
  if (query.find(';') != query.npos || !is_decodable(query)) return QueryFinding::ambiguous;
  auto finding = QueryFinding::absent;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const std::string_view name = pair.substr(0, equals);
    if (!decodes_to(name, condition.name)) {
      if (is_alike(name, condition.name)) return QueryFinding::ambiguous;
      continue;
    }
    if (finding != QueryFinding::absent) return QueryFinding::ambiguous;
    const std::string_view value = pair.substr(std::min(equals + 1, pair.size()));
    const bool fits = condition.values.empty() || std::ranges::any_of(condition.values, [&](const std::string& one) {
                        return decodes_to(value, one);
                      });
    finding = fits ? QueryFinding::fits : QueryFinding::other;
  }
  return finding;
}

}  // namespace jeton
