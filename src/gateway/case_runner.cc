#include "gateway/policy_cases.h"

#include <jeton/jws.h>
#include <jeton/path.h>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace jeton::gateway {
namespace {

// "$now", "$now+600", "$now-5": that time; anything else stays.
Value with_times(const Value& value, std::int64_t now) {
  if (const auto* text = value.if_string(); text != nullptr && text->starts_with("$now")) {
    std::string_view rest = std::string_view(*text).substr(4);
    if (rest.starts_with('+')) rest.remove_prefix(1);
    std::int64_t offset = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), offset);
    if (rest.empty() || (error == std::errc() && end == rest.data() + rest.size())) return now + offset;
  }
  if (const auto* list = value.if_array()) {
    Value out = Value::array();
    for (const Value& element : *list) out.push(with_times(element, now));
    return out;
  }
  if (const auto* object = value.if_object()) {
    Value out = Value::object();
    for (const auto& [name, member] : *object) out.set(name, with_times(member, now));
    return out;
  }
  return value;
}

Value audience_of(const PolicyFile& file) {
  if (file.audiences.empty()) return "api";
  if (file.audiences.size() == 1) return file.audiences.front();
  Value all = Value::array();
  for (const std::string& audience : file.audiences) all.push(audience);
  return all;
}

// What an access token of a signed-in user says (RFC 9068, and Jeton's own claims).
Value usual_claims(const PolicyCase& one, const std::string& issuer, const PolicyFile& file, std::int64_t now) {
  Value claims = Value::object();
  claims.set("iss", issuer).set("sub", "u1");
  claims.set("aud", audience_of(file));
  claims.set("client_id", "app");
  claims.set("iat", now);
  claims.set("exp", now + 600);
  claims.set("jti", fmt::format("case-{}", one.line));
  claims.set("sid", "AAAAAAAAAAAAAAAAAAAAAA");
  claims.set("gen", 0);
  claims.set("ver", 1);
  return claims;
}

Value claims_of(const PolicyCase& one, const std::string& issuer, const PolicyFile& file, std::int64_t now) {
  const Value usual = usual_claims(one, issuer, file, now);
  Value claims = Value::object();
  for (const auto& [name, value] : *usual.if_object()) {
    if (std::ranges::find(one.without, name) == one.without.end()) claims.set(name, value);
  }
  const Value given = with_times(one.claims, now);
  for (const auto& [name, value] : *given.if_object()) claims.set(name, value);
  return claims;
}

// A key with the kid of another, as a forger would name it.
SigningKey stranger_to(const SigningKey& key) {
  SigningKey other = SigningKey::generate(key.algorithm());
  const SecretBytes text = other.to_private_jwk(InsecureSecretAccess::get());
  const auto bytes = text.reveal(InsecureSecretAccess::get());
  Value jwk = Value::parse({reinterpret_cast<const char*>(bytes.data()), bytes.size()}).value();
  jwk.set("kid", key.kid());
  return SigningKey::from_jwk(jwk.to_json()).value();
}

std::string shown(const std::vector<CaseHeader>& headers) {
  std::string text;
  for (const auto& [name, value] : headers) text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", name, value);
  return text.empty() ? "none" : text;
}

std::string answer_header(const Answer& answer, std::string_view name) {
  for (const auto& [header, value] : answer.headers) {
    if (header == name) return value;
  }
  return {};
}

}  // namespace

CaseSigner::CaseSigner(const PolicyFile& file) : file_(file) {
  for (const IssuerSettings& issuer : file.issuers) {
    keys_.push_back(SigningKey::generate(issuer.algorithms.empty() ? Algorithm::es256 : issuer.algorithms.front()));
    strangers_.push_back(stranger_to(keys_.back()));
  }
}

Verifier CaseSigner::verifier() const {
  std::vector<TrustedIssuer> issuers;
  for (std::size_t i = 0; i < keys_.size(); ++i)
    issuers.push_back(trusted_issuer(file_.issuers[i], file_, KeySet({keys_[i].verification_key()})));
  return Verifier(std::move(issuers));
}

