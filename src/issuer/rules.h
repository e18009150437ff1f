// Rules: what an operator may change while the issuer runs. A request works with the one set that it found when it
// began.
#pragma once

#include "crypto/password_hash.h"
#include "issuer/limits/attempt_limits.h"
#include "store/sessions.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace jeton::issuer {

struct Rules {
  std::chrono::seconds access_lifetime{std::chrono::minutes{15}};
  std::chrono::seconds session_idle{std::chrono::days{30}};
  std::chrono::seconds session_absolute{std::chrono::days{180}};
  std::chrono::seconds refresh_grace{10};
  std::chrono::seconds jwks_max_age{std::chrono::minutes{5}};
  std::chrono::seconds key_rotation_period{std::chrono::days{30}};
  std::chrono::seconds audit_retention{std::chrono::days{400}};
  std::chrono::seconds device_retention{std::chrono::days{90}};          // of addresses and agents in sessions
  std::vector<std::string> claims{"email", "roles", "plan", "team_id"};  // of the user's record, into access tokens
  bool registration_open = true;
  bool metrics_open = true;
  crypto::Argon2Cost argon2{};
  store::SuspicionRules suspicion{.log = 30, .notify = 60, .login = 80, .end = 100};
  std::uint32_t sessions_max = 0;  // live sessions of one user; 0: any number
  std::map<std::string, std::uint32_t, std::less<>> sessions_max_by_plan{};
  store::AtCap at_cap = store::AtCap::oldest_goes;
  std::vector<std::string> origins{};  // of pages elsewhere that may call, as browsers spell them
  bool verified_email_only = false;    // whether an address must be verified before its user may sign in
  std::chrono::seconds verification_lifetime{std::chrono::hours{24}};  // of links by mail
  std::chrono::seconds reset_lifetime{std::chrono::hours{1}};
  AttemptRules attempts{};
};

inline constexpr std::chrono::seconds access_lifetime_max{std::chrono::hours{24}};
inline constexpr std::chrono::seconds refresh_grace_max{300};

// A value that is replaced as a whole while others read it. A reader keeps what it got.
template <class T>
class Replaceable {
 public:
  explicit Replaceable(T value) : value_(std::make_shared<const T>(std::move(value))) {}

  std::shared_ptr<const T> get() const {
    const std::lock_guard lock(mutex_);
    return value_;
  }
  void replace(T value) {
    auto fresh = std::make_shared<const T>(std::move(value));
    const std::lock_guard lock(mutex_);
    value_.swap(fresh);  // the old one ends, if here, after the lock
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const T> value_;
};

}  // namespace jeton::issuer
