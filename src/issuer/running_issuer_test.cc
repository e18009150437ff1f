#include "issuer/running_issuer.h"

#include "store/sqlite/sqlite_store.h"

#include <jeton/key_set.h>
#include <jeton/verifier.h>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdlib>

namespace jeton::issuer::testing {
namespace {

std::string read_to_end(int fd) {
  std::string text;
  std::array<char, 4096> chunk{};
  for (;;) {
    const ssize_t count = ::recv(fd, chunk.data(), chunk.size(), 0);
    if (count <= 0) return text;
    text.append(chunk.data(), static_cast<std::size_t>(count));
  }
}

HttpAnswer parse_answer(std::string_view text) {
  HttpAnswer answer;
  const std::size_t head_end = text.find("\r\n\r\n");
  if (head_end == std::string_view::npos || text.size() < 12) return answer;
  std::from_chars(text.data() + 9, text.data() + 12, answer.status);
  std::string_view head = text.substr(0, head_end);
  answer.body = text.substr(head_end + 4);
  std::size_t line = head.find("\r\n");
  while (line != std::string_view::npos) {
    const std::size_t begin = line + 2;
    line = head.find("\r\n", begin);
    const std::string_view field = head.substr(begin, line == std::string_view::npos ? line : line - begin);
    const std::size_t colon = field.find(": ");
    if (colon != std::string_view::npos)
      answer.headers.add(std::string(field.substr(0, colon)), std::string(field.substr(colon + 2)));
  }
  return answer;
}

}  // namespace

std::string HttpAnswer::header(std::string_view name) const {
  const std::string* value = headers.find(name);
  return value == nullptr ? std::string() : *value;
}

Value HttpAnswer::json() const {
  auto value = Value::parse(body);
  return value.has_value() ? *std::move(value) : Value();
}

std::string HttpAnswer::text(std::string_view member) const {
  const Value value = json();
  const Value* found = value.find(member);
  return found == nullptr || found->if_string() == nullptr ? std::string() : *found->if_string();
}

HttpAnswer exchange(std::uint16_t port, std::string_view method, std::string_view target, const HeaderList& headers,
                    std::string_view body) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string text;
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    std::string request =
        std::string(method) + ' ' + std::string(target) + " HTTP/1.1\r\nHost: test\r\nConnection: close\r\n";
    for (const auto& [name, value] : headers) request += name + ": " + value + "\r\n";
    if (!body.empty() || method == "POST") request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    request += "\r\n";
    request += body;
    if (::send(fd, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size()))
      text = read_to_end(fd);
  }
  ::close(fd);
  return parse_answer(text);
}

