#include "gateway/policy_cases.h"

#include "platform/nearest_name.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>

namespace jeton::gateway {
namespace {

using platform::Fault;
using platform::Outcome;

constexpr std::string_view blanks = " \t\r";
constexpr int repeated_max = 10'000;

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::optional<int> number_of(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<CaseHeader> header_of(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == text.npos || colon == 0) return std::nullopt;
  return CaseHeader{trimmed(text.substr(0, colon)), trimmed(text.substr(colon + 1))};
}

// Each takes a value over and gives the objection to it, or an empty text.
using Reader = std::function<std::string(std::string_view value, PolicyCase& one)>;

std::string read_request(std::string_view value, PolicyCase& one) {
  const std::size_t space = value.find(' ');
  if (space == value.npos) return "must be METHOD URL";
  one.method = value.substr(0, space);
  std::string_view url = trimmed(value.substr(space + 1));
  if (!url.starts_with('/')) {
    const std::size_t colon = url.find("://");
    if (colon == url.npos) return "must name http://HOST/PATH, https://HOST/PATH or /PATH";
    one.scheme = url.substr(0, colon);
    url.remove_prefix(colon + 3);
    const std::size_t slash = url.find('/');
    if (slash == url.npos) return "must name a path";
    one.host = url.substr(0, slash);
    url.remove_prefix(slash);
  }
  const std::size_t mark = url.find('?');
  one.path = url.substr(0, mark);
  if (mark != url.npos) one.query = url.substr(mark + 1);
  return {};
}

std::string read_expectation(std::string_view value, PolicyCase& one) {
  if (value == "allowed") return {};
  const std::size_t space = std::min(value.find(' '), value.size());
  const auto status = number_of(value.substr(0, space));
  const std::string_view code = trimmed(value.substr(space));
  const auto is_named = [&](Errc known) { return name_of(known) == code; };
  if (!status.has_value() || std::ranges::none_of(all_error_codes(), is_named))
    return "must be allowed, or a status and a code of docs/errors.md: 403 insufficient_plan";
  one.status = *status;
  one.code = code;
  return {};
}

std::string read_pass(std::string_view value, PolicyCase& one) {
  if (!one.pass.has_value()) one.pass.emplace();
  if (value == "none") return {};
  auto header = header_of(value);
  if (!header.has_value()) return "must be NAME: VALUE, or none";
  one.pass->push_back(*std::move(header));
  return {};
}

std::string read_header(std::string_view value, PolicyCase& one) {
  auto header = header_of(value);
  if (!header.has_value()) return "must be NAME: VALUE";
  one.headers.push_back(*std::move(header));
  return {};
}

std::string read_claims(std::string_view value, PolicyCase& one) {
  auto claims = Value::parse(value);
  if (!claims.has_value() || claims->if_object() == nullptr) return "must be a JSON object";
  one.claims = *std::move(claims);
  return {};
}

std::string read_token(std::string_view value, PolicyCase& one) {
  constexpr std::array<std::string_view, 4> words{"good", "none", "forged", "changed"};
  const auto* const found = std::ranges::find(words, value);
  if (found == words.end()) return "must be good, none, forged or changed";
  one.token = static_cast<PolicyCase::Token>(found - words.begin());
  return {};
}

std::string read_without(std::string_view value, PolicyCase& one) {
  while (!value.empty()) {
    const std::size_t end = std::min(value.find(' '), value.size());
    if (end > 0) one.without.emplace_back(value.substr(0, end));
    value.remove_prefix(std::min(end + 1, value.size()));
  }
  return {};
}

std::string read_repeated(std::string_view value, PolicyCase& one) {
  const auto number = number_of(value);
  if (!number.has_value() || *number < 1 || *number > repeated_max) return "must be a whole number from 1 to 10000";
  one.repeated = *number;
  return {};
}

Reader text_into(std::string PolicyCase::* member) {
  return [member](std::string_view value, PolicyCase& one) {
    one.*member = value;
    return std::string();
  };
}
Reader text_into(std::optional<std::string> PolicyCase::* member) {
  return [member](std::string_view value, PolicyCase& one) {
    one.*member = std::string(value);
    return std::string();
  };
}

const std::map<std::string, Reader, std::less<>>& readers() {
  static const std::map<std::string, Reader, std::less<>> all{
      {"name", text_into(&PolicyCase::name)},
      {"request", read_request},
      {"header", read_header},
      {"form", text_into(&PolicyCase::form)},
      {"address", text_into(&PolicyCase::address)},
      {"claims", read_claims},
      {"without", read_without},
      {"issuer", text_into(&PolicyCase::issuer)},
      {"typ", text_into(&PolicyCase::typ)},
      {"token", read_token},
      {"repeated", read_repeated},
      {"clock",
       [](std::string_view value, PolicyCase& one) {
         one.needs_clock = true;
         return std::string(value == "still" ? "" : "must be still");
       }},
      {"expect", read_expectation},
      {"route", text_into(&PolicyCase::route)},
      {"pass", read_pass},
      {"challenge", text_into(&PolicyCase::challenge)},
      {"body", text_into(&PolicyCase::body)},
      {"forwards", text_into(&PolicyCase::forwards)},
  };
  return all;
}

// Reads line by line; a block ends at an empty line.
class CaseReading {
 public:
  explicit CaseReading(const std::string& file_name) : file_name_(file_name) {}

  void take(int number, std::string_view line) {
    const std::string_view text = trimmed(line);
    if (text.starts_with('#')) return;
    if (text.empty()) return end_block();
    const std::size_t equals = text.find('=');
    if (equals == text.npos) return complain(number, "expected key = value");
    if (given_.empty()) first_line_ = number;
    const std::string key(trimmed(text.substr(0, equals)));
    const auto reader = readers().find(key);
    if (reader == readers().end()) return complain(number, unknown(key));
    if (!given_.insert({key, number}).second && key != "header" && key != "pass")
      return complain(number, key + " stands there twice");
    if (key == "request") one_.line = number;
    const std::string objection = reader->second(trimmed(text.substr(equals + 1)), one_);
    if (!objection.empty()) complain(number, key + " " + objection);
  }
  void end_block() {
    if (given_.empty()) return;
    for (const char* const key : {"request", "expect"}) {
      if (!given_.contains(key)) complain(first_line_, fmt::format("the case has no {}", key));
    }
    cases_.push_back(std::exchange(one_, {}));
    given_.clear();
  }
  Outcome<std::vector<PolicyCase>> cases() && {
    end_block();
    if (!faults_.empty()) return std::unexpected(Fault{faults_, ""});
    if (cases_.empty()) return std::unexpected(Fault{file_name_ + ": holds no case", ""});
    return std::move(cases_);
  }

 private:
  static std::string unknown(const std::string& key) {
    std::vector<std::string> names;
    for (const auto& [name, reader] : readers()) names.push_back(name);
    return fmt::format("{} is not a key of a case.{}", key, platform::did_you_mean(key, names));
  }
  void complain(int number, std::string_view text) {
    faults_ += fmt::format("{}{}:{}: {}", faults_.empty() ? "" : "\n", file_name_, number, text);
  }

  const std::string& file_name_;
  std::string faults_;
  int first_line_ = 0;
  std::map<std::string, int> given_;
  PolicyCase one_;
  std::vector<PolicyCase> cases_;
};

}  // namespace

Outcome<std::vector<PolicyCase>> parse_policy_cases(std::string_view text, const std::string& file_name) {
  CaseReading reading(file_name);
  for (int number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    reading.take(number, text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return std::move(reading).cases();
}

}  // namespace jeton::gateway
