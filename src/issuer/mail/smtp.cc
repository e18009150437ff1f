#include "issuer/mail/smtp.h"

#include "http/tls.h"
#include "issuer/base64.h"
#include "issuer/mail/mail.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <string_view>
#include <utility>
#include <vector>

namespace jeton::issuer {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using TlsStream = asio::ssl::stream<tcp::socket>;
using Done = std::expected<void, SmtpFault>;

constexpr auto awaited_tuple = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t reply_bytes_max = 8 * 1024;
constexpr int reply_lines_max = 64;

struct Reply {
  int code = 0;
  std::vector<std::string> lines;  // without code and line end

  bool is_good() const { return code >= 200 && code < 400; }
  // An EHLO keyword with its parameters, upper case; empty if it is not offered.
  std::string offer(std::string_view keyword) const {
    for (std::string line : lines) {
      std::ranges::transform(line, line.begin(), [](char c) { return c >= 'a' && c <= 'z' ? char(c - 32) : c; });
      if (line == keyword || line.starts_with(std::string(keyword) + ' ')) return line;
    }
    return {};
  }
};

class Submission {
 public:
  Submission(const SmtpOptions& options, const std::string& from, const std::string& to, const std::string& message)
      : options_(options),
        from_(from),
        to_(to),
        message_(message),
        hello_("EHLO " + from.substr(from.find('@') + 1)),
        resolver_(io_),
        socket_(io_),
        timer_(io_) {}

  Done run() {
    Done result = fault("no answer");
    timer_.expires_after(options_.time_max);
    timer_.async_wait([this](const error_code& error) {
      if (error) return;
      time_over_ = true;
      error_code ignored;
      resolver_.cancel();
      connected_->close(ignored);
    });
    asio::co_spawn(io_, submit(), [&](std::exception_ptr failure, Done outcome) {
      if (!failure) result = std::move(outcome);
      io_.stop();
    });
    io_.run();
    return result;
  }

 private:
  std::unexpected<SmtpFault> fault(std::string_view what, bool is_permanent = false) const {
    return std::unexpected(SmtpFault{fmt::format("{}:{}: {}", options_.host, options_.port, what), is_permanent});
  }
  std::unexpected<SmtpFault> fault_of(const error_code& error, std::string_view doing) const {
    if (time_over_) return fault(fmt::format("not done within {} ms", options_.time_max.count()));
    return fault(fmt::format("{}: {}", doing, error.message()));
  }
  // The reply's code, never its text: it may hold the recipient's address.
  std::unexpected<SmtpFault> refused(std::string_view what, const Reply& reply, bool by_recipient = false) const {
    return fault(fmt::format("{} was answered {}", what, reply.code), by_recipient && reply.code >= 500);
  }

  asio::awaitable<Done> submit();
  asio::awaitable<Done> connect();
  asio::awaitable<Done> upgrade_and_send();
  template <class Stream>
  asio::awaitable<Done> send(Stream& stream, bool is_greeted);
  template <class Stream>
  asio::awaitable<Done> authenticate(Stream& stream, const std::string& offer);
  template <class Stream>
  asio::awaitable<Done> hand_over(Stream& stream, const Reply& ehlo);
  template <class Stream>
  asio::awaitable<std::expected<Reply, SmtpFault>> ask(Stream& stream, std::string command);
  template <class Stream>
  asio::awaitable<std::expected<Reply, SmtpFault>> read_reply(Stream& stream);

