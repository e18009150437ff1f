#include <jeton/key_set.h>

#include "crypto/random.h"
#include "jose/json.h"
#include "jose/jwk.h"
#include "jose/key_parts.h"
#include "jose/try.h"

#include <algorithm>
#include <set>
#include <span>

namespace jeton {
namespace {

using Entry = KeySet::Entry;

std::vector<Algorithm> fitting_algorithms(const jose::Jwk& jwk) {
  if (const auto pub = jwk.public_material()) return crypto::fitting_algorithms(*pub);
  return crypto::fitting_algorithms(std::get<crypto::SharedSecret>(*jwk.private_material()));
}

// What a key may verify: its `alg` or curve, or what the options grant an RSA or secret key without `alg`.
Result<std::vector<Algorithm>> algorithms_of(const jose::Jwk& jwk, const KeySetOptions& options) {
  const auto bound = jose::bound_algorithm(jwk, jose::Purpose::verify, std::nullopt);
  if (bound) return std::vector{*bound};
  if (bound.error().code != Errc::key_without_alg) return std::unexpected(bound.error());
  std::vector<Algorithm> granted = fitting_algorithms(jwk);
  if (!options.any_fitting) {
    std::erase_if(granted, [&](Algorithm algorithm) {
      return std::ranges::find(options.algorithms_without_alg, algorithm) == options.algorithms_without_alg.end();
    });
  }
  if (!granted.empty()) return granted;
  // Nothing fits because the secret is too short for any hash, or because nothing was granted.
  if (fitting_algorithms(jwk).empty()) return std::unexpected(Error{Errc::weak_key, "k"});
  return std::unexpected(bound.error());
}

// A key that is not for signatures is still looked at, so that rubbish among the keys is noticed.
Error why_not_for_signatures(const jose::Jwk& jwk, Error otherwise, const Limits& limits) {
  if (otherwise.code != Errc::key_not_for_signatures || !jwk.public_material()) return otherwise;
  const auto key = KeyParts::make_verifying(jwk, fitting_algorithms(jwk).front(), limits);
  return key ? otherwise : key.error();
}

Result<std::vector<VerificationKey>> verifying_keys(const jose::Jwk& jwk, const KeySetOptions& options) {
  if (options.origin == KeyOrigin::published && jwk.private_material()) {
    return std::unexpected(Error{Errc::private_key_not_allowed, jwk.kty == "oct" ? "k" : "d"});
  }
  const auto algorithms = algorithms_of(jwk, options);
  if (!algorithms) return std::unexpected(why_not_for_signatures(jwk, algorithms.error(), options.limits));
  std::vector<VerificationKey> keys;
  for (const Algorithm algorithm : *algorithms) {
    TRY(VerificationKey key, KeyParts::make_verifying(jwk, algorithm, options.limits));
    keys.push_back(std::move(key));
  }
  return keys;
}

Entry make_entry(jose::JsonView object, const KeySetOptions& options) {
  Entry entry;
  if (object.is(jose::JsonType::object)) {
    jose::JwkName name = jose::name_of_jwk(object);
    entry.kty = std::move(name.kty);
    entry.kid = std::move(name.kid);
    entry.declared_alg = std::move(name.alg);
  }
  auto jwk = jose::read_jwk(object, options.limits);
  if (!jwk) {
    entry.refusal.push_back(std::move(jwk).error());
    return entry;
  }
  auto keys = verifying_keys(*jwk, options);
  if (!keys) {
    entry.refusal.push_back(std::move(keys).error());
    return entry;
  }
  for (const VerificationKey& key : *keys) entry.algorithms.push_back(key.algorithm());
  entry.keys = *std::move(keys);
  return entry;
}

bool has_duplicate_kid(const std::vector<Entry>& entries) {
  std::set<std::string_view> seen;
  return std::ranges::any_of(entries,
                             [&](const Entry& entry) { return !entry.kid.empty() && !seen.insert(entry.kid).second; });
}

// Of keys put together in the program there is nobody to tell; so neither of two that share a kid is used.
void refuse_doubled_kids(std::vector<Entry>& entries) {
  for (Entry& entry : entries) {
    const auto same = [&](const Entry& other) { return other.kid == entry.kid; };
    if (entry.kid.empty() || std::ranges::count_if(entries, same) == 1) continue;
    entry.refusal = {Error{Errc::duplicate_kid, "kid"}};
  }
  for (Entry& entry : entries) {
    if (!entry.refusal.empty()) entry.keys.clear();
  }
}

bool is_known_type(std::string_view kty) { return kty == "EC" || kty == "RSA" || kty == "OKP" || kty == "oct"; }

Result<std::vector<Entry>> read_set(jose::JsonView set, const KeySetOptions& options) {
  const auto keys = set.find("keys");
  if (!keys || !keys->is(jose::JsonType::array)) return std::unexpected(Error{Errc::malformed_key, "keys"});
  if (keys->size() > options.limits.jwks_keys_max) {
    return std::unexpected(
        Error{Errc::too_many_keys, "keys", "at most " + std::to_string(options.limits.jwks_keys_max)});
  }
  std::vector<Entry> entries;
  for (const jose::JsonView key : keys->children()) {
    Entry entry = make_entry(key, options);
    // RFC 7517 section 5: keys of types that are not understood are ignored.
    if (entry.kty.empty() || is_known_type(entry.kty)) entries.push_back(std::move(entry));
  }
  if (has_duplicate_kid(entries)) return std::unexpected(Error{Errc::duplicate_kid, "kid"});
  return entries;
}

}  // namespace

KeySet::KeySet(std::vector<VerificationKey> keys) {
  State state;
  for (VerificationKey& key : keys) {
    Entry entry;
    entry.kid = key.kid();
    entry.declared_alg = name_of(key.algorithm());
    entry.algorithms = {key.algorithm()};
    entry.keys.push_back(std::move(key));
    state.entries.push_back(std::move(entry));
  }
  refuse_doubled_kids(state.entries);
  state_ = std::make_shared<const State>(std::move(state));
}

Result<KeySet> KeySet::parse(std::string_view json, const KeySetOptions& options) {
  if (json.size() > options.limits.jwks_bytes_max) {
    return std::unexpected(
        Error{Errc::key_set_too_large, {}, std::to_string(options.limits.jwks_bytes_max) + " bytes at most"});
  }
  jose::JsonBuffer buffer{.text = std::string(json)};
  // A set may have more members than a token: some ten a key.
  const jose::JsonLimits json_limits{options.limits.json_depth_max, 32 * options.limits.jwks_keys_max};
  State state;
  Result<std::vector<Entry>> entries = std::unexpected(Error{Errc::malformed_key});
  if (jose::parse_json(buffer, json_limits) && jose::JsonView(buffer).is(jose::JsonType::object)) {
    const jose::JsonView object(buffer);
    state.single_jwk = object.find("kty").has_value() && !object.find("keys");
    if (state.single_jwk)
      entries = std::vector{make_entry(object, options)};
    else
      entries = read_set(object, options);
  }
  crypto::wipe(std::as_writable_bytes(std::span(buffer.text)));  // it may have held private members
  if (!entries) return std::unexpected(std::move(entries).error());
  state.entries = *std::move(entries);
  KeySet set;
  set.state_ = std::make_shared<const State>(std::move(state));
  return set;
}

const std::vector<Entry>& KeySet::entries() const noexcept {
  static const std::vector<Entry> none;
  return state_ ? state_->entries : none;
}

bool KeySet::was_single_jwk() const noexcept { return state_ && state_->single_jwk; }

std::string KeySet::to_jwks() const {
  std::string json = R"({"keys":[)";
  bool first = true;
  for (const Entry& entry : entries()) {
    if (entry.keys.empty()) continue;
    const std::string jwk = entry.keys.front().to_jwk();
    if (jwk.empty()) continue;
    if (!first) json += ',';
    json += jwk;
    first = false;
  }
  return json + "]}";
}

}  // namespace jeton
