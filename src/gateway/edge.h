// Edge: a gateway at work: the agent that keeps keys and revocations fresh, the rulebook, and up to three listeners:
// forward-auth, the reverse proxy, and the operator's (/metrics, /healthz, /readyz).
//
// Another policy file is taken over while it runs (replace): routes, upstreams, issuers, trusted proxies, the log, the
// state's place; listeners, threads and sizes are those of the start (gateway/reload.h).
// Until the keys of an issuer have been had once, what needs them is refused (503) and /readyz says so; as it does
// until each feed was heard once, or its state of before was found on disk.
#pragma once

#include "gateway/policy_file.h"
#include "http/server.h"
#include "platform/clock.h"
#include "platform/fault.h"

#include <jeton/secret.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace jeton::gateway {

// What the file names and this room does not read by itself.
struct EdgeSecrets {
  struct OfIssuer {
    std::string feed_key{};  // a JWK or a JWK Set, as text
    SecretBytes client_secret{};
  };
  std::vector<OfIssuer> issuers{};  // in the file's order
  SecretBytes shared_limits{}, shared_limits_password{};
};

class Edge {
 public:
  // `clock` must outlive it. Fault: an address that is taken, a file that cannot be read, a key that is none.
  static platform::Outcome<std::unique_ptr<Edge>> start(PolicyFile file, std::optional<PolicyFile> shadow,
                                                        EdgeSecrets secrets, const platform::ClockSource& clock);
  ~Edge();

  // "forward-auth http://127.0.0.1:8082, proxy http://127.0.0.1:8081, operations http://127.0.0.1:9091".
  std::string addresses() const;
  // Until stop().
  void run();
  void stop() noexcept;  // from any thread

  // Another policy, whole: from the next request on. Where issuers or their secrets have changed it waits, up to
  // issuer_wait_max, for the keys and feeds of the new ones, and meanwhile the old policy goes on. Fault: nothing has
  // changed; one is that of an issuer that stays, keys or revocations would not be known any more. The text names
  // settings that differ and wait for a restart; empty: there are none.
  // Threads: any, one call at a time; not an event loop's.
  static constexpr std::chrono::milliseconds issuer_wait_max{2'000};
  platform::Outcome<std::string> replace(PolicyFile file, std::optional<PolicyFile> shadow, EdgeSecrets secrets);

 private:
  struct State;
  explicit Edge(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace jeton::gateway
