// From a rule and a token to a charge.
#include "crypto/digest.h"
#include "crypto/random.h"
#include "crypto/short_hash.h"
#include "guard/limits/address_block.h"
#include "jose/claim_access.h"

#include <jeton/rate_limit.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <span>

namespace jeton {
namespace {

using crypto::short_hash;
using crypto::ShortHash;
using crypto::ShortHashKey;

std::unexpected<Error> wrong(std::string claim, std::string expected) {
  return std::unexpected(Error{Errc::invalid_claim, std::move(claim), std::move(expected)});
}

std::string spelled(const std::vector<std::string>& path) {
  std::string text;
  for (const std::string& segment : path) text.append(text.empty() ? "" : ".").append(segment);
  return text;
}

// The claim at that path: absent, beyond something that is no object, or there.
struct Found {
  bool is_absent = false;
  std::optional<jose::JsonView> claim{};
};
Found find(const VerifiedToken& token, std::span<const std::string> path) noexcept {
  auto at = jose::ClaimAccess::find(token, path.first(1));
  if (!at.has_value()) return {.is_absent = true};
  for (const std::string& segment : path.subspan(1)) {
    if (!at->is(jose::JsonType::object)) return {};
    at = at->find(segment);
    if (!at.has_value()) return {.is_absent = true};
  }
  return {.claim = at};
}

std::unexpected<Error> insufficient(std::string claim, std::string expected) {
  return std::unexpected(Error{Errc::insufficient_plan, std::move(claim), std::move(expected)});
}

Result<Rate> with_count(const Rate& per, std::uint64_t count) {
  switch (per.kind()) {
    case LimitKind::rate: return Rate::per(per.period(), count);
    case LimitKind::quota: return Rate::per_day(count);
    case LimitKind::concurrent: return Rate::at_once(count);
  }
  std::unreachable();
}

// No more than `most` in the long run, nor at once.
Rate bounded_by(const Rate& most, const Rate& rate) {
  if (rate.allows_more_than(most)) return most;
  if (rate.kind() != LimitKind::rate || rate.burst() <= most.burst()) return rate;
  return Rate::per(rate.period(), rate.count(), most.burst()).value_or(most);
}

Result<Rate> resolve(const ClaimRate& carried, const VerifiedToken& token, const std::optional<Rate>& otherwise) {
  const auto unreadable = [&] { return insufficient(spelled(carried.claim), "a limit, above 0"); };
  const auto [is_absent, claim] = find(token, carried.claim);
  if (is_absent && otherwise.has_value()) return *otherwise;
  if (!claim.has_value()) return unreadable();
  if (claim->is(jose::JsonType::integer)) {
    if (claim->integer() <= 0) return unreadable();
    // An integer that no rate can hold allows more than any `most`.
    const auto rate = with_count(carried.per, static_cast<std::uint64_t>(claim->integer()));
    return rate.has_value() ? bounded_by(carried.most, *rate) : carried.most;
  }
  if (!claim->is(jose::JsonType::string)) return unreadable();
  const auto rate = parse_rate(claim->string());
  if (!rate.has_value() || rate->kind() != carried.most.kind()) return unreadable();
  return bounded_by(carried.most, *rate);
}

Result<Rate> resolve(const PlanRates& plans, const VerifiedToken& token, const std::optional<Rate>& otherwise) {
  const Rate* best = nullptr;
  for (const auto& [plan, rate] : plans.rates) {
    if (token.claim_holds("plan", plan) && (best == nullptr || rate.allows_more_than(*best))) best = &rate;
  }
  if (best != nullptr) return *best;
  if (otherwise.has_value()) return *otherwise;
  return insufficient("plan", plans.rates.empty() ? std::string() : plans.rates.front().first);
}

Result<Rate> rate_for(const LimitRule& rule, const VerifiedToken* token) {
  if (const Rate* const fixed = std::get_if<Rate>(&rule.allowance)) return *fixed;
  if (token == nullptr) {
    if (rule.otherwise.has_value()) return *rule.otherwise;
    return std::unexpected(Error{Errc::missing_token});
  }
  if (const PlanRates* const plans = std::get_if<PlanRates>(&rule.allowance))
    return resolve(*plans, *token, rule.otherwise);
  return resolve(std::get<ClaimRate>(rule.allowance), *token, rule.otherwise);
}

// What a key is made of besides who it is about: fixed in size, then the name. A rate is part of its key, because what
// was used of one says nothing about another; a count of the day, or of what is under way, goes on under a new limit.
ShortHash begin_key(const LimitRule& rule, LimitBy by, const Rate& rate, const LimitSeed& seed) noexcept {
  std::array<char, 24 + limit_name_bytes_max> head{};
  head[0] = static_cast<char>(rate.kind());
  head[1] = static_cast<char>(by);
  if (rate.kind() == LimitKind::rate) {
    const std::int64_t interval = rate.interval().count();
    const std::uint64_t burst = rate.burst();
    std::memcpy(&head[8], &interval, sizeof interval);
    std::memcpy(&head[16], &burst, sizeof burst);
  }
  const std::size_t size = std::min(rule.name.size(), limit_name_bytes_max);
  std::memcpy(&head[24], rule.name.data(), size);
  return short_hash(seed.bytes(), {head.data(), 24 + size});
}

ShortHash add_part(const ShortHash& before, std::string_view part) noexcept {
  ShortHashKey key;
  std::memcpy(key.data(), &before, sizeof key);
  return short_hash(key, part);
}

std::string_view client_of(const VerifiedToken& token) {
  if (!token.client_id().empty()) return token.client_id();
  const auto azp = token.get<std::string_view>("azp");
  return azp.has_value() && !azp->empty() ? *azp : token.subject();
}

LimitKey limit_key(const ShortHash& hash) noexcept { return {hash.high, hash.low}; }

// The claim that callers are told apart by. What stands before it keeps 7 and "7" apart.
Result<ShortHash> add_claim(const ShortHash& before, const LimitRule& rule, const VerifiedToken& token) {
  const auto claim = find(token, rule.by_claim).claim;
  if (claim.has_value() && claim->is(jose::JsonType::string))
    return add_part(add_part(before, "text"), claim->string());
  if (!claim.has_value() || !claim->is(jose::JsonType::integer))
    return std::unexpected(Error{Errc::missing_claim, spelled(rule.by_claim)});
  std::array<char, 24> digits{};
  const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), claim->integer());
  return add_part(add_part(before, "integer"), {digits.data(), static_cast<std::size_t>(written.ptr - digits.data())});
}

}  // namespace

