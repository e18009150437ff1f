// Edge: a gateway at work: the agent that keeps keys and revocations fresh, the rulebook, and up to three listeners:
// forward-auth, the reverse proxy, and the operator's (/metrics, /healthz, /readyz).
//
// Routes and upstreams are taken over while it runs (replace); issuers, listeners and sizes are those of the start.
// Until the keys of an issuer have been had once, what needs them is refused (503) and /readyz says so; as it does
// until each feed was heard once, or its state of before was found on disk.
#pragma once

#include "gateway/policy_file.h"
#include "http/server.h"
#include "platform/clock.h"
#include "platform/fault.h"

#include <jeton/secret.h>

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

  // Another policy: from the next request on. Fault: nothing has changed. The text names settings that differ and wait
  // for a restart; empty: there are none.
  platform::Outcome<std::string> replace(PolicyFile file, std::optional<PolicyFile> shadow);

 private:
  struct State;
  explicit Edge(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace jeton::gateway
