#include "issuer/oauth/client_record.h"

#include "crypto/digest.h"
#include "issuer/registered_claims.h"
#include "oauth/client_credentials.h"
#include "oauth/scope.h"
#include "oauth/token_request.h"

#include <jeton/claims.h>
#include <jeton/key_set.h>
#include <jeton/signer.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace jeton::issuer {
namespace {

constexpr std::size_t name_bytes_max = 200;
constexpr std::size_t claims_bytes_max = 4096;

std::string objection_to_grants(std::string_view grants, bool is_public) {
  const auto words = oauth::words_of(grants);
  if (!words.has_value()) return "grants must be a list of words.";
  for (const std::string& word : *words) {
    if (word != oauth::grant_client_credentials && word != oauth::grant_refresh_token)
      return "grants can be client_credentials and refresh_token.";
  }
  if (is_public && oauth::has_word(grants, oauth::grant_client_credentials))
    return "a public client has no credentials, and so no grant client_credentials.";
  return {};
}

std::string objection_to_claims(std::string_view json) {
  const auto claims = Value::parse(json);
  if (!claims.has_value() || claims->if_object() == nullptr) return "claims must be one JSON object.";
  if (json.size() > claims_bytes_max) return "claims must have 4096 bytes at most.";
  for (const Value::Member& member : *claims->if_object()) {
    if (is_registered_claim(member.name)) return "the claim " + member.name + " is set by the issuer itself.";
  }
  if (const std::string_view name = find_sensitive_name(*claims); !name.empty())
    return "the claim " + std::string(name) + " looks like a secret, and whoever has a token can read it.";
  return {};
}

std::string objection_to_keys(std::string_view jwks) {
  const auto keys = KeySet::parse(jwks);
  if (!keys.has_value()) return "the keys cannot be read: " + describe(keys.error()) + ".";
  for (const KeySet::Entry& entry : keys->entries()) {
    if (!entry.refusal.empty()) return "a key is refused: " + describe(entry.refusal.front()) + ".";
  }
  return keys->size() == 0 ? "the key set holds no key of a known type." : std::string();
}

std::string objection_to_rights(bool is_public, bool trusted, std::string_view scopes) {
  if (trusted && is_public) return "a public client cannot be trusted.";
  const auto words = oauth::words_of(scopes).value_or(std::vector<std::string>{});
  if (is_public && std::ranges::any_of(words, [](const std::string& word) { return oauth::is_issuer_scope(word); }))
    return "a public client cannot have scopes of the issuer.";
  return {};
}

// Whether the issuer has a key of it is asked where its keys are known.
std::string objection_to_algorithm(const store::Client& client) {
  if (client.algorithm.empty()) return {};
  const auto algorithm = algorithm_named(client.algorithm);
  if (!algorithm.has_value() || (is_symmetric(*algorithm) && *algorithm != Algorithm::hs256))
    return "algorithm must be HS256 or one of those with a key pair.";
  const auto audiences = oauth::words_of(client.audiences);
  if (*algorithm == Algorithm::hs256 && audiences.has_value() && audiences->size() > 1)
    return "HS256 has a key for one audience alone.";
  return {};
}

std::string objection_to(const store::Client& client) {
  if (!oauth::is_client_id(client.id)) return "an id has 1 to 64 of the characters A-Z a-z 0-9 . _ -";
  if (client.name.size() > name_bytes_max) return "a name has 200 bytes at most.";
  if (!oauth::words_of(client.scopes).has_value()) return "scopes must be a list of distinct words.";
  if (!oauth::words_of(client.audiences).has_value()) return "audiences must be a list of distinct words.";
  if (auto objection = objection_to_grants(client.grants, client.is_public); !objection.empty()) return objection;
  if (auto objection = objection_to_claims(client.claims_json); !objection.empty()) return objection;
  if (auto objection = objection_to_algorithm(client); !objection.empty()) return objection;
  if (client.is_public && !client.jwks.empty()) return "a public client has no keys.";
  if (!client.jwks.empty()) {
    if (auto objection = objection_to_keys(client.jwks); !objection.empty()) return objection;
  }
  return objection_to_rights(client.is_public, client.trusted, client.scopes);
}

}  // namespace

ClientSecret new_client_secret() {
  std::string text = "jcs_" + random_id(32);
  const store::Digest hash = crypto::sha256(text);
  return {std::move(text), hash};
}

std::expected<NewClient, std::string> client_from(const ClientDraft& draft) {
  NewClient made{.row = {.id = draft.id.empty() ? "cli_" + random_id() : draft.id,
                         .name = draft.name,
                         .is_public = draft.is_public,
                         .jwks = draft.jwks,
                         .grants = draft.grants,
                         .scopes = draft.scopes,
                         .audiences = draft.audiences,
                         .algorithm = draft.algorithm,
                         .claims_json = draft.claims_json,
                         .trusted = draft.trusted}};
  store::Client& row = made.row;
  if (row.name.empty()) row.name = row.id;
  if (row.grants.empty()) row.grants = row.is_public ? oauth::grant_refresh_token : oauth::grant_client_credentials;
  if (std::string objection = objection_to(row); !objection.empty()) return std::unexpected(std::move(objection));
  if (!row.is_public && row.jwks.empty()) {
    ClientSecret secret = new_client_secret();
    row.secret_hash = secret.hash;
    made.secret = std::move(secret.text);
  }
  return made;
}

std::string objection_to_change(const store::Client& client, const store::ClientChange& change) {
  store::Client changed = client;
  changed.name = change.name.value_or(client.name);
  changed.grants = change.grants.value_or(client.grants);
  changed.scopes = change.scopes.value_or(client.scopes);
  changed.audiences = change.audiences.value_or(client.audiences);
  changed.algorithm = change.algorithm.value_or(client.algorithm);
  changed.claims_json = change.claims_json.value_or(client.claims_json);
  changed.jwks = change.jwks.value_or(client.jwks);
  changed.trusted = change.trusted.value_or(client.trusted);
  if (change.jwks.has_value() && change.jwks->empty() && !client.secret_hash.has_value())
    return "without keys and without a secret the client could not authenticate.";
  return objection_to(changed);
}

}  // namespace jeton::issuer
