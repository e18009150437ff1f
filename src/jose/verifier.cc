#include <jeton/verifier.h>

#include "jose/claim_rules.h"
#include "jose/compact.h"
#include "jose/key_index.h"
#include "jose/token_state.h"
#include "jose/try.h"
#include "jose/verifier_state.h"

#include <algorithm>
#include <atomic>

namespace jeton {
namespace {

std::vector<jose::KeySource> key_sources(const std::vector<TrustedIssuer>& issuers) {
  std::vector<jose::KeySource> sources;
  sources.reserve(issuers.size());
  for (const TrustedIssuer& issuer : issuers) sources.push_back({issuer.keys, issuer.algorithms, issuer.typ});
  return sources;
}

std::uint64_t next_generation() noexcept {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

}  // namespace

bool AlgorithmRule::admits(Algorithm algorithm) const noexcept {
  return any_ || std::ranges::find(algorithms_, algorithm) != algorithms_.end();
}

Verifier::State::State(std::vector<TrustedIssuer> trusted, Limits given)
    : issuers(std::move(trusted)),
      limits(given),
      keys(key_sources(issuers), given.key_candidates_max),
      generation(next_generation()) {}

Verifier::Verifier(TrustedIssuer issuer, Limits limits) : Verifier(std::vector{std::move(issuer)}, limits) {}
Verifier::Verifier(std::vector<TrustedIssuer> issuers, Limits limits)
    : state_(std::make_shared<const State>(std::move(issuers), limits)) {}

Result<VerifiedToken> Verifier::verify(std::string_view compact, UnixTime now) const {
  TRY(const jose::Compact& parts, jose::split_compact(compact, state_->limits));
  TRY(const auto* const found, state_->keys.find(parts.header, state_->limits, state_->generation));
  TRY(const jose::Candidate signer, state_->keys.verify(parts, *found));

  jose::JsonBuffer& scratch = jose::thread_scratch();
  TRY([[maybe_unused]] const std::size_t size, jose::decode_segment(parts.payload, scratch.text));
  if (!jose::parse_json(scratch, {state_->limits.json_depth_max, state_->limits.json_members_max}) ||
      !jose::JsonView(scratch).is(jose::JsonType::object)) {
    return std::unexpected(Error{Errc::malformed_json});
  }
  auto token = VerifiedToken::State::make(scratch, signer.key->kid());
  token->algorithm = signer.key->algorithm();
  token->source = signer.source;
  token->generation = state_->generation;
  if (auto wrong = jose::read_registered_claims(*token, scratch.has_out_of_range_number))
    return std::unexpected(*std::move(wrong));
  if (auto wrong = jose::check_claims(*token, state_->issuers[signer.source]))
    return std::unexpected(*std::move(wrong));
  return check_time(VerifiedToken(std::move(token)), now);
}

Result<VerifiedToken> Verifier::check_time(VerifiedToken token, UnixTime now) const {
  auto wrong = jose::check_times(*token.state_, state_->issuers[token.state_->source], now);
  if (wrong) return std::unexpected(*std::move(wrong));
  return token;
}

std::optional<Error> Verifier::objection_later(const VerifiedToken& token, UnixTime now) const {
  const VerifiedToken::State& state = *token.state_;
  const auto is_of = [&](const TrustedIssuer& issuer) {
    const auto& accepted = issuer.issuer.accepted();
    const bool is_named = issuer.issuer.accepts_any() || std::ranges::find(accepted, state.issuer) != accepted.end();
    return is_named && std::ranges::any_of(issuer.keys.entries(), [&](const KeySet::Entry& entry) {
             return entry.kid == state.kid && std::ranges::any_of(entry.keys, [&](const VerificationKey& key) {
                      return key.algorithm() == state.algorithm;
                    });
           });
  };
  const auto issuer = std::ranges::find_if(state_->issuers, is_of);
  if (issuer == state_->issuers.end()) return Error{Errc::unknown_key};
  auto wrong = jose::check_times(state, *issuer, now);
  // A clock that was set back makes no good token bad.
  if (wrong && wrong->code != Errc::expired && wrong->code != Errc::too_old) return std::nullopt;
  return wrong;
}

bool Verifier::lacks_keys() const noexcept {
  return std::ranges::any_of(state_->issuers, [](const TrustedIssuer& issuer) { return issuer.keys.size() == 0; });
}

std::uint64_t Verifier::generation() const noexcept { return state_->generation; }
const Limits& Verifier::limits() const noexcept { return state_->limits; }

Result<UntrustedHeader> untrusted_header_peek(std::string_view compact, const Limits& limits) {
  TRY(const jose::Compact parts, jose::split_compact(compact, limits));
  jose::JsonBuffer buffer;
  TRY([[maybe_unused]] const std::size_t size, jose::decode_segment(parts.header, buffer.text));
  if (size > limits.header_bytes_max) return std::unexpected(Error{Errc::token_too_large});
  if (!jose::parse_json(buffer, {limits.json_depth_max, limits.json_members_max}) ||
      !jose::JsonView(buffer).is(jose::JsonType::object)) {
    return std::unexpected(Error{Errc::malformed_json});
  }
  const auto text = [&](std::string_view name) {
    const auto member = jose::JsonView(buffer).find(name);
    return member && member->is(jose::JsonType::string) ? std::string(member->string()) : std::string{};
  };
  return UntrustedHeader{text("alg"), text("kid"), text("typ")};
}

}  // namespace jeton
