// Who the client is: credentials against the store.
#include "crypto/digest.h"
#include "crypto/mac.h"
#include "issuer/completion.h"
#include "issuer/json_body.h"
#include "issuer/oauth/oauth.h"
#include "oauth/client_assertion.h"
#include "oauth/metadata.h"
#include "platform/log.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace jeton::issuer {
namespace {

using oauth::ClientMethod;
using oauth::Fault;
using oauth::FaultCode;

std::unexpected<Fault> not_authenticated(std::string_view detail) {
  return std::unexpected(Fault{FaultCode::invalid_client, "client authentication failed", detail});
}

std::unexpected<Fault> store_away() {
  return std::unexpected(Fault{FaultCode::temporarily_unavailable, "", "the store cannot be asked"});
}

bool is_secret_of(const store::Client& client, const SecretBytes& secret, store::StoreTime now) {
  const crypto::Sha256 digest = crypto::sha256(secret.reveal(InsecureSecretAccess::get()));
  const bool is_current = client.secret_hash.has_value() && crypto::ct_equal(digest, *client.secret_hash);
  const bool is_previous = client.previous_secret_hash.has_value() && now < client.previous_secret_until &&
                           crypto::ct_equal(digest, *client.previous_secret_hash);
  return is_current || is_previous;
}

boost::asio::awaitable<std::optional<Fault>> objection_to_assertion(const Context& context,
                                                                    const RegisteredClient& client,
                                                                    const std::string& assertion) {
  const std::string& issuer = context.foundation.issuer;
  const auto token = oauth::verify_assertion(assertion,
                                             {.client_id = client.row.id,
                                              .keys = client.keys,
                                              .audiences = {issuer, oauth::endpoint_of(issuer, oauth::token_path)}},
                                             context.clock.now_seconds());
  if (!token.has_value()) {
    platform::log_info("client assertion refused", {{"client", client.row.id}, {"reason", describe(token.error())}});
    co_return not_authenticated("the assertion is refused").error();
  }
  const store::AssertionUse use{.id = oauth::assertion_use_of(*token), .expires_at = oauth::assertion_end_of(*token)};
  const auto admission = co_await completed<store::Admission>(
      [&](auto done) { context.store.clients().admit_assertion(use, assertion_uses_max, std::move(done)); });
  if (!admission.has_value()) co_return store_away().error();
  switch (*admission) {
    case store::Admission::first: co_return std::nullopt;
    case store::Admission::seen: co_return not_authenticated("the assertion was used before").error();
    case store::Admission::full:
      context.metrics.assertion_memory_full.add();
      co_return Fault{FaultCode::temporarily_unavailable, "", "assertion_uses_max is reached"};
  }
  std::unreachable();
}

bool is_form(const http::Headers& headers) {
  const auto types = headers.all("content-type");
  if (types.size() != 1) return false;
  std::string type(types.front().substr(0, types.front().find(';')));
  std::erase_if(type, [](char c) { return c == ' ' || c == '\t'; });
  std::ranges::transform(type, type.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return type == "application/x-www-form-urlencoded";
}

}  // namespace

std::expected<oauth::Form, Fault> read_form(const http::Request& request) {
  if (!is_form(request.headers))
    return std::unexpected(Fault{FaultCode::invalid_request, "Content-Type must be application/x-www-form-urlencoded"});
  // Credentials in an address stand in logs and histories (RFC 6749 section 2.3.1).
  if (!request.query.empty())
    return std::unexpected(Fault{FaultCode::invalid_request, "parameters belong into the body"});
  return oauth::Form::parse(request.body);
}

boost::asio::awaitable<std::expected<ClientPtr, Fault>> authenticate_client(const Context& context,
                                                                            const http::Request& request,
                                                                            const oauth::Form& form) {
  const std::vector<std::string_view> authorization = request.headers.all("authorization");
  auto credentials = oauth::read_client_credentials(authorization, form);
  if (!credentials.has_value()) co_return std::unexpected(credentials.error());
  const auto found = co_await context.clients.find(credentials->client_id);
  if (!found.has_value()) co_return store_away();
  const ClientPtr client = *found;
  if (!client) co_return not_authenticated("there is no such client");
  if (client->row.disabled) co_return not_authenticated("the client is disabled");
  switch (credentials->method) {
    case ClientMethod::none:
      if (!client->row.is_public) co_return not_authenticated("a confidential client gave no credentials");
      break;
    case ClientMethod::client_secret_basic:
    case ClientMethod::client_secret_post:
      if (!is_secret_of(client->row, credentials->secret, context.clock.now()))
        co_return not_authenticated("wrong secret");
      break;
    case ClientMethod::private_key_jwt:
      if (auto objection = co_await objection_to_assertion(context, *client, credentials->assertion))
        co_return std::unexpected(*objection);
      break;
  }
  co_return client;
}

http::Response oauth_refusal(const Context& context, const http::Request& request, const Fault& fault) {
  context.metrics.count_oauth_refusal(fault.code);
  platform::log(fault.code == FaultCode::server_error ? platform::LogLevel::error : platform::LogLevel::info,
                "oauth request refused",
                {{"path", request.path},
                 {"error", name_of(fault.code)},
                 {"reason", fault.detail.empty() ? fault.description : fault.detail},
                 {"address", request.peer_address},
                 {"request", request.id}});
  http::Response response = http::json_response(status_of(fault.code), body_of(fault));
  response.headers.set("Pragma", "no-cache");
  if (response.status == 401) response.headers.set("WWW-Authenticate", "Basic realm=\"oauth\", charset=\"UTF-8\"");
  if (response.status == 503) response.headers.set("Retry-After", "1");
  return response;
}

http::Response oauth_answer(const Value& body) {
  http::Response response = http::json_response(200, body.to_json());
  response.headers.set("Pragma", "no-cache");
  return response;
}

}  // namespace jeton::issuer
