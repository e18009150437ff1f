// DecisionRecorder: what the operator sees of decisions: counts by route and reason, and the decision log, one line of
// JSON for a request:
//
//   {"time":"…","level":"info","event":"decision","request":"6b1f…-17","shape":"forward_auth","decision":"refused",
//    "status":403,"reason":"insufficient_plan","route":"high quality stream","method":"GET","host":"api.example.com",
//    "path":"/v1/tracks/7/stream","address":"192.0.2.7","claim":"plan","demanded":"premium","said":"\"free\"",
//    "issuer":"https://id.example.com","subject":"dev_1","client":"web","kid":"k3Vx…"}
//
// Never a token, and no query: both may hold what only the two ends should know. Refusals are logged always, allowed
// requests by a sample, both within a bound of lines a second in which each reason has a share (LogBudget); what goes
// beyond is counted. What was allowed and then ended with its token has a line too, "exchange ended". `jeton why` reads
// both.
// Threads: any.
#pragma once

#include "gateway/log_budget.h"
#include "gateway/rulebook.h"
#include "platform/metrics.h"

#include <jeton/guard.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <string_view>

namespace jeton::gateway {

struct DecisionLogOptions {
  std::uint32_t allowed_one_in = 0;  // of the allowed requests one in so many is logged; 0: none
  std::uint32_t lines_per_second_max = 100;
};

// Told of the `kid` of each token that no known key fits: it may be of a key that is newer than what is known here.
using UnknownKeySeen = std::function<void(std::string_view kid)>;

struct DecidedRequest {
  Shape shape;
  std::string_view id;          // ours
  std::string_view proxy_id{};  // X-Request-Id, as the proxy before us named it
  std::string_view traceparent{};
  const RequestFacts& facts;
  std::string_view introspection{};  // what the issuer said of the token, if it was asked
};

// What was allowed, lasted, and was ended because its token had ended.
struct EndedExchange {
  std::string_view stage;  // how far it had come: "request", "answer", "events", "websocket"
  const Error& why;
  const VerifiedToken& token;
  const Route& route;
};

class DecisionRecorder {
 public:
  DecisionRecorder(platform::Metrics& metrics, DecisionLogOptions options, UnknownKeySeen unknown_key_seen = {});

  void record(const Rulebook& book, const DecidedRequest& request, const Decision& decision, Moment now) const;

  void record_end(const DecidedRequest& request, const EndedExchange& ended, Moment now) const;

  void set_options(const DecisionLogOptions& options) noexcept;

  // Questions to forward-auth that are none: from somebody who is no trusted proxy; without what must be told.
  void count_stranger() const noexcept;
  void count_malformed(std::string_view id, std::string_view why) const;
  // Preflights are not decided: they carry no token. Those of other origins are logged like refusals.
  void record(const DecidedRequest& request, const Preflight& preflight, std::string_view origin, Moment now) const;

 private:
  // What lines have a budget of their own for: each reason, and these.
  enum class Kind : std::uint8_t { allowed, shadow, malformed, ended, preflight };
  static constexpr std::size_t kinds = 5;
  bool may_log(Errc reason, Moment now) const noexcept;
  bool may_log(Kind kind, Moment now) const noexcept;
  void log(const Rulebook& book, const DecidedRequest& request, const Decision& decision, Moment now) const;

  void tell_of_stale(const Allowed& allowed, Moment now) const;
  void compare_with_shadow(const Rulebook& book, const DecidedRequest& request, const Decision& decision,
                           Moment now) const;

  std::atomic<std::uint32_t> allowed_one_in_;
  const UnknownKeySeen unknown_key_seen_;
  platform::Metrics& metrics_;
  platform::Counter& strangers_;
  platform::Counter& malformed_;
  platform::Counter& unlogged_;
  platform::Counter& shadow_refusals_;
  platform::Counter& preflights_allowed_;
  platform::Counter& preflights_refused_;
  mutable std::atomic<std::uint64_t> allowed_seen_ = 0;
  mutable std::atomic<std::uint64_t> stale_told_ = 0;  // the last period in which it was told, counted from 1
  mutable LogBudget budget_;
};

}  // namespace jeton::gateway
