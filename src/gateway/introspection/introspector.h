// Introspector: asks issuers about tokens (RFC 7662) whose revocations have not been heard for too long, for routes
// with staleness.then = "introspect". It has an event loop and a thread of its own; who asks waits on his own loop.
//
// One question a token is under way at a time, however many requests wait for it, and what was said is kept for a
// short while, by the digest of the token, and never beyond its `exp`: as old as the route lets revocations be at
// most, so that a route with staleness.max = "0s" has every request asked about anew. An issuer that cannot be
// reached, is too slow or answers with 5xx several times in a row is left alone for a moment, and what would be asked
// about meanwhile has failed; other answers that are none do not count for that, since one token may cause them. All
// numbers are IntrospectionLimits.
//
// The client authenticates by client_secret_post. https, or this machine; no redirect is followed; what is no answer,
// or one about another token (introspection_answer.h), has failed. Failing is never taken for `inactive`.
// Threads: any.
#pragma once

#include "platform/clock.h"
#include "platform/metrics.h"

#include <jeton/guard.h>
#include <jeton/secret.h>

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jeton::gateway {

struct IntrospectionEndpoint {
  std::string issuer{};
  std::string url{};
  std::string client_id{};
  SecretBytes client_secret{};
  std::chrono::milliseconds answer_time_max{1'000};  // for a whole answer, and as long for its turn
  std::chrono::milliseconds answer_age_max{5'000};   // of what was said, counted from when it was asked
  std::chrono::seconds leeway{0};                    // of `exp`, the token's and the answer's
};

struct IntrospectionLimits {
  std::uint32_t asked_at_once_max = 64;       // questions under way
  std::uint32_t waiting_requests_max = 4096;  // for all of them; more have failed
  std::uint32_t answers_max = 65'536;         // kept
  std::uint32_t answer_bytes_max = 64 * 1024;
  std::uint32_t failures_max = 3;  // of one issuer in a row, before it is left alone for
  std::chrono::milliseconds failure_pause{1'000};
};

class Introspector {
 public:
  // The clock and the metrics must outlive it. Nothing runs until it has an endpoint.
  Introspector(const platform::ClockSource& clock, platform::Metrics& metrics, IntrospectionLimits limits = {},
               std::string ca_file = {});
  ~Introspector();  // who waits is told that it failed
  Introspector(const Introspector&) = delete;
  Introspector& operator=(const Introspector&) = delete;

  // In place of those before. What is under way ends as it began; of what was said everything is forgotten.
  void use(std::vector<IntrospectionEndpoint> endpoints);

  // What is known without asking, and is not older than that; `compact`: the text of the token.
  std::optional<Introspection> recall(const VerifiedToken& token, std::string_view compact,
                                      std::chrono::nanoseconds age_max) const;
  // Asks if it must. The caller's executor must run one handler at a time.
  boost::asio::awaitable<Introspection> ask(VerifiedToken token, std::string compact, std::chrono::nanoseconds age_max);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// "active", "inactive", "failed".
std::string_view name_of(Introspection said) noexcept;

}  // namespace jeton::gateway
