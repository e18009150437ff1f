// ClientDirectory: the registered clients as this process knows them, read from the store when they are needed and kept
// for a second.
//
// That second is safe: what is taken from a client (its secret, its scopes, all of it) raises its version in the same
// transaction, and a token that is made meanwhile carries the version before, which every verifier that hears of the
// change refuses. Threads: every member may be called from any thread.
#pragma once

#include "platform/clock.h"
#include "store/store.h"

#include <jeton/key_set.h>

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace jeton::issuer {

inline constexpr std::chrono::milliseconds client_age_max{1000};
inline constexpr std::size_t clients_kept_max = 10'000;

struct RegisteredClient {
  store::Client row;
  KeySet keys;  // of row.jwks; empty where that holds none that can be read
};
using ClientPtr = std::shared_ptr<const RegisteredClient>;

class ClientDirectory {
 public:
  ClientDirectory(store::Store& store, const platform::ClockSource& clock) : store_(store), clock_(clock) {}

  // Null where there is no such client. Disabled ones are found too.
  boost::asio::awaitable<store::Result<ClientPtr>> find(std::string id);
  // After this process has changed it.
  void forget(const std::string& id);

 private:
  struct Kept {
    ClientPtr client;
    store::StoreTime read_at;
  };
  ClientPtr kept(const std::string& id, store::StoreTime now);
  void keep(const ClientPtr& client, store::StoreTime now);

  store::Store& store_;
  const platform::ClockSource& clock_;
  std::mutex mutex_;
  std::unordered_map<std::string, Kept> clients_;
};

}  // namespace jeton::issuer
