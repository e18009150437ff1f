#include "http/streaming_client.h"

#include "http/request_head.h"
#include "http/tls.h"
#include "http/url.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>
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
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr auto awaited = asio::as_tuple(asio::use_awaitable);
constexpr int interim_answers_max = 4;
constexpr std::size_t piece_bytes_max = 16 * 1024, buffer_bytes_max = 64 * 1024;

// A connection, and the one timer that may end it. Shared with the timer's handler, which may come late.
struct Link : std::enable_shared_from_this<Link> {
  explicit Link(const asio::any_io_executor& executor) : resolver(executor), plain(executor), timer(executor) {}

  tcp::socket& socket() { return tls ? tls->next_layer() : plain; }
  void give_up_at(steady_clock::time_point moment) {
    timer.expires_at(moment);
    timer.async_wait([link = weak_from_this(), moment](const error_code& error) {
      const auto self = link.lock();
      if (error || !self || self->timer.expiry() != moment) return;
      self->time_over = true;
      error_code ignored;
      self->resolver.cancel();
      self->socket().close(ignored);
    });
  }
  std::unexpected<Fault> fault(std::string_view what, std::string remedy = "") const {
    return std::unexpected(Fault{fmt::format("{}: {}.", shown, what), std::move(remedy)});
  }
  std::unexpected<Fault> fault_of(const error_code& error, std::string_view doing) const {
    if (time_over) return fault(late);
    if (error == beast::http::error::header_limit)
      return fault(fmt::format("the answer's head is larger than {} bytes", head_bytes_max));
    if (error == beast::http::error::end_of_stream || error == beast::http::error::partial_message ||
        error == asio::error::eof) {
      return fault("the connection ended before the answer did");
    }
    if (error == asio::error::connection_refused) return fault("nothing listens there (connection refused)");
    return fault(fmt::format("{}: {}", doing, error.message()));
  }

  tcp::resolver resolver;
  tcp::socket plain;
  std::optional<TlsStream> tls;
  asio::steady_timer timer;
  std::string shown;
  std::string late;  // what it is called when its time is over
  std::size_t head_bytes_max = 0;
  bool time_over = false;
};

std::string text_of(const FetchRequest& request, const Url& url) {
  std::string text =
      fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\n", name_of(request.method), url.target, url.authority());
  for (const auto& [name, value] : request.headers.fields()) text += fmt::format("{}: {}\r\n", name, value);
  if (request.headers.find("User-Agent") == nullptr) text += "User-Agent: jeton\r\n";
  if (!request.body.empty() || request.method == Method::post)
    text += fmt::format("Content-Length: {}\r\n", request.body.size());
  return text + "Connection: close\r\n\r\n" + request.body;
}

// Wiped when this ends, on whatever way that is.
class WipedAtEnd {
 public:
  WipedAtEnd(std::string& text, bool wipes) noexcept : text_(wipes ? &text : nullptr) {}
  WipedAtEnd(const WipedAtEnd&) = delete;
  WipedAtEnd& operator=(const WipedAtEnd&) = delete;
  ~WipedAtEnd() {
    if (text_ != nullptr) ::explicit_bzero(text_->data(), text_->size());
  }

 private:
  std::string* text_;
};

std::string late_text(milliseconds time_max) { return fmt::format("no whole answer within {} ms", time_max.count()); }

bool can_be_sent(const FetchRequest& request) {
  return std::ranges::all_of(request.headers.fields(), [](const auto& field) {
    const auto& [name, value] = field;
    const bool ours = same_field_name(name, "Host") || same_field_name(name, "Content-Length") ||
                      same_field_name(name, "Connection") || same_field_name(name, "Transfer-Encoding");
    return !ours && is_field_name(name) && is_field_value(value);
  });
}

// An answer whose body comes from `stream`, which is part of `link`.
template <class Stream>
class AnswerOn final : public StreamedAnswer {
 public:
  AnswerOn(std::shared_ptr<Link> link, Stream& stream) : link_(std::move(link)), stream_(stream) {}
  ~AnswerOn() override {
    error_code ignored;
    link_->timer.cancel();
    link_->socket().close(ignored);
  }

