#include "issuer/oauth/client_directory.h"

#include "issuer/completion.h"
#include "platform/log.h"

#include <optional>
#include <utility>

namespace jeton::issuer {
namespace {

ClientPtr registered(store::Client row) {
  KeySet keys;
  if (!row.jwks.empty()) {
    auto parsed = KeySet::parse(row.jwks);
    if (parsed.has_value()) {
      keys = *std::move(parsed);
    } else {
      platform::log_error("the keys of a client cannot be read", {{"client", row.id}});
    }
  }
  return std::make_shared<const RegisteredClient>(RegisteredClient{std::move(row), std::move(keys)});
}

}  // namespace

boost::asio::awaitable<store::Result<ClientPtr>> ClientDirectory::find(std::string id) {
  const store::StoreTime now = clock_.now();
  if (ClientPtr client = kept(id, now)) co_return client;
  auto found = co_await completed<std::optional<store::Client>>(
      [&](auto done) { store_.clients().find_client(std::move(id), std::move(done)); });
  if (!found.has_value()) co_return std::unexpected(found.error());
  if (!found->has_value()) co_return ClientPtr();
  ClientPtr client = registered(**std::move(found));
  keep(client, now);
  co_return client;
}

void ClientDirectory::forget(const std::string& id) {
  const std::lock_guard lock(mutex_);
  clients_.erase(id);
}

ClientPtr ClientDirectory::kept(const std::string& id, store::StoreTime now) {
  const std::lock_guard lock(mutex_);
  const auto found = clients_.find(id);
  if (found == clients_.end()) return nullptr;
  const auto age = now - found->second.read_at;
  return age >= std::chrono::milliseconds::zero() && age < client_age_max ? found->second.client : nullptr;
}

void ClientDirectory::keep(const ClientPtr& client, store::StoreTime now) {
  const std::lock_guard lock(mutex_);
  if (clients_.size() >= clients_kept_max) clients_.clear();
  clients_.insert_or_assign(client->row.id, Kept{client, now});
}

}  // namespace jeton::issuer
