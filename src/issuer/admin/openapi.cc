// The description of all that is served. A test walks the router beside it and holds real answers against its schemas.
#include "issuer/admin/admin.h"

#include <array>
#include <string>
#include <string_view>

namespace jeton::issuer {
namespace {

// One operation. `security`: none, user, cookie, client, or the scope that a token for the issuer must have. `schema`
// is of the answer: "" for no body, "stream" and "text" for what is no JSON. `refusals`: statuses, `query`: names, both
// separated by spaces. `body`: the schema of what is sent; a form where clients send it, JSON else.
struct Operation {
  std::string_view method, path, summary, security, status, schema, refusals, body, query;
};

// clang-format off
constexpr std::array<Operation, 51> operations{{
    {"post", "/api/auth/register",
     "Register", "none",
     "201", R"({"type":"object","properties":{"sub":{"type":"string"},"email":{"type":"string"}},)"
     R"("required":["sub","email"],"additionalProperties":false})",
     "400 403 409 429 503",
     R"({"type":"object","properties":{"email":{"type":"string"},"password":{"type":"string"}},)"
     R"("required":["email","password"]})", ""},
    {"post", "/api/auth/login",
     "Sign in; 401 with a challenge where a second factor is asked for", "none",
     "200", R"({"$ref":"#/components/schemas/Tokens"})",
     "400 401 403 409 429 503",
     R"({"type":"object","properties":{"email":{"type":"string"},"password":{"type":"string"},)"
     R"("delivery":{"type":"string","enum":["body","cookie"]}},"required":["email","password"]})", ""},
    {"post", "/api/auth/refresh",
     "A new access token, and the next refresh token", "cookie",
     "200", R"({"$ref":"#/components/schemas/Tokens"})",
     "400 401 403 500 503",
     R"({"type":"object","properties":{"refreshToken":{"type":"string"}},"required":[]})", ""},
    {"post", "/api/auth/logout",
     "End the session", "cookie",
     "204", "",
     "400 401 403 503",
     R"({"type":"object","properties":{"refreshToken":{"type":"string"}},"required":[]})", ""},
    {"get", "/api/auth/me",
     "The claims of the access token", "user",
     "200", R"({"type":"object"})",
     "401 403 503",
     "", ""},
    {"post", "/api/auth/password",
     "Change the password; the other sessions end", "user",
     "204", "",
     "400 401 403 409 429 503",
     R"({"type":"object","properties":{"oldPassword":{"type":"string"},"newPassword":{"type":"string"}},)"
     R"("required":["oldPassword","newPassword"]})", ""},
    {"get", "/api/auth/sessions",
     "Where one is signed in", "user",
     "200", R"({"type":"object","properties":{"sessions":{"type":"array",)"
     R"("items":{"$ref":"#/components/schemas/OwnSession"}}},"required":["sessions"],)"
     R"("additionalProperties":false})",
     "401 403 503",
     "", ""},
    {"delete", "/api/auth/sessions/{sid}",
     "End one of them", "user",
     "204", "",
     "401 403 404 503",
     "", ""},
    {"post", "/api/auth/sessions/revoke-others",
     "End all but this one", "user",
     "200", R"({"type":"object","properties":{"ended":{"type":"integer"}},"required":["ended"],)"
     R"("additionalProperties":false})",
     "401 403 503",
     "", ""},
    {"post", "/api/auth/verify-email",
     "Open the link of a mail", "none",
     "204", "",
     "400 503",
     R"({"type":"object","properties":{"token":{"type":"string"}},"required":["token"]})", ""},
    {"post", "/api/auth/verify-email/resend",
     "Send that mail again; the same answer for everybody", "none",
     "204", "",
     "400 429 501 503",
     R"({"type":"object","properties":{"email":{"type":"string"}},"required":["email"]})", ""},
    {"post", "/api/auth/forgot-password",
     "Mail a link to choose a new password; the same answer for everybody", "none",
     "204", "",
     "400 429 501 503",
     R"({"type":"object","properties":{"email":{"type":"string"}},"required":["email"]})", ""},
    {"post", "/api/auth/reset-password",
     "Choose it; all sessions end", "none",
     "204", "",
     "400 503",
     R"({"type":"object","properties":{"token":{"type":"string"},"newPassword":{"type":"string"}},)"
     R"("required":["token","newPassword"]})", ""},
    {"post", "/api/auth/totp/enrol",
     "A secret for a second factor", "user",
     "200", R"({"type":"object","properties":{"secret":{"type":"string"},"otpauthUri":{"type":"string"}},)"
     R"("required":["secret","otpauthUri"],"additionalProperties":false})",
     "400 401 403 409 429 503",
     R"({"type":"object","properties":{"password":{"type":"string"}},"required":["password"]})", ""},
    {"post", "/api/auth/totp/confirm",
     "Switch it on", "user",
     "200", R"({"type":"object","properties":{"recoveryCodes":{"type":"array","items":{"type":"string"}}},)"
     R"("required":["recoveryCodes"],"additionalProperties":false})",
     "400 401 403 409 429 503",
     R"({"type":"object","properties":{"code":{"type":"string"}},"required":["code"]})", ""},
    {"post", "/api/auth/totp/login",
     "The second step of a login", "none",
     "200", R"({"$ref":"#/components/schemas/Tokens"})",
     "400 401 403 409 429 503",
     R"({"type":"object","properties":{"challenge":{"type":"string"},"code":{"type":"string"},)"
     R"("recoveryCode":{"type":"string"},"delivery":{"type":"string","enum":["body","cookie"]}},)"
     R"("required":["challenge"]})", ""},
    {"post", "/api/auth/totp/disable",
     "Switch it off", "user",
     "204", "",
     "400 401 403 409 429 503",
     R"({"type":"object","properties":{"password":{"type":"string"},"code":{"type":"string"},)"
     R"("recoveryCode":{"type":"string"}},"required":["password"]})", ""},
    {"get", "/.well-known/jwks.json",
     "The keys that tokens are verified with", "none",
     "200", R"({"$ref":"#/components/schemas/JwkSet"})",
     "503",
     "", ""},
    {"get", "/.well-known/jeton-feed-keys.json",
     "The keys that the feed is signed with, to be pinned", "none",
     "200", R"({"$ref":"#/components/schemas/JwkSet"})",
     "",
     "", ""},
    {"get", "/api/feed",
     "Revocations, as they come (server-sent events)", "feed:read",
     "200", R"(stream)",
     "400 401 403 503",
     "", "after"},
    {"get", "/healthz",
     "Whether the issuer and its store serve", "none",
     "200", R"({"type":"object","properties":{"status":{"type":"string"}},"required":["status"]})",
     "",
     "", ""},
    {"get", "/metrics",
     "For Prometheus", "none",
     "200", R"(text)",
     "404",
     "", ""},
    {"post", "/api/admin/sessions",
     "Begin a session for a user whose login is the client's own", "sessions:create",
     "200", R"({"$ref":"#/components/schemas/TokenPair"})",
     "400 401 403 409 503",
     R"({"type":"object","properties":{"sub":{"type":"string"},"claims":{"type":"object"},)"
     R"("device":{"type":"object","properties":{"userAgent":{"type":"string"},)"
     R"("address":{"type":"string"}},"required":[]},"client_id":{"type":"string"}},"required":["sub"]})", ""},
    {"get", "/api/admin/users",
     "List users", "admin:users:read",
     "200", R"({"type":"object","properties":{"users":{"type":"array",)"
     R"("items":{"$ref":"#/components/schemas/User"}},"next":{"type":"string"}},"required":["users"],)"
     R"("additionalProperties":false})",
     "400 401 403 503",
     "", "after limit"},
    {"post", "/api/admin/users",
     "Register a user", "admin:users",
     "201", R"({"$ref":"#/components/schemas/User"})",
     "400 401 403 409 503",
     R"({"type":"object","properties":{"email":{"type":"string"},"password":{"type":"string"},)"
     R"("claims":{"type":"object"}},"required":["email","password"]})", ""},
    {"get", "/api/admin/users/{sub}",
     "A user's record", "admin:users:read",
     "200", R"({"$ref":"#/components/schemas/User"})",
     "400 401 403 404 503",
     "", ""},
    {"delete", "/api/admin/users/{sub}",
     "Revoke a user's tokens and forget the user", "admin:users",
     "204", "",
     "400 401 403 404 503",
     "", ""},
    {"get", "/api/admin/users/{sub}/export",
     "Everything that is held of a user", "admin:users",
     "200", R"({"$ref":"#/components/schemas/HeldOfUser"})",
     "400 401 403 404 503",
     "", ""},
    {"put", "/api/admin/users/{sub}/claims",
     "Replace a user's claims; tokens with the old ones end", "admin:users",
     "204", "",
     "400 401 403 404 503",
     R"({"type":"object","properties":{"claims":{"type":"object"}},"required":["claims"]})", ""},
    {"post", "/api/admin/users/{sub}/disable",
     "End a user's sessions and let nobody in", "admin:users",
     "204", "",
     "400 401 403 404 503",
     "", ""},
    {"post", "/api/admin/users/{sub}/enable",
     "Let a disabled user in again", "admin:users",
     "204", "",
     "400 401 403 404 503",
     "", ""},
    {"post", "/api/admin/users/{sub}/end-sessions",
     "Sign a user out everywhere", "admin:users",
     "200", R"({"type":"object","properties":{"ended":{"type":"integer"}},"required":["ended"],)"
     R"("additionalProperties":false})",
     "400 401 403 404 503",
     "", ""},
    {"get", "/api/admin/users/{sub}/sessions",
     "Where a user is signed in", "admin:users:read",
     "200", R"({"type":"object","properties":{"sessions":{"type":"array",)"
     R"("items":{"$ref":"#/components/schemas/Session"}}},"required":["sessions"],)"
     R"("additionalProperties":false})",
     "400 401 403 404 503",
     "", ""},
    {"delete", "/api/admin/users/{sub}/sessions/{sid}",
     "End one of a user's sessions", "admin:users",
     "204", "",
     "400 401 403 404 503",
     "", ""},
    {"put", "/api/admin/users/{sub}/password",
     "Set a new password; all sessions end", "admin:users",
     "204", "",
     "400 401 403 404 409 503",
     R"({"type":"object","properties":{"newPassword":{"type":"string"}},"required":["newPassword"]})", ""},
    {"get", "/api/admin/keys",
     "The signing keys and their states", "admin:keys:read",
     "200", R"({"type":"object","properties":{"version":{"type":"integer"},"keys":{"type":"array",)"
     R"("items":{"$ref":"#/components/schemas/Key"}}},"required":["version","keys"],)"
     R"("additionalProperties":false})",
     "401 403 503",
     "", ""},
    {"post", "/api/admin/keys/rotate",
     "Let the next key of an algorithm sign", "admin:keys",
     "200", R"({"type":"object","properties":{"alg":{"type":"string"},"active":{"type":"string"}},)"
     R"("required":["alg","active"],"additionalProperties":false})",
     "400 401 403 409 503",
     R"({"type":"object","properties":{"algorithm":{"type":"string"}},"required":[]})", ""},
    {"post", "/api/admin/keys/{kid}/revoke",
     "Refuse all tokens of a key", "admin:keys",
     "200", R"({"type":"object","properties":{"revoked":{"type":"string"},"alg":{"type":"string"},)"
     R"("active":{"type":"string"}},"required":["revoked","alg"],"additionalProperties":false})",
     "401 403 404 503",
     "", ""},
    {"get", "/api/admin/audit",
     "What has happened, the newest first", "admin:audit:read",
     "200", R"({"type":"object","properties":{"entries":{"type":"array",)"
     R"("items":{"$ref":"#/components/schemas/AuditEntry"}},"next":{"type":"integer"}},)"
     R"("required":["entries"],"additionalProperties":false})",
     "400 401 403 503",
     "", "before limit kind sub sid"},
    {"get", "/api/admin/clients",
     "List clients", "admin:clients:read",
     "200", R"({"type":"object","properties":{"clients":{"type":"array",)"
     R"("items":{"$ref":"#/components/schemas/Client"}},"next":{"type":"string"}},)"
     R"("required":["clients"],"additionalProperties":false})",
     "400 401 403 503",
     "", "after limit"},
    {"post", "/api/admin/clients",
     "Register a client; its secret is shown this once", "admin:clients",
     "201", R"({"$ref":"#/components/schemas/CreatedClient"})",
     "400 401 403 409 503",
     R"({"type":"object","properties":{"id":{"type":"string"},"public":{"type":"boolean"},)"
     R"("name":{"type":"string"},"grants":{"type":"array","items":{"type":"string"}},)"
     R"("scopes":{"type":"array","items":{"type":"string"}},"audiences":{"type":"array",)"
     R"("items":{"type":"string"}},"claims":{"type":"object"},"jwks":{"type":"object"},)"
     R"("algorithm":{"type":"string"},"trusted":{"type":"boolean"}},"required":[]})", ""},
    {"get", "/api/admin/clients/{id}",
     "A client's record", "admin:clients:read",
     "200", R"({"$ref":"#/components/schemas/Client"})",
     "400 401 403 404 503",
     "", ""},
    {"patch", "/api/admin/clients/{id}",
     "Change what a client may", "admin:clients",
     "200", R"({"$ref":"#/components/schemas/Client"})",
     "400 401 403 404 503",
     R"({"type":"object","properties":{"name":{"type":"string"},"grants":{"type":"array",)"
     R"("items":{"type":"string"}},"scopes":{"type":"array","items":{"type":"string"}},)"
     R"("audiences":{"type":"array","items":{"type":"string"}},"claims":{"type":"object"},)"
     R"("jwks":{"type":"object"},"algorithm":{"type":"string"},"trusted":{"type":"boolean"}},)"
     R"("required":[]})", ""},
    {"post", "/api/admin/clients/{id}/rotate-secret",
     "Give a client a new secret, shown this once", "admin:clients",
     "200", R"({"$ref":"#/components/schemas/ClientSecret"})",
     "400 401 403 404 409 503",
     R"({"type":"object","properties":{"overlapSeconds":{"type":"integer","minimum":0,)"
     R"("maximum":7776000}},"required":[]})", ""},
    {"post", "/api/admin/clients/{id}/disable",
     "Refuse a client from now on", "admin:clients",
     "204", "",
     "400 401 403 404 503",
     "", ""},
    {"post", "/api/admin/clients/{id}/enable",
     "Let a disabled client in again", "admin:clients",
     "204", "",
     "400 401 403 404 503",
     "", ""},
    {"get", "/openapi.json",
     "This document", "none",
     "200", R"({"type":"object"})",
     "",
     "", ""},
    {"post", "/oauth2/token",
     "Get or refresh tokens (RFC 6749)", "client",
     "200", R"({"$ref":"#/components/schemas/OAuthTokens"})",
     "400 401 503",
     R"({"type":"object","properties":{"grant_type":{"type":"string"},"scope":{"type":"string"},)"
     R"("resource":{"type":"string"},"audience":{"type":"string"},"refresh_token":{"type":"string"},)"
     R"("client_id":{"type":"string"},"client_secret":{"type":"string"},)"
     R"("client_assertion":{"type":"string"},"client_assertion_type":{"type":"string"}},)"
     R"("required":["grant_type"]})", ""},
    {"post", "/oauth2/revoke",
     "Revoke a token (RFC 7009); done also for what is none", "client",
     "200", "",
     "400 401 503",
     R"({"type":"object","properties":{"token":{"type":"string"},"token_type_hint":{"type":"string"}},)"
     R"("required":["token"]})", ""},
    {"post", "/oauth2/introspect",
     "Look into a token (RFC 7662)", "client",
     "200", R"({"type":"object","properties":{"active":{"type":"boolean"}},"required":["active"]})",
     "400 401 503",
     R"({"type":"object","properties":{"token":{"type":"string"},"token_type_hint":{"type":"string"}},)"
     R"("required":["token"]})", ""},
    {"get", "/.well-known/oauth-authorization-server",
     "What the OAuth endpoints can (RFC 8414)", "none",
     "200", R"({"type":"object","properties":{"issuer":{"type":"string"},"token_endpoint":{"type":"string"},)"
     R"("jwks_uri":{"type":"string"}},"required":["issuer","token_endpoint","jwks_uri"]})",
     "",
     "", ""},
}};

constexpr std::string_view components = R"json("components": {"securitySchemes":
{"issuer_token":{"type":"http","scheme":"bearer","bearerFormat":"JWT",
  "description":"Of grant client_credentials, with the issuer as audience"},
  "access_token":{"type":"http","scheme":"bearer","bearerFormat":"JWT",
  "description":"Of a signed-in user"},
  "refresh_cookie":{"type":"apiKey","in":"cookie","name":"__Host-jeton_refresh"},
  "client_secret_basic":{"type":"http","scheme":"basic"},"client_in_form":{"type":"oauth2",
  "description":"client_secret or client_assertion in the form",
  "flows":{"clientCredentials":{"tokenUrl":"/oauth2/token","scopes":{}}}}},
"schemas": {
"Error": {"type":"object","properties":{"error":{"type":"string"},"reason":{"type":"string"},
  "claim":{"type":"string"},"challenge":{"type":"string"},"methods":{"type":"array","items":{"type":"string"}},
  "expiresIn":{"type":"integer"}},"required":["error"],"additionalProperties":false},
"OAuthError": {"type":"object","properties":{"error":{"type":"string"},
  "error_description":{"type":"string"}},"required":["error"],"additionalProperties":false},
"TokenPair": {"type":"object","properties":{"accessToken":{"type":"string"},"refreshToken":{"type":"string"},
  "tokenType":{"type":"string","enum":["Bearer"]},"expiresIn":{"type":"integer"}},"required":["accessToken",
  "refreshToken","tokenType","expiresIn"],"additionalProperties":false},
"OAuthTokens": {"type":"object","properties":{"access_token":{"type":"string"},"token_type":{"type":"string",
  "enum":["Bearer"]},"expires_in":{"type":"integer"},"scope":{"type":"string"},
  "refresh_token":{"type":"string"}},"required":["access_token","token_type","expires_in"],
  "additionalProperties":false},
"Tokens": {"type":"object","properties":{"accessToken":{"type":"string"},"refreshToken":{"type":"string",
  "description":"Unless it is in the cookie"},"tokenType":{"type":"string","enum":["Bearer"]},
  "expiresIn":{"type":"integer"}},"required":["accessToken","tokenType","expiresIn"],
  "additionalProperties":false},
"OwnSession": {"type":"object","properties":{"sid":{"type":"string"},"current":{"type":"boolean"},
  "device":{"type":"object"},"firstSeen":{"type":"integer"},"lastSeen":{"type":"integer"},
  "expiresAt":{"type":"integer"},"firstAddress":{"type":"string"},"lastAddress":{"type":"string"},
  "place":{"type":"string"}},"required":["sid","current","device","firstSeen","lastSeen","expiresAt"],
  "additionalProperties":false},
"Key": {"type":"object","properties":{"kid":{"type":"string"},"alg":{"type":"string"},"state":{"type":"string",
  "enum":["pending","standby","active","draining","retired","revoked"]},"audience":{"type":"string"},
  "created_at":{"type":"integer"},"state_since":{"type":"integer"},"published_at":{"type":"integer"},
  "ready_at":{"type":"integer"},"last_token_ends_at":{"type":"integer"}},"required":["kid","alg","state",
  "created_at","state_since"],"additionalProperties":false},
"AuditEntry": {"type":"object","properties":{"number":{"type":"integer"},"at":{"type":"integer"},
  "kind":{"type":"string"},"erased":{"type":"boolean"},"sub":{"type":"string"},"sid":{"type":"string"},
  "detail":{"type":"string"},"actor":{"type":"string"},"address":{"type":"string"},
  "user_agent":{"type":"string"}},"required":["number","at","kind"],"additionalProperties":false},
"JwkSet": {"type":"object","properties":{"keys":{"type":"array","items":{"type":"object"}}},
  "required":["keys"]},
"User": {"type":"object","properties":{"sub":{"type":"string"},"email":{"type":"string"},
  "claims":{"type":"object"},"disabled":{"type":"boolean"},"version":{"type":"integer"},
  "has_password":{"type":"boolean"},"created_at":{"type":"integer"}},"required":["sub","email","claims",
  "disabled","version","has_password","created_at"],"additionalProperties":false},
"Client": {"type":"object","properties":{"id":{"type":"string"},"name":{"type":"string"},
  "public":{"type":"boolean"},"authenticates_with":{"type":"string","enum":["nothing","secret","keys",
  "secret or keys"]},"grants":{"type":"array","items":{"type":"string"}},"scopes":{"type":"array",
  "items":{"type":"string"}},"audiences":{"type":"array","items":{"type":"string"}},
  "claims":{"type":"object"},"algorithm":{"type":"string"},"trusted":{"type":"boolean"},
  "disabled":{"type":"boolean"},"version":{"type":"integer"},"created_at":{"type":"integer"}},
  "required":["id","name","public",
  "authenticates_with","grants","scopes","audiences","claims","trusted","disabled","version","created_at"],
  "additionalProperties":false},
"CreatedClient": {"type":"object","properties":{"id":{"type":"string"},"name":{"type":"string"},
  "public":{"type":"boolean"},"authenticates_with":{"type":"string","enum":["nothing","secret","keys",
  "secret or keys"]},"grants":{"type":"array","items":{"type":"string"}},"scopes":{"type":"array",
  "items":{"type":"string"}},"audiences":{"type":"array","items":{"type":"string"}},
  "claims":{"type":"object"},"algorithm":{"type":"string"},"trusted":{"type":"boolean"},
  "disabled":{"type":"boolean"},"version":{"type":"integer"},"created_at":{"type":"integer"},
  "secret":{"type":"string"}},"required":["id",
  "name","public","authenticates_with","grants","scopes","audiences","claims","trusted","disabled","version",
  "created_at"],"additionalProperties":false},
"ClientSecret": {"type":"object","properties":{"id":{"type":"string"},"secret":{"type":"string"}},
  "required":["id","secret"],"additionalProperties":false},
"Session": {"type":"object","properties":{"sid":{"type":"string"},"client_id":{"type":"string"},
  "scope":{"type":"string"},"audience":{"type":"string"},"auth_time":{"type":"integer"},
  "refreshed_at":{"type":"integer"},"refreshes":{"type":"integer"},"ends_at":{"type":"integer"},
  "user_agent":{"type":"string"},"address":{"type":"string"},"ended_at":{"type":"integer"},
  "end_reason":{"type":"string"}},"required":["sid","client_id","scope","audience","auth_time",
  "refreshed_at","refreshes","ends_at","user_agent","address"],"additionalProperties":false},
"HeldOfUser": {"type":"object","properties":{"user":{"$ref":"#/components/schemas/User"},
  "home":{"type":"string"},"sessions":{"type":"array","items":{"$ref":"#/components/schemas/Session"}},
  "audit":{"type":"array","items":{"type":"object","properties":{"at":{"type":"integer"},
  "kind":{"type":"string"},"detail":{"type":"string"}},"required":["at","kind","detail"],
  "additionalProperties":false}}},"required":["user","sessions","audit"],"additionalProperties":false}
}})json";
// clang-format on

