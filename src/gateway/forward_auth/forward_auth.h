// ForwardAuth: answers a proxy that asks, for each request of its clients, whether to let it in, and as whom
// (forward_auth/original_request.h has the ways of asking).
//
// Allowed: 200, and every header that a route can pass on, empty where this request does not get it (for Envoy those
// are named in x-envoy-auth-headers-to-remove). Refused: the status, headers and body that the client is to get. For
// nginx, which takes nothing but 2xx, 401 and 403, any other status is told as 403, and the true one travels in
// Jeton-Status, with Jeton-Body; examples/nginx maps them back.
//
// Only the listener's trusted proxies are answered: who else may ask learns nothing. Until there are keys everything is
// refused (503).
// Threads: any; it is an http::InlineHandler.
#pragma once

#include "gateway/decision_recorder.h"
#include "gateway/forward_auth/original_request.h"
#include "gateway/rulebook.h"
#include "http/forwarded.h"
#include "http/inline_answer.h"
#include "platform/clock.h"

#include <boost/asio/awaitable.hpp>

#include <memory>

namespace jeton::gateway {

class ForwardAuth {
 public:
  // All of them must outlive it.
  ForwardAuth(const CurrentRulebook& rulebook, const DecisionRecorder& recorder, const platform::ClockSource& clock)
      : rulebook_(rulebook), recorder_(recorder), clock_(clock) {}

  // Leaves what is no question to the router.
  void answer(const http::InlineRequest& question, http::InlineAnswer& answer) const;

 private:
  struct Waiting;
  void decide(const Rulebook& book, QuestionStyle style, const OriginalRequest& original,
              const http::InlineRequest& question, http::InlineAnswer& answer) const;
  boost::asio::awaitable<void> answer_late(std::shared_ptr<const Waiting> waiting, http::InlineAnswer& answer) const;
  const CurrentRulebook& rulebook_;
  const DecisionRecorder& recorder_;
  const platform::ClockSource& clock_;
};

}  // namespace jeton::gateway
