#include "guard/requirements.h"

#include "guard/percent.h"
#include "jose/claim_access.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <string_view>

namespace jeton {
namespace {

using jose::ClaimAccess;
using jose::JsonType;
using jose::JsonView;

// An issuer's clock may be ahead of ours by so much.
constexpr std::chrono::seconds login_skew_max{30};

bool is_equal(JsonView claim, const Value& value) noexcept {
  if (const auto* text = value.if_string()) return claim.is(JsonType::string) && claim.string() == *text;
  if (const auto* number = value.if_integer()) return claim.is(JsonType::integer) && claim.integer() == *number;
  if (const auto* flag = value.if_bool()) return claim.is(JsonType::boolean) && claim.boolean() == *flag;
  return false;
}

template <class Test>
bool is_or_holds(JsonView claim, Test test) noexcept {
  if (!claim.is(JsonType::array)) return test(claim);
  for (const JsonView element : claim.children()) {
    if (test(element)) return true;
  }
  return false;
}

// A double is compared with the integer and not with its rounding to a double.
bool is_at_least(JsonView claim, std::int64_t least) noexcept {
  if (claim.is(JsonType::integer)) return claim.integer() >= least;
  if (!claim.is(JsonType::number)) return false;
  constexpr double beyond = 9223372036854775808.0;  // 2^63
  const double number = claim.number();
  if (number >= beyond) return true;
  if (!(number >= -beyond)) return false;
  const auto whole = static_cast<std::int64_t>(number);  // towards zero
  return whole >= least && (whole > least || number >= static_cast<double>(whole));
}

bool is_parameter(JsonView claim, std::string_view encoded) {
  if (claim.is(JsonType::string)) {
    const std::string_view text = claim.string();
    if (text.empty()) return false;
    return encoded.find('%') == encoded.npos ? text == encoded : text == percent_decoded(encoded);
  }
  if (!claim.is(JsonType::integer)) return false;
  std::array<char, 24> digits;
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), claim.integer());
  return error == std::errc() && std::string_view(digits.data(), end) == encoded;
}

struct Fulfils {
  JsonView claim;
  const Met& met;

  bool operator()(const Condition::Equals& test) const { return is_equal(claim, test.value); }
  bool operator()(const Condition::OneOf& test) const {
    return std::ranges::any_of(test.values, [&](const Value& value) { return is_equal(claim, value); });
  }
  bool operator()(const Condition::AtLeast& test) const { return is_at_least(claim, test.least); }
  bool operator()(const Condition::Contains& test) const {
    return is_or_holds(claim, [&](JsonView one) { return is_equal(one, test.value); });
  }
  bool operator()(const Condition::MatchesParameter& test) const {
    const std::string_view segment = met.parameter(test.parameter);
    return is_or_holds(claim, [&](JsonView one) { return is_parameter(one, segment); });
  }
};

std::string spelled(const ClaimPath& path) {
  std::string text;
  for (const std::string& segment : path) text += (text.empty() ? "" : "/") + segment;
  return text;
}

std::string spelled(const Value& value) { return value.if_string() != nullptr ? *value.if_string() : value.to_json(); }

struct Expectation {
  std::string operator()(const Condition::Equals& test) const { return spelled(test.value); }
  std::string operator()(const Condition::OneOf& test) const {
    std::string text = "one of";
    for (const Value& value : test.values) text += " " + spelled(value);
    return text;
  }
  std::string operator()(const Condition::AtLeast& test) const { return "at least " + std::to_string(test.least); }
  std::string operator()(const Condition::Contains& test) const { return "to contain " + spelled(test.value); }
  std::string operator()(const Condition::MatchesParameter& test) const {
    return "{" + test.parameter + "} of the path";
  }
};

std::optional<Error> objection_to_login(const VerifiedToken& token, const Policy& policy, UnixTime now) {
  static const std::array<std::string, 1> acr{"acr"}, auth_time{"auth_time"};
  if (!policy.acr_values.empty()) {
    const auto claim = ClaimAccess::find(token, acr);
    const bool is_enough = claim && claim->is(JsonType::string) &&
                           std::ranges::find(policy.acr_values, claim->string()) != policy.acr_values.end();
    if (!is_enough) return Error{Errc::insufficient_authentication, "acr", policy.acr_values.front()};
  }
  if (policy.login_age_max) {
    const auto claim = ClaimAccess::find(token, auth_time);
    // In range, so that no difference overflows.
    const bool is_time =
        claim && claim->is(JsonType::integer) && claim->integer() >= 0 && claim->integer() <= numeric_date_max;
    const auto age = is_time ? now - from_unix_seconds(claim->integer()) : std::chrono::seconds{0};
    if (!is_time || age > *policy.login_age_max || age < -login_skew_max) {
      return Error{Errc::insufficient_authentication, "auth_time",
                   "at most " + std::to_string(policy.login_age_max->count()) + " s ago"};
    }
  }
  return {};
}

