// Proxy: passes requests on to upstreams and their answers back, once a decision has said where and with what changes
// (gateway/proxy/forward.h). One for each event loop, with connections of its own; make it by
//
//   http::Server::listen(options, {}, observer, gateway::proxy_service(parts));
//
// with options.paths = raw if `decide` brings paths into one spelling itself.
//
// Bodies go through piece by piece, in both directions at once; each direction holds one piece (16 KiB) and waits for
// the receiver before it reads on. An upstream's answer ends where it says, or the client's connection is cut: half an
// answer never passes for a whole one. A request is sent a second time only if nothing of it can have been acted upon:
// the connection could not be made; or it is GET, HEAD or OPTIONS without a body, and the connection ended before the
// first byte of an answer.
// What lasts ends with its token, within PermitWatch::look_interval of its end, or twice that where it began less than
// that before: the first look only marks it (gateway/proxy/permit_watch.h).
// Answers of our own are `{"error":"…"}`: 400, 408, 413 (the client's body), 405 (TRACE, CONNECT, a method not of A-Z
// and `-`), 502, 503, 504 (the upstream), 508 (the request goes round in circles).
#pragma once

#include "gateway/proxy/forward.h"
#include "gateway/proxy/permit_watch.h"
#include "http/server.h"
#include "http/upstream.h"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

namespace jeton::gateway {

// Decides about each request, once, before its body is read.
using Decide = std::function<boost::asio::awaitable<ProxyDecision>(const http::RequestHead&, const Trace&)>;

// How far an exchange has come.
enum class RelayStage : std::uint8_t { request, answer, events, websocket };
std::string_view name_of(RelayStage stage) noexcept;

// Told of every exchange when it has ended; on the event loops' threads.
struct Relayed {
  const http::RequestHead& request;
  const Trace& trace;
  int status = 0;                             // that the client was sent; 0: none
  const http::Upstream* upstream = nullptr;   // none: it was answered by the decision
  std::string_view server;                    // that answered, or failed last
  std::optional<http::UpstreamError> error;   // of the last attempt
  unsigned attempts = 0;                      // requests of which the upstream may have seen something
  bool complete = false;                      // the client got the whole answer
  std::uint64_t bytes_in = 0, bytes_out = 0;  // of the bodies
  RelayStage stage = RelayStage::request;
  const Permit* permit = nullptr;       // by which it went on, if it came with a token
  std::optional<Error> permit_ended{};  // it was ended because that had
};
using RelayObserver = std::function<void(const Relayed&)>;

struct ProxyParts {
  Decide decide;
  RelayObserver observer{};
  PermitObjection objection{};  // none: nothing ends with its token
};

http::StreamServiceFactory proxy_service(ProxyParts parts);

}  // namespace jeton::gateway
