#include "http/client.h"

#include "http/request_head.h"
#include "http/tls.h"
#include "http/url.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <utility>
#include <vector>

namespace jeton::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using boost::system::error_code;
using platform::Fault;
using platform::Outcome;
using TlsStream = asio::ssl::stream<tcp::socket>;
using Endpoints = std::vector<tcp::endpoint>;

constexpr auto awaited = asio::as_tuple(asio::use_awaitable);
constexpr int interim_answers_max = 4;

// One exchange on one connection; its members are what the coroutine and the timer share.
class Exchange {
 public:
  Exchange(const FetchRequest& request, Url url)
      : request_(request), url_(std::move(url)), resolver_(io_), socket_(io_), timer_(io_) {
    shown_ = fmt::format("{}://{}{}", url_.tls ? "https" : "http", url_.authority(),
                         url_.target.substr(0, url_.target.find('?')));
  }
  Outcome<Response> run();

 private:
  asio::awaitable<Outcome<Response>> exchange();
  asio::awaitable<Outcome<Endpoints>> resolve();
  asio::awaitable<Outcome<Response>> speak_tls();
  template <class Stream>
  asio::awaitable<Outcome<Response>> speak(Stream& stream);
  std::string request_text() const;
  std::unexpected<Fault> fault(std::string_view what, std::string remedy = "") const;
  std::unexpected<Fault> fault_of(const error_code& error, std::string_view doing) const;
  void give_up();

  const FetchRequest& request_;
  Url url_;
  std::string shown_;
  bool time_over_ = false;
  asio::io_context io_{1};
  tcp::resolver resolver_;
  tcp::socket socket_;
  asio::steady_timer timer_;
  tcp::socket* connected_ = &socket_;  // where the socket is now
};

std::unexpected<Fault> Exchange::fault(std::string_view what, std::string remedy) const {
  return std::unexpected(Fault{fmt::format("{}: {}.", shown_, what), std::move(remedy)});
}

std::unexpected<Fault> Exchange::fault_of(const error_code& error, std::string_view doing) const {
  if (time_over_) return fault(fmt::format("no whole answer within {} ms", request_.time_max.count()));
  if (error == beast::http::error::body_limit)
    return fault(fmt::format("the answer is larger than {} bytes", request_.body_bytes_max));
  if (error == beast::http::error::header_limit)
    return fault(fmt::format("the answer's head is larger than {} bytes", request_.head_bytes_max));
  if (error == beast::http::error::end_of_stream || error == beast::http::error::partial_message) {
    return fault("the connection ended before the answer did");
  }
  if (error == asio::error::connection_refused) return fault("nothing listens there (connection refused)");
  return fault(fmt::format("{}: {}", doing, error.message()));
}

void Exchange::give_up() {
  time_over_ = true;
  error_code ignored;
  resolver_.cancel();
  connected_->close(ignored);
}

Outcome<Response> Exchange::run() {
  Outcome<Response> result = fault("no answer");
  timer_.expires_after(request_.time_max);
  timer_.async_wait([this](const error_code& error) {
    if (!error) give_up();
  });
  asio::co_spawn(io_, exchange(), [&](std::exception_ptr failure, Outcome<Response> outcome) {
    if (!failure) result = std::move(outcome);
    io_.stop();
  });
  io_.run();
  return result;
}

asio::awaitable<Outcome<Endpoints>> Exchange::resolve() {
  const auto [error, found] = co_await resolver_.async_resolve(url_.host, std::to_string(url_.port), awaited);
  if (error) co_return fault_of(error, fmt::format("cannot find {}", url_.host));
  Endpoints endpoints;
  for (const auto& entry : found) endpoints.push_back(entry.endpoint());
  const auto is_here = [](const tcp::endpoint& endpoint) { return endpoint.address().is_loopback(); };
  if (!url_.tls && !std::all_of(endpoints.begin(), endpoints.end(), is_here)) {
    co_return fault("plain http is spoken with this machine alone", "Use https.");
  }
  co_return endpoints;
}