  asio::awaitable<Outcome<void>> read_head(const FetchRequest& request) {
    for (int i = 0; i < interim_answers_max; ++i) {
      parser_.emplace();
      parser_->header_limit(static_cast<std::uint32_t>(std::min<std::size_t>(request.head_bytes_max, UINT32_MAX)));
      parser_->body_limit(boost::none);
      if (request.method == Method::head) parser_->skip(true);
      const auto [error, size] = co_await beast::http::async_read_header(stream_, buffer_, *parser_, awaited);
      if (error) co_return link_->fault_of(error, "malformed answer");
      const auto& answer = parser_->get();
      status = static_cast<int>(answer.result_int());
      if (status < 200 && status != 101) continue;
      for (const auto& field : answer) headers.add(std::string(field.name_string()), std::string(field.value()));
      co_return Outcome<void>();
    }
    co_return link_->fault("too many interim answers");
  }

  asio::awaitable<Outcome<std::string>> next(milliseconds silence_max) override {
    link_->late = fmt::format("nothing came for {} ms", silence_max.count());
    link_->give_up_at(steady_clock::now() + silence_max);
    std::string piece(piece_bytes_max, '\0');
    while (!parser_->is_done()) {
      auto& body = parser_->get().body();
      body = {.data = piece.data(), .size = piece.size(), .more = true};
      const auto [error, size] = co_await beast::http::async_read_some(stream_, buffer_, *parser_, awaited);
      if (const std::size_t got = piece.size() - body.size; got > 0) {
        piece.resize(got);
        co_return piece;
      }
      if (error && error != beast::http::error::need_buffer) co_return link_->fault_of(error, "malformed answer");
    }
    co_return std::string();
  }

 private:
  std::shared_ptr<Link> link_;
  Stream& stream_;
  beast::flat_buffer buffer_{buffer_bytes_max};
  std::optional<beast::http::response_parser<beast::http::buffer_body>> parser_;
};

using Opened = Outcome<std::unique_ptr<StreamedAnswer>>;

template <class Stream>
asio::awaitable<Opened> speak(std::shared_ptr<Link> link, Stream& stream, const FetchRequest& request, const Url& url) {
  std::string text = text_of(request, url);
  const WipedAtEnd wiped(text, request.wipes_body);
  const auto [error, written] = co_await asio::async_write(stream, asio::buffer(text), awaited);
  // A server that refuses early may have answered and closed before it read everything.
  if (error && (link->time_over || written == 0)) co_return link->fault_of(error, "cannot send");
  auto answer = std::make_unique<AnswerOn<Stream>>(std::move(link), stream);
  const Outcome<void> head = co_await answer->read_head(request);
  if (!head) co_return std::unexpected(head.error());
  co_return std::unique_ptr<StreamedAnswer>(std::move(answer));
}

bool is_public(const asio::ip::address_v4& address) {
  struct Block {
    std::uint32_t first;
    unsigned bits;
  };
  // The blocks of RFC 6890 that are for one network or one machine, multicast and what is reserved.
  constexpr Block blocks[] = {{0x00000000, 8},  {0x0A000000, 8},  {0x64400000, 10}, {0x7F000000, 8},  {0xA9FE0000, 16},
                              {0xAC100000, 12}, {0xC0000000, 24}, {0xC0A80000, 16}, {0xC6120000, 15}, {0xE0000000, 3}};
  return std::ranges::none_of(
      blocks, [&](const Block& block) { return (address.to_uint() ^ block.first) >> (32 - block.bits) == 0; });
}

bool is_public(const asio::ip::address& address) {
  if (address.is_v4()) return is_public(address.to_v4());
  const asio::ip::address_v6 v6 = address.to_v6();
  if (v6.is_v4_mapped()) return is_public(asio::ip::make_address_v4(asio::ip::v4_mapped, v6));
  return (v6.to_bytes()[0] & 0xE0) == 0x20;  // 2000::/3, all that is given out
}