  const SmtpOptions& options_;
  const std::string &from_, &to_, &message_;
  const std::string hello_;
  bool time_over_ = false;
  std::string buffer_;
  asio::io_context io_{1};
  tcp::resolver resolver_;
  tcp::socket socket_;
  asio::steady_timer timer_;
  tcp::socket* connected_ = &socket_;
};

template <class Stream>
asio::awaitable<std::expected<Reply, SmtpFault>> Submission::read_reply(Stream& stream) {
  Reply reply;
  for (int i = 0; i < reply_lines_max; ++i) {
    const auto [error, size] =
        co_await asio::async_read_until(stream, asio::dynamic_buffer(buffer_, reply_bytes_max), '\n', awaited_tuple);
    if (error || time_over_) co_return fault_of(error, "no reply");
    std::string line = buffer_.substr(0, size);
    buffer_.erase(0, size);
    while (line.ends_with('\n') || line.ends_with('\r')) line.pop_back();
    const bool has_code =
        line.size() >= 3 && std::ranges::all_of(line.substr(0, 3), [](char c) { return c >= '0' && c <= '9'; });
    if (!has_code) co_return fault("not an SMTP reply");
    reply.code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
    reply.lines.push_back(line.size() > 4 ? line.substr(4) : std::string());
    if (line.size() == 3 || line[3] != '-') co_return reply;
  }
  co_return fault("a reply that does not end");
}

template <class Stream>
asio::awaitable<std::expected<Reply, SmtpFault>> Submission::ask(Stream& stream, std::string command) {
  command += "\r\n";
  const auto [error, written] = co_await asio::async_write(stream, asio::buffer(command), awaited_tuple);
  if (error || time_over_) co_return fault_of(error, "cannot send");
  co_return co_await read_reply(stream);
}

asio::awaitable<Done> Submission::connect() {
  const auto [resolve_error, found] =
      co_await resolver_.async_resolve(options_.host, std::to_string(options_.port), awaited_tuple);
  if (resolve_error) co_return fault_of(resolve_error, "cannot find it");
  std::vector<tcp::endpoint> endpoints;
  for (const auto& entry : found) endpoints.push_back(entry.endpoint());
  const auto is_here = [](const tcp::endpoint& endpoint) { return endpoint.address().is_loopback(); };
  if (options_.security == SmtpSecurity::none && !std::ranges::all_of(endpoints, is_here))
    co_return fault("without TLS only this machine is spoken to");
  const auto [error, reached] = co_await asio::async_connect(socket_, endpoints, awaited_tuple);
  if (error || time_over_) co_return fault_of(error, "cannot connect");
  co_return Done{};
}

asio::awaitable<Done> Submission::submit() {
  if (auto connected = co_await connect(); !connected) co_return connected;
  if (options_.security == SmtpSecurity::none) co_return co_await send(socket_, false);
  if (options_.security == SmtpSecurity::tls) co_return co_await upgrade_and_send();
  const auto greeting = co_await read_reply(socket_);
  if (!greeting) co_return std::unexpected(greeting.error());
  if (greeting->code != 220) co_return refused("the connection", *greeting);
  const auto ehlo = co_await ask(socket_, hello_);
  if (!ehlo) co_return std::unexpected(ehlo.error());
  if (ehlo->offer("STARTTLS").empty()) co_return fault("it offers no STARTTLS, and nothing is sent in clear");
  const auto ready = co_await ask(socket_, "STARTTLS");
  if (!ready) co_return std::unexpected(ready.error());
  if (ready->code != 220) co_return refused("STARTTLS", *ready);
  // What came in clear after the reply would otherwise be taken for replies within TLS.
  if (!buffer_.empty()) co_return fault("it sent more than its reply before TLS began");
  co_return co_await upgrade_and_send();
}

asio::awaitable<Done> Submission::upgrade_and_send() {
  auto context = http::client_tls_context(options_.ca_file);
  if (!context) co_return fault(context.error().text());
  TlsStream stream(std::move(socket_), *context);
  connected_ = &stream.next_layer();
  Done result;
  if (const auto expected = http::expect_host(stream, options_.host); !expected) {
    result = fault(expected.error().text());
  } else if (const auto [error] = co_await stream.async_handshake(asio::ssl::stream_base::client, awaited_tuple);
             error || time_over_) {
    const std::string problem = time_over_ ? "" : http::certificate_problem(stream);
    result = problem.empty() ? fault_of(error, "TLS failed")
                             : fault(fmt::format("its certificate is not good: {}", problem));
  } else {
    result = co_await send(stream, options_.security == SmtpSecurity::starttls);
  }
  connected_ = &socket_;
  co_return result;
}

template <class Stream>
asio::awaitable<Done> Submission::send(Stream& stream, bool is_greeted) {
  if (!is_greeted) {
    const auto greeting = co_await read_reply(stream);
    if (!greeting) co_return std::unexpected(greeting.error());
    if (greeting->code != 220) co_return refused("the connection", *greeting);
  }
  const auto ehlo = co_await ask(stream, hello_);
  if (!ehlo) co_return std::unexpected(ehlo.error());
  if (!ehlo->is_good()) co_return refused("EHLO", *ehlo);
  if (!options_.user.empty()) {
    if (auto known = co_await authenticate(stream, ehlo->offer("AUTH")); !known) co_return known;
  }
  co_return co_await hand_over(stream, *ehlo);
}

template <class Stream>
asio::awaitable<Done> Submission::authenticate(Stream& stream, const std::string& offer) {
  if (!options_.password) co_return fault("no password is configured");
  const auto bytes = options_.password->reveal(InsecureSecretAccess::get());
  const std::string password(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  Reply last;
  if (offer.find(" PLAIN") != std::string::npos) {
    const auto reply =
        co_await ask(stream, "AUTH PLAIN " + base64(std::string(1, '\0') + options_.user + '\0' + password));
    if (!reply) co_return std::unexpected(reply.error());
    last = *reply;
  } else if (offer.find(" LOGIN") != std::string::npos) {
    for (const std::string& line : {std::string("AUTH LOGIN"), base64(options_.user), base64(password)}) {
      const auto reply = co_await ask(stream, line);
      if (!reply) co_return std::unexpected(reply.error());
      last = *reply;
      if (!last.is_good()) break;
    }
  } else {
    co_return fault("it offers neither AUTH PLAIN nor AUTH LOGIN");
  }
  if (last.code != 235) co_return refused("AUTH", last);
  co_return Done{};
}

template <class Stream>
asio::awaitable<Done> Submission::hand_over(Stream& stream, const Reply& ehlo) {
  const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  const bool needs_utf8 = !std::ranges::all_of(to_ + from_, is_ascii);
  if (needs_utf8 && ehlo.offer("SMTPUTF8").empty())
    co_return fault("it does not take addresses beyond ASCII (SMTPUTF8)", true);
  const auto sender = co_await ask(stream, fmt::format("MAIL FROM:<{}>{}", from_, needs_utf8 ? " SMTPUTF8" : ""));
  if (!sender) co_return std::unexpected(sender.error());
  if (!sender->is_good()) co_return refused("MAIL FROM", *sender);
  const auto recipient = co_await ask(stream, fmt::format("RCPT TO:<{}>", to_));
  if (!recipient) co_return std::unexpected(recipient.error());
  if (!recipient->is_good()) co_return refused("RCPT TO", *recipient, true);
  const auto ready = co_await ask(stream, "DATA");
  if (!ready) co_return std::unexpected(ready.error());
  if (ready->code != 354) co_return refused("DATA", *ready);
  // RFC 5321 section 4.5.2: a dot at the beginning of a line is doubled.
  std::string stuffed;
  for (std::string_view rest = message_; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find("\r\n"));
    if (line.starts_with('.')) stuffed += '.';
    stuffed += line;
    stuffed += "\r\n";
    rest.remove_prefix(std::min(rest.size(), line.size() + 2));
  }
  const auto taken = co_await ask(stream, stuffed + ".");
  if (!taken) co_return std::unexpected(taken.error());
  if (taken->code != 250) co_return refused("the message", *taken, true);
  // It is the server's now; how it says goodbye changes nothing.
  static_cast<void>(co_await ask(stream, "QUIT"));
  co_return Done{};
}

}  // namespace

std::expected<void, SmtpFault> send_by_smtp(const SmtpOptions& options, const std::string& from, const std::string& to,
                                            const std::string& message) try {
  if (!is_mailable(from) || !is_mailable(to)) return std::unexpected(SmtpFault{"an address cannot be mailed to", true});
  Submission submission(options, from, to, message);
  return submission.run();
} catch (const std::exception& error) {
  return std::unexpected(SmtpFault{fmt::format("{}:{}: {}", options.host, options.port, error.what()), false});
}

}  // namespace jeton::issuer