// What a refusal of that status is about; one word for all endpoints, as docs/errors.md has them.
std::string_view meaning(std::string_view status) {
  if (status == "400") return "Malformed";
  if (status == "401") return "No token or credentials, or such as have expired or were revoked";
  if (status == "403") return "Not a good token here, not enough for this, or not from this origin";
  if (status == "404") return "Unknown";
  if (status == "409") return "Not in this state";
  if (status == "429") return "Too many attempts; see Retry-After";
  if (status == "500") return "A fault of ours";
  if (status == "501") return "Mail is not configured";
  return "Not now; see Retry-After";
}

// Calls `take` with each word of a list.
template <class Take>
void each_word(std::string_view list, Take take) {
  while (!list.empty()) {
    const std::size_t end = list.find(' ');
    take(list.substr(0, end));
    list.remove_prefix(end == std::string_view::npos ? list.size() : end + 1);
  }
}

std::string in_json(std::string_view schema) {
  return R"("content":{"application/json":{"schema":)" + std::string(schema) + "}}";
}

std::string security_of(std::string_view named) {
  if (named == "none") return "[]";
  if (named == "user") return R"([{"access_token":[]}])";
  if (named == "cookie") return R"([{"refresh_cookie":[]},{}])";
  if (named == "client") return R"([{"client_secret_basic":[]},{"client_in_form":[]}])";
  return R"([{"issuer_token":[")" + std::string(named) + R"("]}])";
}

