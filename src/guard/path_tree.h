// PathTree: which of many path patterns a canonical path meets, the most specific first.
//
// Patterns that differ in the names of their parameters alone are one: what stands at the end of both is one group.
#pragma once

#include <jeton/policy.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jeton {

struct PathPattern {
  struct Segment {
    bool is_parameter;
    std::string text;  // a literal, percent-decoded, or the parameter's name
  };
  std::vector<Segment> segments{};
  bool is_open = false;  // ends in `**`
};

// What is wrong with the pattern, as a sentence that goes on after its name: "must begin with /".
std::expected<PathPattern, std::string> parse_path_pattern(std::string_view text);

// The segments that stood for parameters, in order, as they are spelled in the path.
struct CapturedParameters {
  std::array<std::string_view, path_parameters_max> texts;
  std::size_t count = 0;
};

class PathTree {
 public:
  using Group = std::uint32_t;
  static constexpr Group none = UINT32_MAX;

  PathTree() : nodes_(1) {}
  // The group of that pattern; `fresh` becomes it if there is none yet.
  Group group_at(const PathPattern& pattern, Group fresh);
  // The group of the most specific pattern that the path meets, or none.
  Group find(std::string_view canonical_path, CapturedParameters& captured) const noexcept;

 private:
  struct Node {
    std::vector<std::pair<std::string, std::uint32_t>> literals{};  // sorted
    std::uint32_t parameter = 0;                                    // no node's child is the root
    Group here = none, rest = none;
  };
  std::uint32_t child_of(std::uint32_t node, const PathPattern::Segment& segment);
  const std::pair<std::string, std::uint32_t>* literal_of(const Node& node, std::string_view segment) const noexcept;
  Group walk(std::uint32_t node, std::string_view rest, CapturedParameters& captured) const noexcept;
  std::vector<Node> nodes_;
};

}  // namespace jeton
