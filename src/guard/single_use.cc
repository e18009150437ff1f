#include <jeton/single_use.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <string>
#include <unordered_set>
#include <utility>

namespace jeton {

struct SingleUse::State {
  explicit State(SingleUseOptions given) : options(given) {}

  void forget_ended(UnixTime now) {
    while (!by_end.empty() && by_end.begin()->first <= now) {
      seen.erase(by_end.begin()->second);
      by_end.erase(by_end.begin());
    }
  }

  const SingleUseOptions options;
  std::mutex mutex;
  std::unordered_set<std::string> seen;
  std::multimap<UnixTime, std::string> by_end;
};

SingleUse::SingleUse(SingleUseOptions options) : state_(std::make_unique<State>(options)) {}
SingleUse::~SingleUse() = default;

Result<void> SingleUse::admit(const VerifiedToken& token, UnixTime now) {
  if (token.token_id().empty()) return std::unexpected(Error{Errc::missing_claim, "jti"});
  if (token.expires_at() == UnixTime::max()) return std::unexpected(Error{Errc::missing_claim, "exp"});
  // Neither holds a control character, so the two cannot be cut apart in another way.
  std::string key = std::string(token.issuer()) + '\n' + std::string(token.token_id());
  const std::chrono::seconds leeway =
      std::clamp<std::chrono::seconds>(state_->options.leeway, std::chrono::seconds{0}, std::chrono::days{1});

  const std::lock_guard lock(state_->mutex);
  state_->forget_ended(now);
  if (state_->seen.contains(key)) return std::unexpected(Error{Errc::invalid_claim, "jti", "a token not used before"});
  if (state_->seen.size() >= state_->options.entries_max) return std::unexpected(Error{Errc::verifier_unavailable});
  state_->by_end.emplace(token.expires_at() + leeway, key);
  state_->seen.insert(std::move(key));
  return {};
}

}  // namespace jeton
