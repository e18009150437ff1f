// Signing keys, managed over HTTP: what `jeton key list|rotate|revoke` does beside the server. Every node loads a
// changed set within a second or so.
#include "issuer/admin/admin.h"
#include "issuer/admin/records.h"
#include "issuer/completion.h"
#include "issuer/json_body.h"
#include "platform/log.h"

#include <algorithm>
#include <string>
#include <utility>

namespace jeton::issuer {
namespace {

constexpr std::string_view reading = "admin:keys:read";
constexpr std::string_view writing = "admin:keys";
using Awaited = boost::asio::awaitable<http::Response>;
using store::KeyChange;
using store::KeySetView;
using store::KeyState;

boost::asio::awaitable<store::Result<KeySetView>> keys_of(const Context& context) {
  co_return co_await completed<KeySetView>([&](auto done) { context.store.signing_keys().read_keys(std::move(done)); });
}

// The key of an algorithm that signs now; empty if there is none.
std::string active_kid(const KeySetView& view, std::string_view algorithm) {
  const auto found = std::ranges::find_if(view.keys, [&](const store::StoredKey& key) {
    return key.algorithm == algorithm && key.audience.empty() && key.state == KeyState::active;
  });
  return found == view.keys.end() ? std::string() : found->kid;
}

void log_change(const Manager& manager, const http::Request& request, std::string_view what, std::string_view which) {
  platform::log_warning(
      "keys changed",
      {{"what", what}, {"which", which}, {"client", manager.token.client_id()}, {"request", request.id}});
}

}  // namespace

Awaited answer_keys(const Context& context, const http::Request& request) {
  const auto manager = co_await manager_of(context, request, reading);
  if (!manager.has_value()) co_return manager.error();
  const auto view = co_await keys_of(context);
  if (!view.has_value()) co_return management_failed(context, view.error());
  Value list = Value::array();
  for (const store::StoredKey& key : view->keys) list.push(as_json(key));
  co_return http::json_response(200,
                                Value::object().set("version", view->version).set("keys", std::move(list)).to_json());
}

Awaited answer_rotate_key(const Context& context, const http::Request& request) {
  const auto manager = co_await manager_of(context, request, writing);
  if (!manager.has_value()) co_return manager.error();
  const auto body = read_json_object(request);
  if (!body.has_value()) co_return body.error();
  const std::string* named = text_member(*body, "algorithm");
  const auto& all = context.keyring.algorithms();
  std::string algorithm(name_of(all.front()));
  if (named != nullptr) algorithm = *named;
  if (std::ranges::none_of(all, [&](Algorithm one) { return name_of(one) == algorithm; }))
    co_return refusal(400, "algorithm must be one that the issuer is configured for");
  const auto changed = co_await completed<KeyChange>(
      [&](auto done) { context.store.signing_keys().rotate_key(algorithm, std::move(done), manager->actor); });
  if (!changed.has_value()) co_return management_failed(context, changed.error());
  if (*changed != KeyChange::done) co_return refusal(409, "No key is ready to take over");
  log_change(*manager, request, "rotated", algorithm);
  const auto view = co_await keys_of(context);
  if (!view.has_value()) co_return management_failed(context, view.error());
  co_return http::json_response(
      200, Value::object().set("alg", algorithm).set("active", active_kid(*view, algorithm)).to_json());
}

Awaited answer_revoke_key(const Context& context, const http::Request& request) {
  const auto manager = co_await manager_of(context, request, writing);
  if (!manager.has_value()) co_return manager.error();
  const std::string kid(request.parameter("kid"));
  const auto before = co_await keys_of(context);
  if (!before.has_value()) co_return management_failed(context, before.error());
  const auto key = std::ranges::find(before->keys, kid, &store::StoredKey::kid);
  if (key == before->keys.end()) co_return refusal(404, "Unknown key");
  const auto changed = co_await completed<KeyChange>(
      [&](auto done) { context.store.signing_keys().revoke_key(kid, std::move(done), manager->actor); });
  if (!changed.has_value()) co_return management_failed(context, changed.error());
  if (*changed == KeyChange::unknown) co_return refusal(404, "Unknown key");
  log_change(*manager, request, "revoked", kid);
  const auto view = co_await keys_of(context);
  if (!view.has_value()) co_return management_failed(context, view.error());
  Value answer = Value::object().set("revoked", kid).set("alg", key->algorithm);
  if (const std::string active = active_kid(*view, key->algorithm); !active.empty()) answer.set("active", active);
  co_return http::json_response(200, answer.to_json());
}

}  // namespace jeton::issuer
