// Clients, managed over HTTP.
#include "issuer/access_token.h"
#include "issuer/admin/admin.h"
#include "issuer/admin/records.h"
#include "issuer/completion.h"
#include "issuer/json_body.h"
#include "issuer/oauth/client_record.h"
#include "oauth/scope.h"
#include "oauth/token_request.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace jeton::issuer {
namespace {

constexpr std::string_view reading = "admin:clients:read";
constexpr std::string_view writing = "admin:clients";
constexpr std::chrono::seconds overlap_max{std::chrono::days{90}};
using Awaited = boost::asio::awaitable<http::Response>;

http::Response unknown_client() { return refusal(404, "Unknown client"); }

std::string id_of(const http::Request& request) { return std::string(request.parameter("id")); }

boost::asio::awaitable<std::expected<store::Client, http::Response>> client_of(const Context& context, std::string id) {
  const auto client = co_await completed<std::optional<store::Client>>(
      [&](auto done) { context.store.clients().find_client(std::move(id), std::move(done)); });
  if (!client.has_value()) co_return std::unexpected(management_failed(context, client.error()));
  if (!client->has_value()) co_return std::unexpected(unknown_client());
  co_return **client;
}

using Words = std::expected<std::optional<std::string>, http::Response>;

// A list of texts as a list of words; nothing if the member is absent.
Words words_in(const Value& body, std::string_view name) {
  const Value* member = body.find(name);
  if (member == nullptr) return std::nullopt;
  const auto wrong = [&] { return std::unexpected(refusal(400, std::string(name) + " must be a list of words")); };
  if (member->if_array() == nullptr) return wrong();
  std::vector<std::string> words;
  for (const Value& element : *member->if_array()) {
    if (element.if_string() == nullptr || element.if_string()->find(' ') != std::string::npos) return wrong();
    words.push_back(*element.if_string());
  }
  return oauth::joined(words);
}

// The members of a body that describe a client, each of its type.
std::expected<store::ClientChange, http::Response> change_in(const Value& body) {
  store::ClientChange change;
  for (auto [name, target] : {std::pair{"grants", &change.grants}, std::pair{"scopes", &change.scopes},
                              std::pair{"audiences", &change.audiences}}) {
    auto words = words_in(body, name);
    if (!words.has_value()) return std::unexpected(words.error());
    *target = *std::move(words);
  }
  if (const std::string* name = text_member(body, "name")) change.name = *name;
  if (const Value* algorithm = body.find("algorithm")) {
    if (algorithm->if_string() == nullptr) return std::unexpected(refusal(400, "algorithm must be a text"));
    change.algorithm = *algorithm->if_string();
  }
  if (const Value* claims = body.find("claims")) change.claims_json = claims->to_json();
  if (const Value* jwks = body.find("jwks")) change.jwks = jwks->to_json();
  if (const Value* trusted = body.find("trusted")) {
    if (trusted->if_bool() == nullptr) return std::unexpected(refusal(400, "trusted must be true or false"));
    change.trusted = *trusted->if_bool();
  }
  return change;
}

// A client that chose what the issuer cannot sign with would be refused every token. A shared secret is imported for
// its audience first.
boost::asio::awaitable<bool> can_sign_for(const Context& context, const store::Client& row) {
  const auto& all = context.keyring.algorithms();
  if (row.algorithm.empty() || std::ranges::any_of(all, [&](Algorithm one) { return name_of(one) == row.algorithm; })) {
    co_return true;
  }
  if (row.algorithm != name_of(Algorithm::hs256)) co_return false;
  co_return (co_await signer_for(context, row.audiences, row.algorithm)).has_value();
}

http::Response cannot_sign() { return refusal(400, "algorithm must be one that the issuer has keys of"); }

http::Response done_or_unknown(const Context& context, const std::string& id, const store::Result<bool>& done) {
  context.clients.forget(id);
  if (!done.has_value()) return management_failed(context, done.error());
  return *done ? no_content() : unknown_client();
}

// A client may not give itself or others more than it has: whoever manages clients alone could else make one that
// manages all. With `admin` everything may be given.
bool may_give(const Manager& manager, const store::Client& row) {
  if (manager.token.has_scope("admin")) return true;
  return !row.trusted && oauth::scopes_for_issuer(row.scopes).empty();
}

}  // namespace

Awaited answer_clients(const Context& context, const http::Request& request) {
  const auto manager = co_await manager_of(context, request, reading);
  if (!manager.has_value()) co_return manager.error();
  const auto page = page_of(request);
  if (!page.has_value()) co_return page.error();
  const auto clients = co_await completed<std::vector<store::Client>>(
      [&](auto done) { context.store.clients().list_clients(page->after, page->limit, std::move(done)); });
  if (!clients.has_value()) co_return management_failed(context, clients.error());
  Value list = Value::array();
  for (const store::Client& client : *clients) list.push(as_json(client));
  Value body = Value::object().set("clients", std::move(list));
  if (clients->size() == page->limit) body.set("next", clients->back().id);
  co_return http::json_response(200, body.to_json());
}

Awaited answer_client(const Context& context, const http::Request& request) {
  const auto manager = co_await manager_of(context, request, reading);
  if (!manager.has_value()) co_return manager.error();
  const auto client = co_await client_of(context, id_of(request));
  if (!client.has_value()) co_return client.error();
  co_return http::json_response(200, as_json(*client).to_json());
}