asio::awaitable<Outcome<Response>> Exchange::exchange() {
  const Outcome<Endpoints> endpoints = co_await resolve();
  if (!endpoints) co_return std::unexpected(endpoints.error());
  if (time_over_) co_return fault_of({}, "");
  const auto [error, reached] = co_await asio::async_connect(socket_, *endpoints, awaited);
  if (error || time_over_) co_return fault_of(error, "cannot connect");
  if (url_.tls) co_return co_await speak_tls();
  co_return co_await speak(socket_);
}

asio::awaitable<Outcome<Response>> Exchange::speak_tls() {
  auto context = client_tls_context(request_.ca_file);
  if (!context) co_return std::unexpected(std::move(context.error()));
  TlsStream stream(std::move(socket_), *context);
  connected_ = &stream.next_layer();
  Outcome<Response> result;
  if (const auto expected = expect_host(stream, url_.host); !expected) {
    result = std::unexpected(expected.error());
  } else if (const auto [error] = co_await stream.async_handshake(asio::ssl::stream_base::client, awaited); error) {
    const std::string problem = time_over_ ? "" : certificate_problem(stream);
    result = problem.empty() ? fault_of(error, "TLS failed")
                             : fault(fmt::format("its certificate is not good: {}", problem));
  } else {
    result = co_await speak(stream);
  }
  connected_ = &socket_;
  co_return result;
}

template <class Stream>
asio::awaitable<Outcome<Response>> Exchange::speak(Stream& stream) {
  const std::string text = request_text();
  const auto [write_error, written] = co_await asio::async_write(stream, asio::buffer(text), awaited);
  // A server that refuses early may have answered and closed before it read everything: look for the answer all the
  // same.
  if (write_error && (time_over_ || written == 0)) co_return fault_of(write_error, "cannot send");
  beast::flat_buffer buffer;
  for (int i = 0; i < interim_answers_max; ++i) {
    beast::http::response_parser<beast::http::string_body> parser;
    parser.header_limit(static_cast<std::uint32_t>(std::min<std::size_t>(request_.head_bytes_max, UINT32_MAX)));
    parser.body_limit(request_.body_bytes_max);
    if (request_.method == Method::head) parser.skip(true);
    const auto [read_error, size] = co_await beast::http::async_read(stream, buffer, parser, awaited);
    if (read_error) co_return fault_of(read_error, "malformed answer");
    auto answer = parser.release();
    if (answer.result_int() < 200 && answer.result_int() != 101) continue;
    Response response;
    response.status = static_cast<int>(answer.result_int());
    for (const auto& field : answer) response.headers.add(std::string(field.name_string()), std::string(field.value()));
    response.body = std::move(answer.body());
    co_return response;
  }
  co_return fault("too many interim answers");
}

std::string Exchange::request_text() const {
  std::string text =
      fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\n", name_of(request_.method), url_.target, url_.authority());
  for (const auto& [name, value] : request_.headers.fields()) text += fmt::format("{}: {}\r\n", name, value);
  if (request_.headers.find("User-Agent") == nullptr) text += "User-Agent: jeton\r\n";
  if (!request_.body.empty() || request_.method == Method::post)
    text += fmt::format("Content-Length: {}\r\n", request_.body.size());
  return text + "Connection: close\r\n\r\n" + request_.body;
}

}  // namespace

Outcome<Response> fetch(const FetchRequest& request) try {
  auto url = parse_url(request.url);
  if (!url) return std::unexpected(std::move(url.error()));
  for (const auto& [name, value] : request.headers.fields()) {
    const bool ours = same_field_name(name, "Host") || same_field_name(name, "Content-Length") ||
                      same_field_name(name, "Connection") || same_field_name(name, "Transfer-Encoding");
    if (ours || !is_field_name(name) || !is_field_value(value))
      return std::unexpected(Fault{"a header field cannot be sent.", ""});
  }
  if (request.method == Method::other) return std::unexpected(Fault{"a method without a name cannot be sent.", ""});
  Exchange exchange(request, std::move(*url));
  return exchange.run();
} catch (const std::exception& error) {
  return std::unexpected(Fault{fmt::format("cannot fetch: {}.", error.what()), ""});
}

}  // namespace jeton::http
