// What is parsed and written reads back equal; and nothing is accepted that another strict parser refuses.
// Parts: jose/json jose/json_marks jose/value
#include "target.h"

#include "jose/json.h"

#include <jeton/value.h>

#include <simdjson.h>

namespace {

bool another_parser_accepts(std::string_view text) {
  static simdjson::dom::parser parser;
  return parser.parse(text.data(), text.size()).error() == simdjson::SUCCESS;
}

}  // namespace

JETON_FUZZ_TARGET(json) {
  jeton::jose::JsonBuffer buffer{.text = std::string(input)};
  const bool parsed = jeton::jose::parse_json(buffer);
  if (parsed && !buffer.has_out_of_range_number) JETON_PROPERTY(another_parser_accepts(input));

  const auto value = jeton::Value::parse(input);
  if (!value) return;
  JETON_PROPERTY(parsed);
  const std::string text = value->to_json();
  const auto again = jeton::Value::parse(text);
  JETON_PROPERTY(again.has_value());
  JETON_PROPERTY(*again == *value);
  JETON_PROPERTY(again->to_json() == text);
}
