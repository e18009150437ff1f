#include "cli/batch.h"

#include "cli/line_reader.h"

#include <algorithm>
#include <ostream>
#include <utility>

namespace jeton::cli {

BatchAnswer bad_input() { return {.json = R"({"ok":false,"error":"bad_input"})", .ok = false}; }

BatchAnswer refused(const Error& error) {
  Value answer = Value::object();
  answer.set("ok", false).set("error", name_of(error.code));
  if (!error.claim.empty()) answer.set("claim", error.claim);
  return {.json = answer.to_json(), .ok = false};
}

BatchAnswer accepted(std::string_view name, std::string_view json) {
  std::string line = R"({"ok":true,)" + Value(name).to_json() + ":";
  // Within a JSON text a raw CR or LF stands only between tokens: inside strings both are escaped.
  std::ranges::transform(json, std::back_inserter(line), [](char c) { return c == '\n' || c == '\r' ? ' ' : c; });
  line += '}';
  return {.json = std::move(line), .ok = true};
}

void run_batch(Console& console, const std::function<BatchAnswer(const Value& request)>& answer) {
  LineReader lines{console.in, batch_line_bytes_max};
  for (;;) {
    const LineReader::Got got = lines.next();
    if (got == LineReader::Got::end) return;
    if (got == LineReader::Got::failed) return console.fail("standard input: cannot be read.");
    BatchAnswer given = bad_input();
    if (got == LineReader::Got::line) {
      const auto request = Value::parse(lines.line(), batch_line_limits);
      if (request && request->if_object() != nullptr) given = answer(*request);
    }
    if (!given.ok) console.exit_code = exit_bad;
    console.out << given.json << '\n' << std::flush;
    if (!console.out) {
      console.exit_code = exit_bad;
      return;
    }
  }
}

RequestReader::RequestReader(const Value& request, std::initializer_list<std::string_view> known) : request_(request) {
  const Value::Object* members = request.if_object();
  good_ = members != nullptr && std::ranges::all_of(*members, [&](const Value::Member& member) {
            return std::ranges::find(known, std::string_view(member.name)) != known.end();
          });
}

std::optional<std::string> RequestReader::text(std::string_view name) {
  const Value* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (const std::string* text = value->if_string()) return *text;
  good_ = false;
  return std::nullopt;
}

std::optional<std::int64_t> RequestReader::integer(std::string_view name) {
  const Value* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (const std::int64_t* number = value->if_integer()) return *number;
  good_ = false;
  return std::nullopt;
}

std::optional<std::vector<std::string>> RequestReader::texts(std::string_view name) {
  const Value* value = find(name);
  if (value == nullptr) return std::nullopt;
  std::vector<std::string> all;
  const Value::Array* elements = value->if_array();
  if (elements == nullptr) good_ = false;
  for (std::size_t i = 0; elements != nullptr && i < elements->size(); ++i) {
    if (const std::string* text = (*elements)[i].if_string()) {
      all.push_back(*text);
    } else {
      good_ = false;
    }
  }
  return all;
}

std::optional<std::vector<std::string>> RequestReader::text_or_texts(std::string_view name) {
  const Value* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (const std::string* text = value->if_string()) return std::vector{*text};
  return texts(name);
}

std::optional<std::string> RequestReader::object(std::string_view name) {
  const Value* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (value->if_object() != nullptr) return value->to_json();
  good_ = false;
  return std::nullopt;
}

}  // namespace jeton::cli
