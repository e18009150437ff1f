#include "gateway/introspection/introspection_answer.h"

#include <jeton/value.h>

#include <algorithm>
#include <string>
#include <utility>

namespace jeton::gateway {
namespace {

constexpr std::int64_t unix_seconds_max = 253'402'300'799;  // the end of the year 9999

}  // namespace

std::expected<IntrospectionAnswer, std::string_view> read_introspection(std::string_view body,
                                                                        const VerifiedToken& token, UnixTime now,
                                                                        std::chrono::seconds leeway) {
  const auto document = Value::parse(body);
  if (!document.has_value() || document->if_object() == nullptr) return std::unexpected("the answer is no JSON object");
  const Value* const member = document->find("active");
  const bool* const active = member != nullptr ? member->if_bool() : nullptr;
  if (active == nullptr) return std::unexpected("the answer does not say whether the token is active");
  if (!*active) return IntrospectionAnswer{Introspection::inactive};

  const std::pair<std::string_view, std::string_view> ours[] = {{"iss", token.issuer()},
                                                                {"sub", token.subject()},
                                                                {"client_id", token.client_id()},
                                                                {"jti", token.token_id()},
                                                                {"sid", token.session_id()}};
  for (const auto& [name, expected] : ours) {
    const Value* const said = document->find(name);
    if (said == nullptr || !token.has(name)) continue;
    const std::string* const text = said->if_string();
    if (text == nullptr || *text != expected) return std::unexpected("the answer is about another token");
  }
  IntrospectionAnswer answer{.said = Introspection::active, .good_until = token.expires_at() + leeway};
  if (const Value* const said = document->find("exp")) {
    const std::int64_t* const seconds = said->if_integer();
    if (seconds == nullptr || *seconds < 0 || *seconds > unix_seconds_max)
      return std::unexpected("the answer's exp is no time");
    answer.good_until = std::min(answer.good_until, from_unix_seconds(*seconds) + leeway);
  }
  if (now >= answer.good_until) answer.said = Introspection::inactive;
  return answer;
}

}  // namespace jeton::gateway
