#include <jeton/signer.h>

#include "crypto/random.h"
#include "jose/base64url.h"
#include "jose/compact.h"
#include "jose/json.h"
#include "jose/sensitive_names.h"
#include "jose/sign_compact.h"
#include "jose/try.h"

#include <jeton/limits.h>

#include <algorithm>
#include <array>
#include <vector>

namespace jeton {
namespace {

constexpr std::chrono::seconds lifetime_max = std::chrono::hours{24};
constexpr std::array<std::string_view, 7> reserved = {"iss", "sub", "aud", "exp", "nbf", "iat", "jti"};

std::optional<Error> check_names(const Claims& claims, const SignerOptions& options) {
  for (const Value::Member& member : *claims.members().if_object()) {
    if (std::ranges::find(reserved, member.name) != reserved.end()) return Error{Errc::reserved_claim, member.name};
  }
  const std::string_view sensitive = jose::find_sensitive_name(claims.members(), options.permitted_names);
  if (!sensitive.empty()) return Error{Errc::sensitive_claim, std::string(sensitive)};
  for (const std::string_view name : {"client_id", "sid"}) {
    const Value* value = claims.members().find(name);
    if (!value) continue;
    if (!value->if_string()) return Error{Errc::wrong_claim_type, std::string(name), "a text"};
    if (jose::has_control_characters(*value->if_string()))
      return Error{Errc::invalid_claim, std::string(name), "no control characters"};
  }
  if (jose::has_control_characters(claims.subject())) return Error{Errc::invalid_claim, "sub", "no control characters"};
  return {};
}

Value audience_of(const SignerOptions& options) {
  if (options.audiences.size() == 1) return options.audiences.front();
  Value::Array audiences(options.audiences.begin(), options.audiences.end());
  return audiences;
}

Value payload_of(const Claims& claims, const SignerOptions& options, UnixTime now, UnixTime expires_at) {
  Value payload = Value::object();
  if (!options.issuer.empty()) payload.set("iss", options.issuer);
  if (!claims.subject().empty()) payload.set("sub", claims.subject());
  if (!options.audiences.empty()) payload.set("aud", audience_of(options));
  for (const Value::Member& member : *claims.members().if_object()) payload.set(member.name, member.value);
  payload.set("iat", to_unix_seconds(now));
  payload.set("exp", to_unix_seconds(expires_at));
  payload.set("jti", random_id());
  return payload;
}

}  // namespace

struct Signer::State {
  SigningKey key;
  SignerOptions options;
  std::string header;
};

Signer::Signer(SigningKey key, SignerOptions options) {
  std::string header = jose::encoded_header(key, options.typ, {});
  state_ = std::make_shared<const State>(State{std::move(key), std::move(options), std::move(header)});
}

const SigningKey& Signer::key() const noexcept { return state_->key; }

Result<std::string> Signer::sign(const Claims& claims, UnixTime now) const {
  return sign_until(claims, now, now + state_->options.lifetime);
}

Result<std::string> Signer::sign_until(const Claims& claims, UnixTime now, UnixTime expires_at) const {
  if (auto wrong = check_names(claims, state_->options)) return std::unexpected(*std::move(wrong));
  if (expires_at <= now) return std::unexpected(Error{Errc::invalid_claim, "exp", "a lifetime of at least 1 s"});
  if (expires_at - now > lifetime_max) return std::unexpected(Error{Errc::lifetime_too_long, "exp", "24 h at most"});

  const Value payload = payload_of(claims, state_->options, now, expires_at);
  // What no verifier would read is not signed: texts that are not UTF-8, too deep, too many members, too long.
  jose::JsonBuffer check{.text = payload.to_json()};
  const std::string json = check.text;
  if (!jose::parse_json(check, {default_limits.json_depth_max, default_limits.json_members_max})) {
    return std::unexpected(
        Error{Errc::malformed_json, {}, "UTF-8, and a depth and number of members within the limits"});
  }
  TRY(std::string token, jose::sign_compact(state_->key, state_->header, json));
  if (token.size() > default_limits.token_bytes_max) {
    return std::unexpected(
        Error{Errc::token_too_large, {}, std::to_string(default_limits.token_bytes_max) + " bytes at most"});
  }
  return token;
}

Claims& Claims::with(std::string name, std::initializer_list<std::string_view> texts) & {
  Value::Array elements(texts.begin(), texts.end());
  return with(std::move(name), Value(std::move(elements)));
}

std::string random_id(std::size_t count) {
  std::vector<std::byte> bytes(count);
  crypto::random_bytes(bytes);
  return jose::base64url::encode(bytes);
}

}  // namespace jeton
