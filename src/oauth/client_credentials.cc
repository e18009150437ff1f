#include "oauth/client_credentials.h"

#include "jose/base64url.h"

#include <jeton/value.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace jeton::oauth {
namespace {

std::unexpected<Fault> refused(FaultCode code, std::string_view description) {
  return std::unexpected(Fault{code, description});
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool is_basic(std::string_view scheme) {
  constexpr std::string_view basic = "basic";
  return std::ranges::equal(scheme, basic, [](char c, char lower) {
    return (c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) == lower;
  });
}

// base64 with padding (RFC 7617), by way of base64url: one spelling alone.
std::optional<std::string> base64_decoded(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  std::string url(text);
  for (char& c : url) {
    if (c == '-' || c == '_') return std::nullopt;
    if (c == '+') c = '-';
    if (c == '/') c = '_';
  }
  const auto bytes = jose::base64url::decode(url);
  if (!bytes.has_value()) return std::nullopt;
  return std::string(reinterpret_cast<const char*>(bytes->data()), bytes->size());
}

// `sub` of a token that nobody has verified.
std::string claimed_subject(std::string_view compact) {
  const std::size_t first = compact.find('.');
  const std::size_t second = first == std::string_view::npos ? first : compact.find('.', first + 1);
  if (second == std::string_view::npos || compact.size() > default_limits.token_bytes_max) return {};
  const auto bytes = jose::base64url::decode(compact.substr(first + 1, second - first - 1));
  if (!bytes.has_value()) return {};
  const auto payload = Value::parse({reinterpret_cast<const char*>(bytes->data()), bytes->size()});
  const Value* sub = payload.has_value() ? payload->find("sub") : nullptr;
  return sub == nullptr || sub->if_string() == nullptr ? std::string() : *sub->if_string();
}

std::expected<ClientCredentials, Fault> from_basic(std::string_view value, const Form& form) {
  const std::size_t space = value.find(' ');
  if (!is_basic(value.substr(0, space)) || space == std::string_view::npos)
    return refused(FaultCode::invalid_client, "the Authorization scheme is not supported");
  const auto text = base64_decoded(trimmed(value.substr(space + 1)));
  const std::size_t colon = text.has_value() ? text->find(':') : std::string::npos;
  if (colon == std::string::npos) return refused(FaultCode::invalid_client, "the Authorization header is malformed");
  auto id = form_decoded(std::string_view(*text).substr(0, colon));
  const auto secret = form_decoded(std::string_view(*text).substr(colon + 1));
  if (!id.has_value() || !secret.has_value() || secret->empty())
    return refused(FaultCode::invalid_client, "the Authorization header is malformed");
  if (form.find("client_secret") != nullptr || form.find("client_assertion") != nullptr)
    return refused(FaultCode::invalid_request, "the client authenticates in more than one way");
  if (const std::string* also = form.find("client_id"); also != nullptr && *also != *id)
    return refused(FaultCode::invalid_request, "client_id is not the client that authenticates");
  return ClientCredentials{.method = ClientMethod::client_secret_basic,
                           .client_id = *std::move(id),
                           .secret = SecretBytes::from_text(*secret)};
}

std::expected<ClientCredentials, Fault> from_assertion(const Form& form) {
  const std::string* type = form.find("client_assertion_type");
  const std::string* assertion = form.find("client_assertion");
  if (type == nullptr || assertion == nullptr)
    return refused(FaultCode::invalid_request, "client_assertion and client_assertion_type belong together");
  if (*type != assertion_type_jwt) return refused(FaultCode::invalid_client, "client_assertion_type is not supported");
  if (form.find("client_secret") != nullptr)
    return refused(FaultCode::invalid_request, "the client authenticates in more than one way");
  const std::string* id = form.find("client_id");
  return ClientCredentials{.method = ClientMethod::private_key_jwt,
                           .client_id = id != nullptr ? *id : claimed_subject(*assertion),
                           .assertion = *assertion};
}

}  // namespace

bool is_client_id(std::string_view text) noexcept {
  return !text.empty() && text.size() <= client_id_bytes_max && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  });
}

std::expected<ClientCredentials, Fault> read_client_credentials(std::span<const std::string_view> authorization,
                                                                const Form& form) {
  if (authorization.size() > 1) return refused(FaultCode::invalid_request, "more than one Authorization header");
  auto read = [&]() -> std::expected<ClientCredentials, Fault> {
    if (!authorization.empty()) return from_basic(trimmed(authorization.front()), form);
    if (form.find("client_assertion") != nullptr || form.find("client_assertion_type") != nullptr)
      return from_assertion(form);
    const std::string* id = form.find("client_id");
    if (id == nullptr) return refused(FaultCode::invalid_client, "no client is named");
    const std::string* secret = form.find("client_secret");
    if (secret == nullptr) return ClientCredentials{.method = ClientMethod::none, .client_id = *id};
    return ClientCredentials{
        .method = ClientMethod::client_secret_post, .client_id = *id, .secret = SecretBytes::from_text(*secret)};
  }();
  if (read.has_value() && !is_client_id(read->client_id))
    return refused(FaultCode::invalid_client, "client authentication failed");
  return read;
}

}  // namespace jeton::oauth
