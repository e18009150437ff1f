// fetch: one HTTP request and its answer, blocking, for command-line tools and tests. Not for an event loop.
//
// https is spoken with the certificate verified; plain http with this machine alone (127.0.0.0/8, [::1], localhost),
// whatever a name resolves to. No redirect is followed: a 3xx is an answer like any other. One connection for each
// call.
#pragma once

#include "http/message.h"
#include "platform/fault.h"

#include <chrono>
#include <cstddef>
#include <string>

namespace jeton::http {

struct FetchRequest {
  Method method = Method::get;
  std::string url;
  Headers headers;  // besides Host, Content-Length and Connection, which are the client's own
  std::string body;
  bool wipes_body = false;                     // it holds a secret: StreamingClient leaves no copy in this memory
  std::string ca_file;                         // PEM with further authorities; empty: the system's only
  std::chrono::milliseconds time_max{10'000};  // for the whole exchange (but for what the system's resolver takes)
  std::size_t head_bytes_max = 16 * 1024;      // of the answer
  std::size_t body_bytes_max = 1024 * 1024;    // of the answer
};

// Fault: the address is malformed or may not be fetched, no connection, the certificate is not good, or the answer is
// malformed, too large or too late. The text names the address but for its query, which may hold what is not for a log.
platform::Outcome<Response> fetch(const FetchRequest& request);

}  // namespace jeton::http
