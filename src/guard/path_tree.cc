#include "guard/path_tree.h"

#include "guard/percent.h"

#include <jeton/path.h>

#include <algorithm>
#include <compare>

namespace jeton {
namespace {

// A literal with what stands outside ASCII percent-encoded, so that a pattern can be written as people read it.
std::string encoded_beyond_ascii(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80)
      out += c;
    else
      out.append({'%', digits[byte >> 4], digits[byte & 15]});
  }
  return out;
}

bool is_parameter_name(std::string_view name) noexcept {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

std::expected<PathPattern::Segment, std::string> parse_segment(std::string_view text) {
  if (text.starts_with('{') && text.ends_with('}')) {
    const std::string_view name = text.substr(1, text.size() - 2);
    if (!is_parameter_name(name)) return std::unexpected("has a parameter whose name is not letters, digits and _");
    return PathPattern::Segment{true, std::string(name)};
  }
  if (text.find_first_of("{}") != text.npos) return std::unexpected("has a brace; a parameter is a whole segment");
  if (text.find('*') != text.npos) return std::unexpected("has a *; only a whole last segment may be **");
  const auto literal = canonical_path("/" + encoded_beyond_ascii(text));
  if (!literal) return std::unexpected("has a segment that is refused in every request");
  return PathPattern::Segment{false, percent_decoded(std::string_view(*literal).substr(1))};
}

std::strong_ordering compare_decoded(std::string_view encoded, std::string_view text) noexcept {
  std::size_t at = 0;
  for (std::size_t i = 0; i < encoded.size(); ++i, ++at) {
    const int byte = encoded_byte(encoded[i], encoded.substr(i + 1));
    const auto c = static_cast<unsigned char>(byte >= 0 ? byte : encoded[i]);
    if (byte >= 0) i += 2;
    if (at == text.size()) return std::strong_ordering::greater;
    if (const auto order = c <=> static_cast<unsigned char>(text[at]); order != 0) return order;
  }
  return at == text.size() ? std::strong_ordering::equal : std::strong_ordering::less;
}

}  // namespace

std::expected<PathPattern, std::string> parse_path_pattern(std::string_view text) {
  if (!text.starts_with('/')) return std::unexpected("must begin with /");
  if (text.size() > path_bytes_max) return std::unexpected("is too long");
  PathPattern pattern;
  std::string_view rest = text.substr(1);
  if (rest.ends_with('/')) rest.remove_suffix(1);
  while (!rest.empty()) {
    const std::size_t end = rest.find('/');
    const std::string_view segment = rest.substr(0, end);
    rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
    if (segment.empty() || (end != std::string_view::npos && rest.empty()))
      return std::unexpected("has an empty segment");
    if (segment == "**") {
      if (!rest.empty()) return std::unexpected("has ** before its end");
      pattern.is_open = true;
      break;
    }
    auto parsed = parse_segment(segment);
    if (!parsed) return std::unexpected(std::move(parsed).error());
    for (const auto& before : pattern.segments) {
      if (parsed->is_parameter && before.is_parameter && before.text == parsed->text)
        return std::unexpected("has the parameter {" + parsed->text + "} twice");
    }
    pattern.segments.push_back(*std::move(parsed));
  }
  if (std::ranges::count_if(pattern.segments, &PathPattern::Segment::is_parameter) >
      std::ptrdiff_t{path_parameters_max}) {
    return std::unexpected("has more than " + std::to_string(path_parameters_max) + " parameters");
  }
  return pattern;
}

std::uint32_t PathTree::child_of(std::uint32_t node, const PathPattern::Segment& segment) {
  const auto fresh = static_cast<std::uint32_t>(nodes_.size());
  if (segment.is_parameter) {
    if (nodes_[node].parameter == 0) {
      nodes_[node].parameter = fresh;
      nodes_.emplace_back();
    }
    return nodes_[node].parameter;
  }
  auto& literals = nodes_[node].literals;
  const auto place =
      std::ranges::lower_bound(literals, segment.text, {}, &std::pair<std::string, std::uint32_t>::first);
  if (place != literals.end() && place->first == segment.text) return place->second;
  literals.emplace(place, segment.text, fresh);
  nodes_.emplace_back();
  return fresh;
}

PathTree::Group PathTree::group_at(const PathPattern& pattern, Group fresh) {
  std::uint32_t node = 0;
  for (const auto& segment : pattern.segments) node = child_of(node, segment);
  Group& group = pattern.is_open ? nodes_[node].rest : nodes_[node].here;
  if (group == none) group = fresh;
  return group;
}

const std::pair<std::string, std::uint32_t>* PathTree::literal_of(const Node& node,
                                                                  std::string_view segment) const noexcept {
  std::size_t low = 0, high = node.literals.size();
  const bool is_plain = segment.find('%') == segment.npos;
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    const auto& literal = node.literals[middle];
    const auto order = is_plain ? segment <=> std::string_view(literal.first) : compare_decoded(segment, literal.first);
    if (order == 0) return &literal;
    if (order > 0)
      low = middle + 1;
    else
      high = middle;
  }
  return nullptr;
}

PathTree::Group PathTree::walk(std::uint32_t at, std::string_view rest, CapturedParameters& captured) const noexcept {
  const Node& node = nodes_[at];
  if (rest.empty()) return node.here != none ? node.here : node.rest;
  const std::size_t end = std::min(rest.find('/'), rest.size());
  const std::string_view segment = rest.substr(0, end);
  const std::string_view behind = rest.substr(std::min(end + 1, rest.size()));
  if (const auto* const literal = literal_of(node, segment)) {
    if (const Group found = walk(literal->second, behind, captured); found != none) return found;
  }
  if (node.parameter != 0) {
    captured.texts[captured.count++] = segment;
    if (const Group found = walk(node.parameter, behind, captured); found != none) return found;
    --captured.count;
  }
  return node.rest;
}

PathTree::Group PathTree::find(std::string_view path, CapturedParameters& captured) const noexcept {
  captured.count = 0;
  std::string_view rest = path.substr(1);
  if (rest.ends_with('/')) rest.remove_suffix(1);
  return walk(0, rest, captured);
}

}  // namespace jeton
