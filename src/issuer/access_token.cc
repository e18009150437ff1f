#include "issuer/access_token.h"

#include "issuer/registered_claims.h"
#include "oauth/scope.h"

#include <jeton/claims.h>
#include <jeton/value.h>

namespace jeton::issuer {

boost::asio::awaitable<std::optional<Signer>> signer_for(const Context& context, std::string_view audiences,
                                                         std::string_view algorithm) {
  const auto keys = co_await context.keyring.to_sign(context.rules.get()->access_lifetime);
  if (!keys) co_return std::nullopt;
  if (algorithm == name_of(Algorithm::hs256)) {
    const Signer* secret = keys->secret_for(audiences.empty() ? context.foundation.audience : audiences);
    co_return secret == nullptr ? std::nullopt : std::optional(*secret);
  }
  const auto chosen = algorithm_named(algorithm);
  if (!algorithm.empty() && !chosen.has_value()) co_return std::nullopt;
  const Signer* signer = chosen.has_value() ? keys->signer(*chosen) : keys->default_signer();
  if (signer == nullptr) co_return std::nullopt;
  if (audiences.empty() || audiences == context.foundation.audience) co_return *signer;
  co_return Signer(signer->key(),
                   {.issuer = context.foundation.issuer,
                    .audiences = oauth::words_of(audiences).value_or(std::vector<std::string>{std::string(audiences)}),
                    .lifetime = access_lifetime_max});
}

std::string_view algorithm_for_own_login(const store::Client& client) {
  return client.algorithm == name_of(Algorithm::hs256) ? std::string_view{} : client.algorithm;
}

Result<std::string> make_client_token(const Signer& signer, const std::vector<std::string>& allowed_claims,
                                      const ClientTokenFacts& facts, UnixTime now, UnixTime expires_at) {
  const auto record = Value::parse(facts.client.claims_json);
  if (!record.has_value()) return std::unexpected(record.error());
  Claims claims(facts.client.id);
  claims.with("client_id", facts.client.id).with("ver", facts.client.version);
  if (!facts.scope.empty()) claims.with("scope", facts.scope);
  for (const std::string& name : allowed_claims) {
    const Value* value = is_registered_claim(name) ? nullptr : record->find(name);
    if (value != nullptr) claims.with(name, *value);
  }
  return signer.sign_until(claims, now, expires_at);
}

Result<std::string> make_access_token(const Signer& signer, const std::vector<std::string>& allowed_claims,
                                      const AccessTokenFacts& facts, UnixTime now, UnixTime expires_at) {
  const auto record = Value::parse(facts.user.claims_json);
  if (!record.has_value()) return std::unexpected(record.error());
  if (record->if_object() == nullptr) return std::unexpected(Error{.code = Errc::malformed_json});

  Claims claims(facts.user.sub);
  claims.with("client_id", facts.client_id)
      .with("auth_time", to_unix_seconds(facts.auth_time))
      .with("sid", facts.sid)
      .with("gen", facts.generation)
      .with("ver", facts.user.version);
  if (!facts.scope.empty()) claims.with("scope", facts.scope);
  for (const std::string& name : allowed_claims) {
    if (is_registered_claim(name)) continue;
    if (name == "email") {
      claims.with(name, facts.user.email);
    } else if (const Value* value = record->find(name)) {
      claims.with(name, *value);
    }
  }
  return signer.sign_until(claims, now, expires_at);
}

}  // namespace jeton::issuer
