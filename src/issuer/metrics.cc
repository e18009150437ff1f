#include "issuer/metrics.h"

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
    case other_delivery: return "other_delivery";
    case login_demanded: return "login_demanded";
    case suspected: return "suspected";
  }
  std::unreachable();
}

Metrics::Metrics(const PasswordPool& passwords, const TokenCache& tokens) {
  for (std::size_t i = 0; i < rotations_.size(); ++i) {
    rotations_[i] = &all_.counter("jeton_refreshes_total", "Refresh tokens presented with a good MAC, by outcome.",
                                  {{"outcome", std::string(name_of(static_cast<store::RotateOutcome>(i)))}});
  }
  for (std::size_t i = 0; i < oauth_refusals_.size(); ++i) {
    oauth_refusals_[i] = &all_.counter("jeton_oauth_refusals_total", "Refusals of the OAuth endpoints, by error.",
                                       {{"error", std::string(name_of(static_cast<oauth::FaultCode>(i)))}});
  }
  for (std::size_t i = 0; i < answers_.size(); ++i) {
    answers_[i] = &all_.counter("jeton_http_answers_total", "Answers by class of status code.",
                                {{"code", std::to_string(i + 1) + "xx"}});
  }
  all_.sample_counter("jeton_password_hashes_total", "Password computations begun.",
                      [&passwords] { return passwords.counts().begun; });
  all_.sample_counter("jeton_password_queue_refused_total", "Requests refused because the password queue was full.",
                      [&passwords] { return passwords.counts().refused; });
  all_.sample_gauge("jeton_password_queue_waiting", "Requests that wait for a password thread.",
                    [&passwords] { return passwords.counts().waiting; });
  all_.sample_counter("jeton_token_cache_hits_total", "Access tokens found in the cache.",
                      [&tokens] { return tokens.counts().hits; });
  all_.sample_counter("jeton_token_cache_misses_total", "Access tokens verified.",
                      [&tokens] { return tokens.counts().misses; });
  all_.sample_counter("jeton_token_cache_evictions_total", "Access tokens that made room for others in the cache.",
                      [&tokens] { return tokens.counts().evictions; });
  all_.sample_gauge("jeton_token_cache_entries", "Access tokens in the cache.",
                    [&tokens] { return tokens.counts().entries; });
}

Metrics::Feed Metrics::feed() {
  constexpr const char* limits = "jeton_feed_limits_hit_total";
  constexpr const char* limits_help = "Verifiers refused, or let go, because of a limit of the feed.";
  return {
      .subscribers = all_.gauge("jeton_feed_subscribers", "Verifiers that follow the revocation feed."),
      .refused = all_.counter(limits, limits_help, {{"limit", "subscribers_max"}}),
      .slow = all_.counter(limits, limits_help, {{"limit", "waiting_bytes_max"}}),
      .heartbeats = all_.counter("jeton_feed_heartbeats_total", "Heartbeats of the feed that were signed."),
      .entries = all_.counter("jeton_feed_entries_total", "Revocations that were read from the log and sent."),
      .snapshots = all_.counter("jeton_feed_snapshots_total", "Snapshots of the feed that were made."),
      .faults = all_.counter("jeton_feed_faults_total", "Reads of the feed's log that failed."),
  };
}

Metrics::Counter& Metrics::limit(std::string_view name) {
  return all_.counter("jeton_http_limits_hit_total", "Requests refused because of a limit of the server.",
                      {{"limit", std::string(name)}});
}

void Metrics::count_rotation(store::RotateOutcome outcome) noexcept {
  rotations_[static_cast<std::size_t>(outcome)]->add();
}

void Metrics::count_oauth_refusal(oauth::FaultCode code) noexcept {
  oauth_refusals_[static_cast<std::size_t>(code)]->add();
}

void Metrics::count_answer(int status, std::chrono::microseconds duration) noexcept {
  if (status >= 100 && status <= 599) answers_[static_cast<std::size_t>(status / 100 - 1)]->add();
  switch (status) {
    case 408: slow_.add(); break;
    case 413: long_body_.add(); break;
    case 431: long_header_.add(); break;
    default: break;
  }
  answer_seconds_.observe(std::chrono::duration<double>(duration).count());
}

}  // namespace jeton::issuer
