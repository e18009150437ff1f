// Metrics: counters of what the issuer did, in the text format of Prometheus.
#pragma once

#include "issuer/password_pool.h"
#include "oauth/fault.h"
#include "platform/metrics.h"
#include "store/sessions.h"

#include <jeton/token_cache.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace jeton::issuer {

// Threads: everything may be called from any thread.
class Metrics {
  platform::Metrics all_;

 public:
  // Their counts are read when the text is asked for: both must be alive then, and need not be before.
  Metrics(const PasswordPool& passwords, const TokenCache& tokens);

  using Counter = platform::Counter;
  Counter& registrations = all_.counter("jeton_registrations_total", "Users registered.");
  Counter& logins = all_.counter("jeton_logins_total", "Logins that were good.");
  Counter& logins_refused = all_.counter("jeton_logins_refused_total", "Logins with wrong credentials.");
  Counter& passwords_changed = all_.counter("jeton_passwords_changed_total", "Passwords changed by their owners.");
  Counter& second_factors_refused =
      all_.counter("jeton_second_factors_refused_total", "Second steps of a login with a wrong code.");
  Counter& links_made = all_.counter("jeton_links_made_total", "One-time links made for a mail.");
  Counter& logouts = all_.counter("jeton_logouts_total", "Logouts with a good refresh token.");
  Counter& refresh_tokens_forged =
      all_.counter("jeton_refresh_tokens_forged_total", "Refresh tokens refused before any database work.");
  Counter& refresh_faults =  // 500
      all_.counter("jeton_refresh_faults_total", "Refreshes that failed through a fault of the issuer's.");
  Counter& store_faults =  // 503
      all_.counter("jeton_store_faults_total", "Other requests that the store could not serve.");

  Counter& client_tokens = all_.counter("jeton_client_tokens_total", "Access tokens that clients got for themselves.");
  Counter& assertion_memory_full =
      all_.counter("jeton_assertion_uses_max_hit_total", "Client assertions refused because too many are remembered.");
  void count_oauth_refusal(oauth::FaultCode code) noexcept;
  Counter& suspicions = all_.counter("jeton_suspicions_total", "Refreshes that reached a threshold of suspicion.");
  struct Feed {
    platform::Gauge& subscribers;
    Counter& refused;  // beyond subscribers_max
    Counter& slow;     // let go
    Counter& heartbeats;
    Counter& entries;
    Counter& snapshots;
    Counter& faults;  // reads of the log that failed
  };
  Feed feed();

  void count_rotation(store::RotateOutcome outcome) noexcept;
  void count_answer(int status, std::chrono::microseconds duration) noexcept;

  // For what has metrics of its own.
  platform::Metrics& all() noexcept { return all_; }

  std::string text() const { return all_.text(); }

 private:
  Counter& limit(std::string_view name);

  std::array<Counter*, static_cast<std::size_t>(store::RotateOutcome::suspected) + 1> rotations_;
  std::array<Counter*, static_cast<std::size_t>(oauth::FaultCode::server_error) + 1> oauth_refusals_;
  std::array<Counter*, 5> answers_;                   // 1xx to 5xx
  Counter& slow_ = limit("time_max");                 // 408
  Counter& long_body_ = limit("body_bytes_max");      // 413
  Counter& long_header_ = limit("header_bytes_max");  // 431
  platform::Histogram& answer_seconds_ = all_.histogram(
      "jeton_http_answer_seconds", "From a request's first byte to its answer.", platform::duration_bounds());
};

// The outcome as in logs and metrics: "rotated".
std::string_view name_of(store::RotateOutcome outcome) noexcept;

}  // namespace jeton::issuer