asio::awaitable<Outcome<void>> connect(Link& link, const Url& url, Reach reach) {
  const auto [not_found, found] = co_await link.resolver.async_resolve(url.host, std::to_string(url.port), awaited);
  if (not_found || link.time_over) co_return link.fault_of(not_found, fmt::format("cannot find {}", url.host));
  std::vector<tcp::endpoint> endpoints;
  for (const auto& entry : found) endpoints.push_back(entry.endpoint());
  const auto is_here = [](const tcp::endpoint& endpoint) { return endpoint.address().is_loopback(); };
  if (!url.tls && !std::ranges::all_of(endpoints, is_here)) {
    co_return link.fault("plain http is spoken with this machine alone", "Use https.");
  }
  const auto is_outside = [](const tcp::endpoint& endpoint) { return is_public(endpoint.address()); };
  if (reach == Reach::public_addresses && !std::ranges::all_of(endpoints, is_outside)) {
    co_return link.fault("its address is none that is public");
  }
  const auto [error, reached] = co_await asio::async_connect(link.plain, endpoints, awaited);
  if (error || link.time_over) co_return link.fault_of(error, "cannot connect");
  co_return Outcome<void>();
}

}  // namespace

struct StreamingClient::State {
  asio::any_io_executor executor;
  std::string ca_file;
  std::optional<asio::ssl::context> tls{};

  asio::awaitable<Outcome<void>> shake_hands(Link& link, const Url& url) {
    if (!tls) {
      auto made = client_tls_context(ca_file);
      if (!made) co_return std::unexpected(std::move(made.error()));
      tls.emplace(std::move(*made));
    }
    link.tls.emplace(std::move(link.plain), *tls);
    if (auto expected = expect_host(*link.tls, url.host); !expected) co_return expected;
    const auto [error] = co_await link.tls->async_handshake(asio::ssl::stream_base::client, awaited);
    if (error) {
      const std::string problem = link.time_over ? "" : certificate_problem(*link.tls);
      co_return problem.empty() ? link.fault_of(error, "TLS failed")
                                : link.fault(fmt::format("its certificate is not good: {}", problem));
    }
    co_return Outcome<void>();
  }
};

StreamingClient::StreamingClient(asio::any_io_executor executor, std::string ca_file)
    : state_(std::make_shared<State>(State{std::move(executor), std::move(ca_file)})) {}
StreamingClient::~StreamingClient() = default;

asio::awaitable<Opened> StreamingClient::open(FetchRequest request, Reach reach) {
  const auto state = state_;
  const WipedAtEnd wiped(request.body, request.wipes_body);
  auto url = parse_url(request.url);
  if (!url) co_return std::unexpected(std::move(url.error()));
  if (request.method == Method::other) co_return std::unexpected(Fault{"a method without a name cannot be sent.", ""});
  if (!can_be_sent(request)) co_return std::unexpected(Fault{"a header field cannot be sent.", ""});
  const auto link = std::make_shared<Link>(state->executor);
  link->shown = fmt::format("{}://{}{}", url->tls ? "https" : "http", url->authority(),
                            url->target.substr(0, url->target.find('?')));
  link->head_bytes_max = request.head_bytes_max;
  link->late = late_text(request.time_max);
  link->give_up_at(steady_clock::now() + request.time_max);
  if (auto connected = co_await connect(*link, *url, reach); !connected) co_return std::unexpected(connected.error());
  if (!url->tls) co_return co_await speak(link, link->plain, request, *url);
  if (auto spoken = co_await state->shake_hands(*link, *url); !spoken) co_return std::unexpected(spoken.error());
  co_return co_await speak(link, *link->tls, request, *url);
}

asio::awaitable<Outcome<Response>> StreamingClient::fetch(FetchRequest request, Reach reach) {
  const auto ends_at = steady_clock::now() + request.time_max;
  const std::size_t body_bytes_max = request.body_bytes_max;
  const std::string shown = request.url.substr(0, request.url.find('?'));
  const Fault late{fmt::format("{}: {}.", shown, late_text(request.time_max)), ""};
  auto answer = co_await open(std::move(request), reach);
  if (!answer) co_return std::unexpected(answer.error());
  Response response{.status = (*answer)->status, .headers = (*answer)->headers, .body = {}};
  while (true) {
    const auto left = std::chrono::ceil<milliseconds>(ends_at - steady_clock::now());
    if (left <= milliseconds(0)) co_return std::unexpected(late);
    auto piece = co_await (*answer)->next(left);
    if (!piece) co_return std::unexpected(steady_clock::now() >= ends_at ? late : piece.error());
    if (piece->empty()) co_return response;
    if (response.body.size() + piece->size() > body_bytes_max) {
      co_return std::unexpected(
          Fault{fmt::format("{}: the answer is larger than {} bytes.", shown, body_bytes_max), ""});
    }
    response.body += *piece;
  }
}

}  // namespace jeton::http