Awaited answer_create_client(const Context& context, const http::Request& request) {
  const auto manager = co_await manager_of(context, request, writing);
  if (!manager.has_value()) co_return manager.error();
  const auto body = read_json_object(request);
  if (!body.has_value()) co_return body.error();
  const auto wanted = change_in(*body);
  if (!wanted.has_value()) co_return wanted.error();
  const std::string* id = text_member(*body, "id");
  const Value* is_public = body->find("public");
  const auto made = client_from({.id = id == nullptr ? "" : *id,
                                 .name = wanted->name.value_or(""),
                                 .is_public = is_public != nullptr && *is_public == Value(true),
                                 .trusted = wanted->trusted.value_or(false),
                                 .jwks = wanted->jwks.value_or(""),
                                 .grants = wanted->grants.value_or(""),
                                 .scopes = wanted->scopes.value_or(""),
                                 .audiences = wanted->audiences.value_or(""),
                                 .claims_json = wanted->claims_json.value_or("{}"),
                                 .algorithm = wanted->algorithm.value_or("")});
  if (!made.has_value()) co_return refusal(400, made.error());
  if (!co_await can_sign_for(context, made->row)) co_return cannot_sign();
  if (!may_give(*manager, made->row)) co_return refusal(403, "Only admin may give rights over the issuer");
  const auto added = co_await completed<store::ClientAddition>(
      [&](auto done) { context.store.clients().add_client(made->row, std::move(done), manager->actor); });
  if (!added.has_value()) co_return management_failed(context, added.error());
  if (*added == store::ClientAddition::id_taken) co_return refusal(409, "Id is taken");
  const auto client = co_await client_of(context, made->row.id);
  if (!client.has_value()) co_return client.error();
  Value answer = as_json(*client);
  if (!made->secret.empty()) answer.set("secret", made->secret);
  co_return http::json_response(201, answer.to_json());
}

Awaited answer_change_client(const Context& context, const http::Request& request) {
  const auto manager = co_await manager_of(context, request, writing);
  if (!manager.has_value()) co_return manager.error();
  const auto body = read_json_object(request);
  if (!body.has_value()) co_return body.error();
  auto change = change_in(*body);
  if (!change.has_value()) co_return change.error();
  const auto before = co_await client_of(context, id_of(request));
  if (!before.has_value()) co_return before.error();
  if (const std::string objection = objection_to_change(*before, *change); !objection.empty())
    co_return refusal(400, objection);
  store::Client wanted = *before;
  wanted.scopes = change->scopes.value_or(before->scopes);
  wanted.trusted = change->trusted.value_or(before->trusted);
  wanted.audiences = change->audiences.value_or(before->audiences);
  wanted.algorithm = change->algorithm.value_or(before->algorithm);
  if ((change->algorithm || change->audiences) && !co_await can_sign_for(context, wanted)) co_return cannot_sign();
  if (!may_give(*manager, wanted)) co_return refusal(403, "Only admin may give rights over the issuer");
  const auto changed = co_await completed<std::optional<store::Client>>([&](auto done) {
    context.store.clients().change_client(id_of(request), *std::move(change), std::move(done), manager->actor);
  });
  context.clients.forget(id_of(request));
  if (!changed.has_value()) co_return management_failed(context, changed.error());
  if (!changed->has_value()) co_return unknown_client();
  co_return http::json_response(200, as_json(**changed).to_json());
}

Awaited answer_rotate_client_secret(const Context& context, const http::Request& request) {
  const auto manager = co_await manager_of(context, request, writing);
  if (!manager.has_value()) co_return manager.error();
  const auto body = read_json_object(request);
  if (!body.has_value()) co_return body.error();
  const Value* overlap = body->find("overlapSeconds");
  if (overlap != nullptr && (overlap->if_integer() == nullptr || *overlap->if_integer() < 0 ||
                             *overlap->if_integer() > overlap_max.count())) {
    co_return refusal(400, "overlapSeconds must be from 0 to 7776000");
  }
  const auto client = co_await client_of(context, id_of(request));
  if (!client.has_value()) co_return client.error();
  if (client->is_public) co_return refusal(409, "A public client has no secret");
  if (!may_give(*manager, *client)) co_return refusal(403, "Only admin may give rights over the issuer");
  const ClientSecret secret = new_client_secret();
  const std::chrono::seconds kept{overlap == nullptr ? 0 : *overlap->if_integer()};
  const auto done = co_await completed<bool>([&](auto call) {
    context.store.clients().replace_secret(client->id, secret.hash, kept, std::move(call), manager->actor);
  });
  context.clients.forget(client->id);
  if (!done.has_value()) co_return management_failed(context, done.error());
  co_return http::json_response(200, Value::object().set("id", client->id).set("secret", secret.text).to_json());
}

Awaited answer_disable_client(const Context& context, const http::Request& request) {
  const auto manager = co_await manager_of(context, request, writing);
  if (!manager.has_value()) co_return manager.error();
  const auto done = co_await completed<bool>([&](auto call) {
    context.store.clients().set_client_disabled(id_of(request), true, std::move(call), manager->actor);
  });
  co_return done_or_unknown(context, id_of(request), done);
}

Awaited answer_enable_client(const Context& context, const http::Request& request) {
  const auto manager = co_await manager_of(context, request, writing);
  if (!manager.has_value()) co_return manager.error();
  const auto done = co_await completed<bool>([&](auto call) {
    context.store.clients().set_client_disabled(id_of(request), false, std::move(call), manager->actor);
  });
  co_return done_or_unknown(context, id_of(request), done);
}

}  // namespace jeton::issuer
