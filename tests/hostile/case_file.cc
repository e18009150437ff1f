#include "case_file.h"

#include <simdjson.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>

namespace jeton::hostile {
namespace {

struct Repetition {
  std::string_view what;
  std::size_t times, size;  // size of the whole call
};

// Reads "$REP(c,n)" at the start of `text`; c may hold commas and parentheses.
std::optional<Repetition> repetition_at(std::string_view text) {
  constexpr std::string_view opening = "$REP(";
  for (auto comma = text.find(',', opening.size() + 1); comma != std::string_view::npos;
       comma = text.find(',', comma + 1)) {
    std::size_t times = 0;
    const char* const digits = text.data() + comma + 1;
    const auto [end, error] = std::from_chars(digits, text.data() + text.size(), times);
    if (error == std::errc{} && end != text.data() + text.size() && *end == ')') {
      return Repetition{text.substr(opening.size(), comma - opening.size()), times,
                        static_cast<std::size_t>(end + 1 - text.data())};
    }
  }
  return std::nullopt;
}

Case case_of(simdjson::dom::object object) {
  Case result;
  for (const auto [name, value] : object) {
    const std::string key(name);
    std::string_view text;
    if (value.get(text) == simdjson::SUCCESS) {
      result.texts[key] = with_repetitions(text);
    } else if (std::int64_t row = 0; key == "row" && value.get(row) == simdjson::SUCCESS) {
      result.row = std::to_string(row);
    } else if (simdjson::dom::object variation; key == "v" && value.get(variation) == simdjson::SUCCESS) {
      for (const auto [what, how] : variation) {
        if (std::int64_t number = 0; how.get(number) == simdjson::SUCCESS) result.numbers[std::string(what)] = number;
        if (how.get(text) == simdjson::SUCCESS) result.variations[std::string(what)] = text;
      }
    }
  }
  for (auto [name, member] : {std::pair{"id", &result.id},
                              {"area", &result.area},
                              {"expect", &result.expect},
                              {"why", &result.why},
                              {"twin", &result.twin},
                              {"also", &result.also}}) {
    *member = result.texts[name];
  }
  return result;
}

}  // namespace

const std::string* Case::text(std::string_view name) const {
  const auto found = texts.find(name);
  return found == texts.end() ? nullptr : &found->second;
}

std::string with_repetitions(std::string_view text) {
  std::string out;
  for (auto at = text.find("$REP("); at != std::string_view::npos; at = text.find("$REP(")) {
    const auto repetition = repetition_at(text.substr(at));
    if (!repetition) throw std::runtime_error("unfinished $REP");
    out.append(text.substr(0, at));
    for (std::size_t i = 0; i < repetition->times; ++i) out.append(repetition->what);
    text.remove_prefix(at + repetition->size);
  }
  return out.append(text);
}

bool exists(const std::string& file) { return std::filesystem::exists(file); }

std::vector<Case> read_cases(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw std::runtime_error(file + ": cannot be read");
  const std::string name = std::filesystem::path(file).filename();
  std::vector<Case> cases;
  simdjson::dom::parser parser;
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    if (line.empty()) continue;
    const std::string place = name + ":" + std::to_string(number);
    simdjson::dom::object object;
    if (parser.parse(line).get(object) != simdjson::SUCCESS) throw std::runtime_error(place + ": not a JSON object");
    cases.push_back(case_of(object));
    cases.back().place = place;
  }
  return cases;
}

}  // namespace jeton::hostile