// Of the path, and of the query.
std::string parameters_of(const Operation& one) {
  std::string list;
  const auto add = [&](std::string_view name, std::string_view rest) {
    list += (list.empty() ? R"({"name":")" : R"(,{"name":")") + std::string(name) + std::string(rest);
  };
  for (auto at = one.path.find('{'); at != std::string_view::npos; at = one.path.find('{', at + 1))
    add(one.path.substr(at + 1, one.path.find('}', at) - at - 1),
        R"(","in":"path","required":true,"schema":{"type":"string"}})");
  if (one.path.find("{sub}") != std::string_view::npos)
    add("sub", R"(","in":"query","description":"With - in the path: a sub that cannot stand there",)"
               R"("schema":{"type":"string"}})");
  each_word(one.query, [&](std::string_view name) {
    const bool is_number = name == "limit" || name == "before";
    add(name, is_number ? R"(","in":"query","schema":{"type":"integer","minimum":1}})"
                        : R"(","in":"query","schema":{"type":"string"}})");
  });
  return list;
}

std::string answers_of(const Operation& one) {
  const bool is_oauth = one.security == "client";
  std::string list = '"' + std::string(one.status) + R"(":{"description":"Done")";
  if (one.schema == "stream") {
    list += R"(,"content":{"text/event-stream":{"schema":{"type":"string"}}})";
  } else if (one.schema == "text") {
    list += R"(,"content":{"text/plain":{"schema":{"type":"string"}}})";
  } else if (!one.schema.empty()) {
    list += "," + in_json(one.schema);
  }
  list += '}';
  const std::string error =
      in_json(is_oauth ? R"({"$ref":"#/components/schemas/OAuthError"})" : R"({"$ref":"#/components/schemas/Error"})");
  each_word(one.refusals, [&](std::string_view status) {
    list += ",\"" + std::string(status) + R"(":{"description":")" + std::string(meaning(status)) + "\"," + error + '}';
  });
  return list;
}

std::string described(const Operation& one) {
  std::string text =
      '"' + std::string(one.method) + R"(":{"summary":")" + std::string(one.summary) + R"(","security":)";
  text += security_of(one.security);
  if (const std::string parameters = parameters_of(one); !parameters.empty())
    text += R"(,"parameters":[)" + parameters + ']';
  if (!one.body.empty()) {
    const std::string_view type = one.security == "client" ? "application/x-www-form-urlencoded" : "application/json";
    text += R"(,"requestBody":{"required":)" + std::string(one.security == "cookie" ? "false" : "true");
    text += R"(,"content":{")" + std::string(type) + R"(":{"schema":)" + std::string(one.body) + "}}}";
  }
  return text + R"(,"responses":{)" + answers_of(one) + "}}";
}

std::string written() {
  std::string text = R"({"openapi":"3.1.0","info":{"title":"Jeton","version":"1",)"
                     R"("license":{"name":"Apache-2.0","identifier":"Apache-2.0"},)"
                     R"("description":"Sign-in, sessions, OAuth, and management of the issuer."},"paths":{)";
  std::string_view path;
  for (const Operation& one : operations) {
    if (one.path == path) {
      text += ',';
    } else {
      text += (path.empty() ? "\"" : "},\n\"") + std::string(one.path) + "\":{";
    }
    path = one.path;
    text += described(one);
  }
  return text + "}},\n" + std::string(components) + "}";
}

}  // namespace

boost::asio::awaitable<http::Response> answer_openapi(const Context&, const http::Request&) {
  static const std::string document = written();
  http::Response response = http::json_response(200, document);
  response.headers.set("Cache-Control", "public, max-age=300");
  co_return response;
}

}  // namespace jeton::issuer