TemporaryDirectory::TemporaryDirectory() {
  std::string pattern = (std::filesystem::temp_directory_path() / "jeton-issuer-XXXXXX").string();
  path_ = ::mkdtemp(pattern.data());
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Rules RunningOptions::quick_rules() {
  Rules rules;
  rules.argon2 = {.memory_bytes = 64 * 1024, .passes = 1};
  // Budgets that only tests of budgets use up.
  constexpr AttemptRate wide{.burst = 100'000, .period = std::chrono::minutes{10}};
  rules.attempts = {.account = wide, .device = wide, .block = wide, .all = wide};
  return rules;
}

SecretBytes master_key_of(unsigned seed) {
  std::array<std::byte, master_key_bytes> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(seed + 7 * i);
  return SecretBytes(bytes);
}

RunningIssuer::RunningIssuer(MovedClock& clock, RunningOptions options) : clock_(clock) {
  issuer_ = std::make_unique<Issuer>(clock, IssuerOptions{.rules = options.rules,
                                                          .algorithm = options.algorithm,
                                                          .further_algorithms = options.further_algorithms,
                                                          .monotonic = &clock,
                                                          .password_pool = options.password_pool,
                                                          .mail_link_base = options.mail_link_base,
                                                          .places = options.places,
                                                          .feed = options.feed});
  http::Router router;
  issuer_->add_routes(router);
  auto server =
      http::Server::listen({.threads = 2, .trusted_proxies = options.trusted_proxies}, std::move(router),
                           [issuer = issuer_.get()](const http::Exchange& exchange) { issuer->observe(exchange); });
  if (!server.has_value()) {
    fault_ = server.error().text();
    return;
  }
  auto store = store::open_sqlite({.path = options.database, .clock = clock});
  if (!store.has_value()) {
    fault_ = store.error().message;
    return;
  }
  store_ = options.wrap_store ? options.wrap_store(*std::move(store)) : *std::move(store);
  const auto started = issuer_->start(*store_, master_key_of(options.master_key_seed),
                                      {.issuer_url = options.issuer_url,
                                       .issuer_default = "http://127.0.0.1:" + std::to_string((*server)->port()),
                                       .store_name = "jeton.db",
                                       .master_key_name = "master.key"});
  if (!started.has_value()) {
    fault_ = started.error().text();
    return;
  }
  if (const auto told = issuer_->prepare_outgoing(options.outgoing()); !told.has_value()) {
    fault_ = told.error().text();
    return;
  }
  // What the background does in the first moments; from here on it is the test's to say when.
  for (bool is_due = true; is_due;) is_due = issuer_->tend_keys_once().value_or(false);
  issuer_->start_feed();
  server_ = *std::move(server);
  thread_ = std::thread([this] { server_->run(); });
}

RunningIssuer::~RunningIssuer() {
  if (server_) server_->stop();
  if (thread_.joinable()) thread_.join();
  issuer_->stop_feed();
}

HttpAnswer RunningIssuer::post(std::string_view target, const Value& body, HeaderList headers) const {
  headers.emplace_back("Content-Type", "application/json");
  return exchange(port(), "POST", target, headers, body.to_json());
}

HttpAnswer RunningIssuer::post_text(std::string_view target, std::string_view body,
                                    std::string_view content_type) const {
  HeaderList headers;
  if (!content_type.empty()) headers.emplace_back("Content-Type", content_type);
  return exchange(port(), "POST", target, headers, body);
}

HttpAnswer RunningIssuer::register_user(std::string_view address, std::string_view secret) const {
  Value body = Value::object();
  body.set("email", address);
  body.set("password", secret);
  return post("/api/auth/register", body);
}

HttpAnswer RunningIssuer::login(std::string_view address, std::string_view secret) const {
  Value body = Value::object();
  body.set("email", address);
  body.set("password", secret);
  return post("/api/auth/login", body);
}

HttpAnswer RunningIssuer::refresh(const std::string& token, const std::string& idempotency_key) const {
  HeaderList headers;
  if (!idempotency_key.empty()) headers.emplace_back("Idempotency-Key", idempotency_key);
  return post("/api/auth/refresh", Value::object().set("refreshToken", token), headers);
}

HttpAnswer RunningIssuer::logout(const std::string& token) const {
  return post("/api/auth/logout", Value::object().set("refreshToken", token));
}

HttpAnswer RunningIssuer::post_as(const std::string& access_token, std::string_view target, const Value& body) const {
  return post(target, body, {{"Authorization", "Bearer " + access_token}});
}

HttpAnswer RunningIssuer::me(const std::string& access_token) const {
  return get("/api/auth/me", {{"Authorization", "Bearer " + access_token}});
}

std::string RunningIssuer::metric(std::string_view line_start) const {
  const std::string text = '\n' + get("/metrics").body;
  const std::size_t begin = text.find('\n' + std::string(line_start) + ' ');
  if (begin == std::string::npos) return {};
  const std::size_t value = begin + line_start.size() + 2;
  return text.substr(value, text.find('\n', value) - value);
}

Value RunningIssuer::claims_of(const std::string& access_token) const {
  auto keys = KeySet::parse(get("/.well-known/jwks.json").body);
  if (!keys.has_value()) return {};
  const Verifier verifier{TrustedIssuer{.issuer = issuer_->foundation().issuer,
                                        .audience = AudienceRule::must_include("api"),
                                        .keys = *std::move(keys),
                                        .profile = Profile::jeton}};
  const auto token = verifier.verify(access_token, clock_.now_seconds());
  return token.has_value() ? token->payload() : Value();
}

}  // namespace jeton::issuer::testing