LimitKind LimitRule::kind() const noexcept {
  if (const Rate* const fixed = std::get_if<Rate>(&allowance)) return fixed->kind();
  if (const PlanRates* const plans = std::get_if<PlanRates>(&allowance))
    return plans->rates.empty() ? LimitKind::rate : plans->rates.front().second.kind();
  return std::get<ClaimRate>(allowance).per.kind();
}

Result<void> check(const LimitRule& rule) {
  const auto is_visible = [](char c) { return c >= ' ' && c <= '~'; };
  if (rule.name.empty() || rule.name.size() > limit_name_bytes_max || !std::ranges::all_of(rule.name, is_visible))
    return wrong("name", "1 to 64 characters of visible ASCII");
  if (rule.by == LimitBy::claim && rule.by_claim.empty()) return wrong("by", "a claim");
  if (const PlanRates* const plans = std::get_if<PlanRates>(&rule.allowance)) {
    if (plans->rates.empty()) return wrong("plan", "at least one plan with its limit");
    for (const auto& [plan, rate] : plans->rates) {
      if (plan.empty()) return wrong("plan", "names of plans");
      if (rate.kind() != rule.kind()) return wrong("plan", "limits of one kind");
    }
  }
  if (const ClaimRate* const carried = std::get_if<ClaimRate>(&rule.allowance)) {
    if (carried->claim.empty()) return wrong("claim", "a claim");
    if (carried->most.kind() != carried->per.kind()) return wrong("most", "a limit of the same kind as `per`");
  }
  if (rule.otherwise.has_value() && rule.otherwise->kind() != rule.kind())
    return wrong("otherwise", "a limit of the same kind");
  return {};
}

LimitSeed LimitSeed::random() {
  LimitSeed seed;
  crypto::random_bytes(seed.bytes_);
  return seed;
}

LimitSeed LimitSeed::derived_from(std::string_view secret) {
  LimitSeed seed;
  const crypto::Sha256 digest = crypto::sha256(std::string("jeton limit keys\n").append(secret));
  std::copy_n(digest.begin(), seed.bytes_.size(), seed.bytes_.begin());
  return seed;
}

Result<Charge> charge_for(const LimitRule& rule, const VerifiedToken* token, std::string_view address,
                          const LimitSeed& seed) {
  const auto rate = rate_for(rule, token);
  if (!rate.has_value()) return std::unexpected(rate.error());
  const LimitBy by = token == nullptr && rule.by != LimitBy::all ? LimitBy::address : rule.by;
  ShortHash key = begin_key(rule, by, *rate, seed);
  const auto add_caller = [&](std::string_view caller) { key = add_part(add_part(key, token->issuer()), caller); };
  switch (by) {
    case LimitBy::all: break;
    case LimitBy::address: key = add_part(key, guard::text_of(guard::block_of(address))); break;
    case LimitBy::subject: add_caller(token->subject()); break;
    case LimitBy::client: add_caller(client_of(*token)); break;
    case LimitBy::claim: {
      const auto told_apart = add_claim(add_part(key, token->issuer()), rule, *token);
      if (!told_apart.has_value()) return std::unexpected(told_apart.error());
      key = *told_apart;
    }
  }
  return Charge{.key = limit_key(key), .rate = *rate, .name = rule.name, .by_address = by == LimitBy::address};
}

}  // namespace jeton
