#include "http/client.h"

#include "http/streaming_client.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <fmt/format.h>

#include <exception>
#include <utility>

namespace jeton::http {

using platform::Fault;
using platform::Outcome;

// The streaming client on an event loop of its own: there is one way to connect, and one wording of what can go wrong.
Outcome<Response> fetch(const FetchRequest& request) try {
  boost::asio::io_context loop(1);
  StreamingClient client(loop.get_executor(), request.ca_file);
  Outcome<Response> result = std::unexpected(Fault{"no answer.", ""});
  std::exception_ptr failed;
  boost::asio::co_spawn(loop, client.fetch(request), [&](std::exception_ptr failure, Outcome<Response> outcome) {
    failed = std::move(failure);
    if (!failed) result = std::move(outcome);
    loop.stop();  // what the resolver still does has nobody who waits for it
  });
  loop.run();
  if (failed) std::rethrow_exception(failed);
  return result;
} catch (const std::exception& error) {
  return std::unexpected(Fault{fmt::format("cannot fetch: {}.", error.what()), ""});
}

}  // namespace jeton::http