std::string CaseSigner::token(const PolicyCase& one, UnixTime now) const {
  if (one.token == PolicyCase::Token::none || keys_.empty()) return {};
  const auto found = std::ranges::find(file_.issuers, one.issuer, &IssuerSettings::url);
  const std::size_t place = found == file_.issuers.end() ? 0 : static_cast<std::size_t>(found - file_.issuers.begin());
  const std::string payload = claims_of(one, file_.issuers[place].url, file_, to_unix_seconds(now)).to_json();
  const SigningKey& key = one.token == PolicyCase::Token::forged ? strangers_[place] : keys_[place];
  std::string token = jws_sign(key, payload, {.typ = one.typ}).value();
  if (one.token != PolicyCase::Token::changed) return token;
  // One claim more, under the signature of the others.
  const std::string other =
      jws_sign(key, payload.substr(0, payload.size() - 1) + R"(,"x":1})", {.typ = one.typ}).value();
  return other.substr(0, other.rfind('.')) + token.substr(token.rfind('.'));
}

std::vector<CaseHeader> headers_of(const PolicyCase& one, const std::string& token) {
  std::vector<CaseHeader> headers;
  bool has_authorization = false;
  for (auto [name, value] : one.headers) {
    has_authorization = has_authorization || name == "Authorization" || name == "authorization";
    if (const std::size_t place = value.find("$TOKEN"); place != value.npos) value.replace(place, 6, token);
    headers.emplace_back(std::move(name), std::move(value));
  }
  if (!has_authorization && !token.empty()) headers.emplace_back("Authorization", "Bearer " + token);
  return headers;
}

CaseRunner::CaseRunner(const PolicyFile& file)
    : signer_(file), guard_(signer_.verifier(), file.routes, {.cache = &cache_, .limiter = &limiter_}) {}

Decision CaseRunner::decide(const PolicyCase& one, Moment now) {
  const auto headers = headers_of(one, signer_.token(one, now.wall));
  std::vector<std::string_view> authorization;
  for (const auto& [name, value] : headers) {
    if (name == "Authorization" || name == "authorization") authorization.emplace_back(value);
  }
  const auto path = canonical_path(one.path);
  return guard_.decide({.method = one.method,
                        .scheme = one.scheme,
                        .host = one.host,
                        .path = path.has_value() ? *path : one.path,
                        .query = one.query,
                        .authorization = authorization,
                        .form_body = one.form,
                        .address = one.address},
                       now);
}

std::string CaseRunner::objection_to(const PolicyCase& one, Moment now) {
  Decision decision = decide(one, now);
  for (int i = 1; i < one.repeated; ++i) decision = decide(one, now);
  const Allowed* const allowed = decision.allowed();
  const Refused* const refused = decision.refused();
  const Route* const route = allowed != nullptr ? allowed->route : refused->route;
  const std::string met = route == nullptr ? "no route" : fmt::format("route \"{}\"", route->name);
  if (allowed != nullptr && !one.code.empty()) return "is allowed by " + met;
  if (refused != nullptr) {
    const std::string_view code = name_of(refused->error.code);
    if (one.code != code || one.status != refused->answer.status) {
      return fmt::format("is refused: {} {} ({}), {}", refused->answer.status, code, describe(refused->error), met);
    }
    const std::string challenge = answer_header(refused->answer, "WWW-Authenticate");
    if (one.challenge.has_value() && *one.challenge != challenge) return "is answered with the challenge " + challenge;
    if (one.body.has_value() && *one.body != refused->answer.body) return "is answered with " + refused->answer.body;
  }
  if (one.route.has_value() && (route == nullptr ? "" : route->name) != *one.route) return "meets " + met;
  if (allowed != nullptr && one.pass.has_value()) {
    std::vector<CaseHeader> passed;
    for (const PassedHeader& header : allowed->pass) passed.emplace_back(header.name->text(), header.value.text());
    auto expected = *one.pass;
    std::ranges::sort(passed);
    std::ranges::sort(expected);
    if (passed != expected) return "passes on " + shown(passed);
  }
  const auto path = canonical_path(one.path);
  if (one.forwards.has_value() && path != *one.forwards) return "forwards " + path.value_or("nothing");
  return {};
}

}  // namespace jeton::gateway
