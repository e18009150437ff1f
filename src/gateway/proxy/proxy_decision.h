// ProxyDecider: what the reverse proxy does with a request: the guard's decision, as what is passed on or answered.
// A path that has no canonical form is refused before it meets a route; what is passed on is the form that was decided
// on. Threads: any.
#pragma once

#include "gateway/decision_recorder.h"
#include "gateway/proxy/forward.h"
#include "gateway/proxy/proxy.h"
#include "gateway/rulebook.h"
#include "http/request_head.h"
#include "platform/clock.h"

#include <boost/asio/awaitable.hpp>

namespace jeton::gateway {

class ProxyDecider {
 public:
  // All of them must outlive it.
  ProxyDecider(const CurrentRulebook& rulebook, const DecisionRecorder& recorder, const platform::ClockSource& clock)
      : rulebook_(rulebook), recorder_(recorder), clock_(clock) {}

  // Waits where the route wants the token's issuer asked, and nowhere else.
  boost::asio::awaitable<ProxyDecision> decide(const http::RequestHead& head, const Trace& trace) const;
  // Of what was decided before, by the rulebook of now.
  std::optional<Error> objection_later(const Permit& permit) const;
  // Of one that was ended because its permit had.
  void record_end(const Relayed& relayed) const;

 private:
  const CurrentRulebook& rulebook_;
  const DecisionRecorder& recorder_;
  const platform::ClockSource& clock_;
};

}  // namespace jeton::gateway
