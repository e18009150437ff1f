#include "issuer/admin/records.h"

#include "issuer/json_body.h"
#include "issuer/registered_claims.h"
#include "oauth/form.h"
#include "oauth/refresh_token.h"
#include "oauth/scope.h"
#include "platform/log.h"

#include <jeton/claims.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <string_view>
#include <utility>
#include <vector>

namespace jeton::issuer {
namespace {

std::int64_t seconds_of(store::StoreTime time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

Value list_of(std::string_view words) {
  Value list = Value::array();
  for (std::string& word : oauth::words_of(words).value_or(std::vector<std::string>{})) list.push(std::move(word));
  return list;
}

std::string_view way_of(const store::Client& client) {
  if (client.is_public) return "nothing";
  if (client.jwks.empty()) return "secret";
  return client.secret_hash.has_value() ? "secret or keys" : "keys";
}

Value as_json(const store::Session& session, const std::string& user_agent, const std::string& address) {
  Value json = Value::object();
  json.set("sid", oauth::sid_text(session.sid)).set("client_id", session.client_id).set("scope", session.scope);
  json.set("audience", session.audience).set("auth_time", seconds_of(session.auth_time));
  json.set("refreshed_at", seconds_of(session.rotated_at)).set("refreshes", session.generation);
  json.set("ends_at", seconds_of(std::min(session.idle_expires_at, session.absolute_expires_at)));
  return json.set("user_agent", user_agent).set("address", address);
}

Value as_json(const store::HeldSession& held) {
  Value json = as_json(held.session, held.user_agent, held.address);
  if (held.session.ended_at)
    json.set("ended_at", seconds_of(*held.session.ended_at)).set("end_reason", held.end_reason);
  return json;
}

}  // namespace

Value as_json(const store::User& user) {
  Value json = Value::object();
  json.set("sub", user.sub).set("email", user.email);
  json.set("claims", Value::parse(user.claims_json).value_or(Value::object()));
  json.set("disabled", user.disabled).set("version", user.version);
  json.set("has_password", !user.password_hash.empty()).set("created_at", seconds_of(user.created_at));
  return json;
}

Value as_json(const store::Client& client) {
  Value json = Value::object();
  json.set("id", client.id).set("name", client.name).set("public", client.is_public);
  json.set("authenticates_with", way_of(client));
  json.set("grants", list_of(client.grants)).set("scopes", list_of(client.scopes));
  json.set("audiences", list_of(client.audiences));
  json.set("claims", Value::parse(client.claims_json).value_or(Value::object()));
  if (!client.algorithm.empty()) json.set("algorithm", client.algorithm);
  json.set("trusted", client.trusted).set("disabled", client.disabled).set("version", client.version);
  json.set("created_at", seconds_of(client.created_at));
  return json;
}

Value as_json(const store::Session& session) { return as_json(session, session.user_agent, session.address); }

Value as_json(const store::StoredKey& key) {
  Value row = Value::object();
  row.set("kid", key.kid).set("alg", key.algorithm).set("state", std::string(store::name_of(key.state)));
  if (!key.audience.empty()) row.set("audience", key.audience);
  row.set("created_at", seconds_of(key.created_at)).set("state_since", seconds_of(key.state_since));
  if (key.published_at)
    row.set("published_at", seconds_of(*key.published_at))
        .set("ready_at", seconds_of(*key.published_at + key.settling));
  if (key.expires_max > store::StoreTime{}) row.set("last_token_ends_at", seconds_of(key.expires_max));
  return row;
}

Value as_json(const store::AuditEntry& entry) {
  Value row = Value::object().set("number", entry.number).set("at", seconds_of(entry.at)).set("kind", entry.kind);
  if (entry.is_erased) row.set("erased", true);
  const auto set = [&](std::string_view name, const std::string& text) {
    if (!text.empty()) row.set(std::string(name), text);
  };
  set("sub", entry.sub);
  if (entry.sid) set("sid", oauth::sid_text(*entry.sid));
  set("detail", entry.detail);
  set("actor", entry.actor);
  set("address", entry.address);
  set("user_agent", entry.user_agent);
  return row;
}

Value as_json(const store::HeldOfUser& held) {
  Value json = Value::object().set("user", as_json(held.user));
  if (!held.home.empty()) json.set("home", held.home);
  Value sessions = Value::array(), audit = Value::array();
  for (const store::HeldSession& session : held.sessions) sessions.push(as_json(session));
  for (const store::AuditedFact& fact : held.audit)
    audit.push(Value::object().set("at", seconds_of(fact.at)).set("kind", fact.kind).set("detail", fact.detail));
  return json.set("sessions", std::move(sessions)).set("audit", std::move(audit));
}

std::string sub_of(const http::Request& request) {
  const auto named = request.parameter("sub");
  if (named != "-") return std::string(named);
  const auto query = oauth::Form::parse(request.query);
  const std::string* sub = query.has_value() ? query->find("sub") : nullptr;
  return sub == nullptr ? std::string(named) : *sub;
}

std::expected<Page, http::Response> page_of(const http::Request& request) {
  // The query of an address is spelled as a form is.
  const auto query = oauth::Form::parse(request.query);
  if (!query.has_value()) return std::unexpected(refusal(400, "Malformed query"));
  Page page;
  if (const std::string* after = query->find("after")) page.after = *after;
  if (const std::string* limit = query->find("limit")) {
    const char* const end = limit->data() + limit->size();
    const auto read = std::from_chars(limit->data(), end, page.limit);
    if (read != std::from_chars_result{end, std::errc{}} || page.limit == 0 || page.limit > page_rows_max)
      return std::unexpected(refusal(400, "limit must be from 1 to 200"));
  }
  return page;
}

std::optional<http::Response> objection_to_claims(const Value& claims) {
  const auto named = [](std::string_view text, std::string_view claim) {
    return http::json_response(400, Value::object().set("error", text).set("claim", claim).to_json());
  };
  for (const Value::Member& member : *claims.if_object()) {
    if (is_registered_claim(member.name)) return named("Claim is set by the issuer", member.name);
  }
  if (const std::string_view name = find_sensitive_name(claims); !name.empty())
    return named("Claim looks like a secret", name);
  return std::nullopt;
}

http::Response management_failed(const Context& context, const store::Error& error) {
  context.metrics.store_faults.add();
  platform::log_error("management failed", {{"reason", error.message}});
  return store_unavailable();
}

}  // namespace jeton::issuer
