// The batch protocol for scripts (`--batch-json`): JSON lines in, JSON lines out.
//
// Each input line gives exactly one output line, in order, flushed before the next is read. A line that cannot be
// read as the request it should be (not one JSON object, an unknown, doubled, missing or wrongly typed field, longer
// than 4 MiB) gives {"ok":false,"error":"bad_input"}, and the next line is read as if nothing had happened.
#pragma once

#include "cli/command.h"

#include <jeton/error.h>
#include <jeton/key_set.h>
#include <jeton/value.h>

#include <concepts>
#include <cstddef>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace jeton::cli {

inline constexpr std::size_t batch_line_bytes_max = 4 * 1024 * 1024;
// For the line as a whole, so that keys and tokens inside it are measured by their own limits and get their own
// errors.
inline constexpr Limits batch_line_limits{.json_depth_max = 64, .json_members_max = 16'384};

// One answer: a line without its LF, and whether it is a good one.
struct BatchAnswer {
  std::string json;
  bool ok = false;
};

BatchAnswer bad_input();
// {"ok":false,"error":"expired","claim":"exp"}; claim only where there is one.
BatchAnswer refused(const Error& error);
// {"ok":true,"NAME":JSON}. `json` may hold line feeds between its tokens; they become blanks.
BatchAnswer accepted(std::string_view name, std::string_view json);

// Answers every line of console.in. Sets exit_code: 0 all good, 1 any not, or the output could not be written.
void run_batch(Console& console, const std::function<BatchAnswer(const Value& request)>& answer);

// The members of a request: strict about types, and about names nobody asked for.
class RequestReader {
 public:
  RequestReader(const Value& request, std::initializer_list<std::string_view> known);

  // False once anything was not as it must be.
  bool good() const noexcept { return good_; }

  // Each gives nothing if the member is absent, and spoils the reader if it is of another type.
  std::optional<std::string> text(std::string_view name);
  std::optional<std::int64_t> integer(std::string_view name);
  std::optional<std::vector<std::string>> text_or_texts(std::string_view name);
  std::optional<std::vector<std::string>> texts(std::string_view name);
  // An object, as JSON text again.
  std::optional<std::string> object(std::string_view name);
  // Spoils the reader: a value that is of the right type, but impossible.
  void spoil() noexcept { good_ = false; }

 private:
  const Value* find(std::string_view name) const noexcept { return request_.find(name); }
  const Value& request_;
  bool good_ = true;
};

}  // namespace jeton::cli