// Arrays that hold an object, an array or null are not passed on.
bool is_scalar(JsonView value) noexcept {
  return value.is(JsonType::string) || value.is(JsonType::integer) || value.is(JsonType::number) ||
         value.is(JsonType::boolean);
}

using Digits = std::array<char, 32>;
std::string_view text_of(JsonView value, Digits& digits) noexcept {
  const auto written = [&](auto number) {
    const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), number);
    return error == std::errc() ? std::string_view(digits.data(), end) : std::string_view();
  };
  switch (value.type()) {
    case JsonType::string: return value.string();
    case JsonType::integer: return written(value.integer());
    case JsonType::number: return written(value.number());
    case JsonType::boolean: return value.boolean() ? "true" : "false";
    case JsonType::null:
    case JsonType::out_of_range:
    case JsonType::array:
    case JsonType::object: return {};
  }
  __builtin_unreachable();
}

std::optional<HeaderValue> header_value(JsonView claim) {
  Digits digits;
  if (is_scalar(claim)) return HeaderValue::of(text_of(claim, digits));
  if (!claim.is(JsonType::array) || claim.size() == 0) return {};
  std::vector<std::string> numbers;
  std::vector<std::string_view> texts;
  numbers.reserve(claim.size());
  texts.reserve(claim.size());
  for (const JsonView element : claim.children()) {
    if (!is_scalar(element)) return {};
    if (element.is(JsonType::string))
      texts.push_back(element.string());
    else
      texts.push_back(numbers.emplace_back(text_of(element, digits)));
  }
  return HeaderValue::joined(texts);
}

}  // namespace

std::optional<Error> objection_to(const VerifiedToken& token, const Met& met, UnixTime now) {
  const Policy& policy = met.route->policy;
  if (!policy.issuers.empty() && std::ranges::find(policy.issuers, token.issuer()) == policy.issuers.end())
    return Error{Errc::wrong_issuer, "iss", policy.issuers.front()};
  const auto holds = [&](std::string_view claim) {
    return [&token, claim](const std::string& text) { return token.claim_holds(claim, text); };
  };
  if (!policy.audiences.empty() && std::ranges::none_of(policy.audiences, holds("aud")))
    return Error{Errc::wrong_audience, "aud", policy.audiences.front()};
  for (const std::string& scope : policy.scopes) {
    if (!token.has_scope(scope)) return Error{Errc::insufficient_scope, "scope", scope};
  }
  if (!policy.roles.empty() && std::ranges::none_of(policy.roles, holds("roles")))
    return Error{Errc::insufficient_role, "roles", policy.roles.front()};
  if (!policy.plans.empty() && std::ranges::none_of(policy.plans, holds("plan")))
    return Error{Errc::insufficient_plan, "plan", policy.plans.front()};
  for (const Condition& condition : policy.conditions) {
    const auto claim = ClaimAccess::find(token, condition.claim);
    if (!claim || !std::visit(Fulfils{*claim, met}, condition.test))
      return Error{Errc::failed_condition, spelled(condition.claim), std::visit(Expectation{}, condition.test)};
  }
  return objection_to_login(token, policy, now);
}

Result<std::vector<PassedHeader>> passed_claims(const VerifiedToken& token, const Policy& policy) {
  std::vector<PassedHeader> passed;
  if (policy.pass.empty()) return passed;
  passed.reserve(policy.pass.size());
  for (const PassedClaim& one : policy.pass) {
    const auto claim = ClaimAccess::find(token, one.claim);
    auto value = claim ? header_value(*claim) : std::nullopt;
    if (!value) continue;
    if (value->text().size() > passed_value_bytes_max)
      return std::unexpected(Error{Errc::invalid_claim, spelled(one.claim), "at most 4096 bytes, as a header"});
    passed.push_back({&one.header, *std::move(value)});
  }
  return passed;
}

}  // namespace jeton
