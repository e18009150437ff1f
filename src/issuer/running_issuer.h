// For the tests of this room: an issuer as it runs, on a real SQLite store in a temporary directory and behind a real
// HTTP server on a free port, with a clock that the test moves.
#pragma once

#include "http/message.h"
#include "http/server.h"
#include "issuer/completion.h"
#include "issuer/courier/outgoing.h"
#include "issuer/issuer.h"
#include "platform/clock.h"
#include "store/store.h"

#include <jeton/secret.h>
#include <jeton/value.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace jeton::issuer::testing {

class MovedClock final : public platform::ClockSource, public platform::MonotonicSource, public store::Clock {
 public:
  store::StoreTime now() const override { return store::StoreTime(std::chrono::milliseconds(milliseconds_.load())); }
  std::chrono::milliseconds ticks() const override { return std::chrono::milliseconds(ticks_.load()); }
  void move(std::chrono::milliseconds by) {
    milliseconds_ += by.count();
    if (by.count() > 0) ticks_ += by.count();  // a wall clock that is set back takes no time back
  }
  // A clock that shows another time than the others do.
  void set_apart(std::chrono::milliseconds by) { milliseconds_ += by.count(); }

 private:
  std::atomic<std::int64_t> milliseconds_ = 1'700'000'000'000;
  std::atomic<std::int64_t> ticks_ = 1000;
};

struct HttpAnswer {
  int status = 0;
  http::Headers headers;
  std::string body;

  std::string header(std::string_view name) const;  // empty if absent
  Value json() const;                               // null if it is none
  std::string text(std::string_view member) const;  // empty if absent
};

using HeaderList = std::vector<std::pair<std::string, std::string>>;

// One request on a connection of its own.
HttpAnswer exchange(std::uint16_t port, std::string_view method, std::string_view target,
                    const HeaderList& headers = {}, std::string_view body = {});

class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  std::string file(std::string_view name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

struct RunningOptions {
  std::string database;      // path
  std::string issuer_url{};  // as configured
  Rules rules = quick_rules();
  Algorithm algorithm = Algorithm::es256;
  std::vector<Algorithm> further_algorithms{};
  PasswordPoolOptions password_pool{};
  unsigned master_key_seed = 1;
  FeedLimits feed{};
  http::TrustedProxies trusted_proxies{};
  std::shared_ptr<const platform::PlaceFile> places{};
  std::optional<std::string> mail_link_base{};
  // Where mail and events go; brought out by deliver() alone, on the test's own thread.
  std::function<OutgoingOptions()> outgoing = [] { return OutgoingOptions{}; };
  // Puts something between the issuer and the store.
  std::function<std::unique_ptr<store::Store>(std::unique_ptr<store::Store>)> wrap_store{};

  static Rules quick_rules();  // the defaults, with password hashes that cost next to nothing
};

// One process's worth: several may run on one database.
class RunningIssuer {
 public:
  RunningIssuer(MovedClock& clock, RunningOptions options);
  ~RunningIssuer();

  bool is_running() const { return fault_.empty(); }
  const std::string& fault() const { return fault_; }  // why it did not start
  Issuer& issuer() { return *issuer_; }
  store::Store& store() { return *store_; }
  std::uint16_t port() const { return server_->port(); }

  HttpAnswer get(std::string_view target, const HeaderList& headers = {}) const {
    return exchange(port(), "GET", target, headers);
  }
  HttpAnswer post(std::string_view target, const Value& body, HeaderList headers = {}) const;
  HttpAnswer post_text(std::string_view target, std::string_view body,
                       std::string_view content_type = "application/json") const;
  HttpAnswer register_user(std::string_view email, std::string_view password) const;
  HttpAnswer login(std::string_view email, std::string_view password) const;
  HttpAnswer refresh(const std::string& token, const std::string& idempotency_key = {}) const;
  HttpAnswer logout(const std::string& token) const;
  // Brings out what is due; how many messages there were.
  std::size_t deliver() { return issuer_->run_outgoing_once(); }
  // With an access token.
  HttpAnswer post_as(const std::string& access_token, std::string_view target, const Value& body) const;
  HttpAnswer me(const std::string& access_token) const;
  std::string metric(std::string_view line_start) const;  // what follows it on its line

  // The claims of a token of this issuer, as somebody sees them who has nothing but the published keys. Null if
  // refused.
  Value claims_of(const std::string& access_token) const;

 private:
  MovedClock& clock_;
  std::string fault_;
  std::unique_ptr<Issuer> issuer_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<http::Server> server_;
  std::thread thread_;
};

SecretBytes master_key_of(unsigned seed);

// What most tests begin with: one issuer, one user.
inline constexpr std::string_view email = "dev@example.com";
inline constexpr std::string_view password = "correct horse battery";

}  // namespace jeton::issuer::testing
