#include "issuer/metrics.h"

#include <fmt/format.h>

#include <iterator>
#include <utility>

namespace jeton::issuer {

std::string_view name_of(store::RotateOutcome outcome) noexcept {
  using enum store::RotateOutcome;
  switch (outcome) {
    case rotated: return "rotated";
    case repeated: return "repeated";
    case superseded: return "superseded";
    case key_reused: return "key_reused";
    case reused: return "reused";
    case went_back: return "went_back";
    case ended: return "ended";
    case unknown: return "unknown";
    case other_client: return "other_client";
    case wider_scope: return "wider_scope";
  }
  std::unreachable();
}

void Metrics::count_rotation(store::RotateOutcome outcome) noexcept {
  rotations_[static_cast<std::size_t>(outcome)].fetch_add(1, std::memory_order_relaxed);
}

void Metrics::count_answer(int status) noexcept {
  const int kind = status / 100;
  answers_[kind >= 1 && kind <= 5 ? static_cast<std::size_t>(kind) : 0].fetch_add(1, std::memory_order_relaxed);
}

std::string Metrics::to_text(const PasswordPool::Counts& passwords, const TokenCache::Counts& cache) const {
  std::string text;
  const auto out = std::back_inserter(text);
  const auto write = [&](std::string_view name, std::string_view type, std::string_view help, std::uint64_t value) {
    fmt::format_to(out, "# HELP {0} {1}\n# TYPE {0} {2}\n{0} {3}\n", name, help, type, value);
  };
  write("jeton_registrations_total", "counter", "Users registered.", registrations);
  write("jeton_logins_total", "counter", "Logins that were good.", logins);
  write("jeton_logins_refused_total", "counter", "Logins with wrong credentials.", logins_refused);
  write("jeton_logouts_total", "counter", "Logouts with a good refresh token.", logouts);
  write("jeton_refresh_tokens_forged_total", "counter", "Refresh tokens refused before any database work.",
        refresh_tokens_forged);
  write("jeton_refresh_faults_total", "counter", "Refreshes that failed through a fault of the issuer's.",
        refresh_faults);
  write("jeton_store_faults_total", "counter", "Other requests that the store could not serve.", store_faults);
  write("jeton_password_hashes_total", "counter", "Password computations begun.", passwords.begun);
  write("jeton_password_queue_refused_total", "counter", "Requests refused because the password queue was full.",
        passwords.refused);
  write("jeton_password_queue_waiting", "gauge", "Requests that wait for a password thread.", passwords.waiting);
  write("jeton_token_cache_hits_total", "counter", "Access tokens found in the cache.", cache.hits);
  write("jeton_token_cache_misses_total", "counter", "Access tokens verified.", cache.misses);
  write("jeton_token_cache_entries", "gauge", "Access tokens in the cache.", cache.entries);

  fmt::format_to(out,
                 "# HELP jeton_refreshes_total Refresh tokens presented with a good MAC, by outcome.\n"
                 "# TYPE jeton_refreshes_total counter\n");
  for (std::size_t i = 0; i < rotations_.size(); ++i) {
    fmt::format_to(out, "jeton_refreshes_total{{outcome=\"{}\"}} {}\n", name_of(static_cast<store::RotateOutcome>(i)),
                   rotations_[i].load(std::memory_order_relaxed));
  }
  fmt::format_to(
      out,
      "# HELP jeton_http_answers_total Answers by class of status code.\n# TYPE jeton_http_answers_total counter\n");
  for (std::size_t kind = 1; kind < answers_.size(); ++kind) {
    fmt::format_to(out, "jeton_http_answers_total{{code=\"{}xx\"}} {}\n", kind,
                   answers_[kind].load(std::memory_order_relaxed));
  }
  return text;
}

}  // namespace jeton::issuer
