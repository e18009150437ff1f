#include "issuer/keyring.h"

#include "crypto/digest.h"
#include "issuer/completion.h"
#include "issuer/keys/key_rows.h"
#include "jose/base64url.h"
#include "platform/log.h"

#include <jeton/key.h>
#include <jeton/key_set.h>
#include <jeton/verifier.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

namespace jeton::issuer {
namespace {

using store::KeySetView;
using store::KeyState;
using store::StoredKey;

constexpr std::int64_t never = std::numeric_limits<std::int64_t>::min() / 2;
// Between two questions to a store that does not answer.
constexpr Ticks ask_again_after{500};

std::string etag_of(std::string_view body) {
  const crypto::Sha256 digest = crypto::sha256(body);
  return '"' + jose::base64url::encode(std::span(digest).first<16>()) + '"';
}

Guard guard_of(KeySet keys, const Foundation& foundation, TokenCache& cache) {
  Verifier verifier{TrustedIssuer{.issuer = foundation.issuer,
                                  .audience = AudienceRule::must_include(foundation.audience),
                                  .keys = std::move(keys),
                                  .profile = Profile::jeton}};
  return Guard(std::move(verifier), Policy{.realm = foundation.audience}, {.cache = &cache});
}

Keyring::Keys no_keys(const Keyring::Parts& parts, std::string_view default_algorithm) {
  const KeySet none;
  std::string jwks = none.to_jwks();
  std::string etag = etag_of(jwks);
  return {.version = 0,
          .default_algorithm = std::string(default_algorithm),
          .signers = {},
          .secrets = {},
          .guard = guard_of(none, parts.foundation, parts.cache),
          .jwks = std::move(jwks),
          .etag = std::move(etag)};
}

void raise(std::atomic<std::int64_t>& value, std::int64_t to) {
  for (std::int64_t seen = value.load(); seen < to && !value.compare_exchange_weak(seen, to);) {
  }
}

const Signer* find(const std::map<std::string, Signer, std::less<>>& signers, std::string_view name) {
  const auto found = signers.find(name);
  return found == signers.end() ? nullptr : &found->second;
}

}  // namespace

const Signer* Keyring::Keys::signer(Algorithm algorithm) const { return find(signers, name_of(algorithm)); }
const Signer* Keyring::Keys::secret_for(std::string_view audience) const { return find(secrets, audience); }

const Signer* Keyring::Keys::default_signer() const {
  if (const Signer* configured = find(signers, default_algorithm)) return configured;
  return signers.empty() ? nullptr : &signers.begin()->second;
}

namespace {

// An operator who has changed the default algorithm should know when it begins to count.
void say_what_signs(const Keyring::Keys& before, const Keyring::Keys& now) {
  const auto default_of = [](const Keyring::Keys& keys) {
    const Signer* signer = keys.default_signer();
    return signer == nullptr ? std::string_view{} : name_of(signer->key().algorithm());
  };
  const std::string_view signs = default_of(now);
  if (signs.empty() || signs == default_of(before)) return;
  if (signs == now.default_algorithm) {
    if (before.version != 0) platform::log_info("access tokens are signed as configured", {{"algorithm", signs}});
    return;
  }
  platform::log_warning("access tokens are signed with another algorithm than configured",
                        {{"algorithm", signs},
                         {"configured", now.default_algorithm},
                         {"reason", "its key is not known to every verifier yet; see jeton key list"}});
}

}  // namespace

Keyring::Keyring(Parts parts, std::vector<Algorithm> algorithms)
    : parts_(parts),
      algorithms_(std::move(algorithms)),
      node_id_(random_id()),
      keys_(no_keys(parts_, name_of(algorithms_.front()))),
      confirmed_at_(never),
      failed_at_(never) {}

bool Keyring::is_trusted() const { return now().count() - confirmed_at_.load() < node_trust.count(); }

Keyring::Asking Keyring::ask() const {
  const auto keys = current();
  const auto rules = parts_.rules.get();
  const std::chrono::seconds lifetime{std::max(rules->access_lifetime.count(), lifetime_wanted_.load())};
  Asking asking{.report = {.id = node_id_,
                           .version = keys->version,
                           .signing_kids = {},
                           .expires_at = parts_.clock.now() + lifetime + node_lease,
                           .max_age = rules->jwks_max_age},
                .lifetime = lifetime,
                .began = now()};
  for (const auto* signers : {&keys->signers, &keys->secrets}) {
    for (const auto& [name, signer] : *signers) asking.report.signing_kids.emplace_back(signer.key().kid());
  }
  return asking;
}

platform::Outcome<Keyring::Keys> Keyring::load(const KeySetView& view, const Keys& before) const {
  Keys keys{.version = view.version,
            .default_algorithm = before.default_algorithm,
            .signers = {},
            .secrets = {},
            .guard = before.guard,
            .jwks = {},
            .etag = {}};
  std::vector<VerificationKey> published;
  for (const StoredKey& row : view.keys) {
    if (row.audience.empty() && is_published(row.state)) {
      auto key = public_key_of(row);
      if (!key.has_value()) return std::unexpected(key.error());
      published.push_back(*std::move(key));
    }
    if (row.state != KeyState::active) continue;
    const bool is_secret = !row.audience.empty();
    const Signer* same = is_secret ? before.secret_for(row.audience) : find(before.signers, row.algorithm);
    auto& signers = is_secret ? keys.secrets : keys.signers;
    const std::string& name = is_secret ? row.audience : row.algorithm;
    if (same != nullptr && same->key().kid() == row.kid) {
      signers.emplace(name, *same);
      continue;
    }
    auto key = open_row(row, parts_.foundation.sealing_key);
    if (!key.has_value()) return std::unexpected(key.error());
    signers.emplace(name, Signer(*std::move(key), {.issuer = parts_.foundation.issuer,
                                                   .audiences = {is_secret ? row.audience : parts_.foundation.audience},
                                                   .lifetime = access_lifetime_max}));
  }
  KeySet set(std::move(published));
  keys.jwks = set.to_jwks();
  keys.etag = etag_of(keys.jwks);
  // The same keys are published: the guard stays, and with it what the token cache knows.
  if (keys.etag != before.etag) keys.guard = guard_of(std::move(set), parts_.foundation, parts_.cache);
  return keys;
}

platform::Outcome<void> Keyring::take(const KeySetView& view, const Asking& asked) {
  const std::lock_guard lock(taking_);
  const auto before = current();
  if (view.version < before->version && asked.began.count() < confirmed_at_.load()) return {};  // overtaken by a later
  if (view.version != before->version) {
    auto keys = load(view, *before);
    if (!keys.has_value()) return std::unexpected(keys.error());
    say_what_signs(*before, *keys);
    keys_.replace(*std::move(keys));
    platform::log_debug("signing keys loaded", {{"version", view.version}});
  }
  lifetime_told_ = asked.lifetime.count();
  max_age_ = asked.report.max_age.count();
  raise(confirmed_at_, asked.began.count());
  return {};
}

boost::asio::awaitable<bool> Keyring::ask_the_store() {
  const Asking asking = ask();
  if (asking.began.count() - failed_at_.load() < ask_again_after.count()) co_return false;
  const auto view = co_await completed<KeySetView>(
      [&](auto done) { parts_.store.signing_keys().report_node(asking.report, std::move(done)); });
  const auto taken =
      view.has_value() ? take(*view, asking) : std::unexpected(platform::Fault{view.error().message, ""});
  if (taken.has_value()) co_return true;
  failed_at_ = asking.began.count();
  platform::log_error("signing keys not read", {{"reason", taken.error().text()}});
  co_return false;
}

boost::asio::awaitable<bool> Keyring::freshen() {
  if (is_trusted()) co_return true;
  co_return co_await ask_the_store();
}

boost::asio::awaitable<std::shared_ptr<const Keyring::Keys>> Keyring::to_sign(std::chrono::seconds lifetime) {
  const bool is_covered = lifetime.count() <= lifetime_told_.load();
  if (!is_covered) raise(lifetime_wanted_, lifetime.count());
  // Not before the store knows for how long the keys will be needed.
  if (is_covered && is_trusted()) co_return current();
  if (!co_await ask_the_store()) co_return nullptr;
  co_return current();
}

}  // namespace jeton::issuer
