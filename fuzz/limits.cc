// Whatever stands where a limit is read, in a policy file or in a token: it is read in one way or refused, and a token
// gets no more than the rule's `most`, and nothing by being unreadable.
// Parts: guard/limits/
#include "signed_token.h"
#include "target.h"

#include <jeton/rate_limit.h>
#include <jeton/value.h>

#include <algorithm>
#include <string>

namespace jeton::fuzz {
namespace {

void read_as_rate(std::string_view input) {
  const auto rate = parse_rate(input);
  if (!rate.has_value()) return;
  const auto again = parse_rate(rate->text());
  JETON_PROPERTY(again.has_value() && *again == *rate);
  JETON_PROPERTY(rate->text().size() <= input.size() + 2);  // 60/60min is 60/h: never longer but for a unit
  JETON_PROPERTY(rate->count() >= 1 && rate->count() <= limit_count_max);
  JETON_PROPERTY(rate->burst() >= 1 && rate->burst() <= limit_count_max);
  JETON_PROPERTY(!rate->allows_more_than(*rate));
  if (rate->kind() != LimitKind::rate) return;
  JETON_PROPERTY(rate->interval() >= std::chrono::microseconds{1});
  JETON_PROPERTY(rate->interval() * static_cast<std::int64_t>(rate->burst()) <= rate_window_max);
  // Never more in a period than was said.
  JETON_PROPERTY(rate->interval() * static_cast<std::int64_t>(rate->count()) >= rate->period());
}

const Value* claim_of(const Value& payload) {
  const Value* const limits = payload.find("limits");
  return limits == nullptr ? nullptr : limits->find("audio");
}

void carried_in_a_token(std::string_view input) {
  constexpr std::string_view header = R"({"alg":"HS256","typ":"at+jwt","kid":"k"})";
  const std::string payload =
      R"({"iss":"https://as.example","aud":"api","exp":1700000600,"sub":"u","limits":{"audio":)" + std::string(input) +
      "}}";
  const auto token = verifier().verify(signed_token(header, payload), now);
  if (!token.has_value()) return;
  const Rate most = parse_rate("9000/min burst 500").value(), otherwise = parse_rate("7/h").value();
  LimitRule rule{.name = "audio",
                 .allowance = ClaimRate{.claim = {"limits", "audio"}, .per = parse_unit("min").value(), .most = most},
                 .otherwise = otherwise};
  const LimitSeed seed = LimitSeed::derived_from("fuzz");
  const auto charge = charge_for(rule, &*token, "192.0.2.1", seed);
  const Value claims = token->payload();
  const Value* const claim = claim_of(claims);
  JETON_PROPERTY(claim != nullptr);
  const std::int64_t* const number = claim->if_integer();
  const std::string* const text = claim->if_string();
  const auto read = text == nullptr ? Result<Rate>(std::unexpected(Error{Errc::wrong_claim_type})) : parse_rate(*text);
  const bool is_limit = (number != nullptr && *number > 0) || (read.has_value() && read->kind() == LimitKind::rate);
  JETON_PROPERTY(charge.has_value() == is_limit);
  if (!charge.has_value()) {
    JETON_PROPERTY(charge.error().code == Errc::insufficient_plan);
    return;
  }
  JETON_PROPERTY(!charge->rate.allows_more_than(most));
  JETON_PROPERTY(charge->rate.burst() <= most.burst());
  if (number != nullptr)
    JETON_PROPERTY(charge->rate.count() == static_cast<std::uint64_t>(std::min<std::int64_t>(*number, 9000)));
  // Whom it is about does not change with what it says of other things.
  rule.by = LimitBy::claim;
  rule.by_claim = {"limits", "audio"};
  JETON_PROPERTY(charge_for(rule, &*token, "", seed)->key != charge->key);
}

}  // namespace

JETON_FUZZ_TARGET(limits) {
  read_as_rate(input);
  carried_in_a_token(input);
}
}  // namespace jeton::fuzz
