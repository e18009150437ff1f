#include "issuer/keyring.h"

#include "crypto/digest.h"
#include "crypto/sealed_box.h"
#include "issuer/completion.h"
#include "jose/base64url.h"
#include "platform/log.h"

#include <jeton/key.h>
#include <jeton/key_set.h>
#include <jeton/verifier.h>

#include <algorithm>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

namespace jeton::issuer {
namespace {

using store::StoredKey;

constexpr std::string_view state_active = "active";

std::string_view as_text(const SecretBytes& secret) {
  const auto bytes = secret.reveal(InsecureSecretAccess::get());
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

platform::Fault fault_about(const StoredKey& row, std::string_view what) {
  return {"signing key " + row.kid + ": " + std::string(what) + ".",
          "Restore the database and master key from one backup."};
}

StoredKey sealed_row(const SigningKey& key, const SecretBytes& sealing_key, UnixTime now) {
  return {
      .kid = std::string(key.kid()),
      .algorithm = std::string(name_of(key.algorithm())),
      .state = std::string(state_active),
      .public_jwk = key.verification_key().to_jwk(),
      .sealed = crypto::seal(sealing_key, key.to_private_jwk(InsecureSecretAccess::get()), key.kid()),
      .created_at = now,
  };
}

platform::Outcome<SigningKey> opened(const StoredKey& row, Algorithm algorithm, const SecretBytes& sealing_key) {
  const auto jwk = crypto::open(sealing_key, row.sealed, row.kid);
  if (!jwk.has_value())
    return std::unexpected(fault_about(row, "its private part cannot be opened with this master key"));
  auto key = SigningKey::from_jwk(as_text(*jwk), algorithm);
  if (!key.has_value()) return std::unexpected(fault_about(row, describe(key.error())));
  if (key->kid() != row.kid) return std::unexpected(fault_about(row, "its private part is another key's"));
  return *std::move(key);
}

// Every key that is published, in the store's order.
platform::Outcome<std::vector<VerificationKey>> published(const std::vector<StoredKey>& rows) {
  std::vector<VerificationKey> keys;
  for (const StoredKey& row : rows) {
    const auto algorithm = algorithm_named(row.algorithm);
    if (!algorithm.has_value() || !Keyring::may_sign(*algorithm)) {
      return std::unexpected(fault_about(row, "algorithm " + row.algorithm + " has no place here"));
    }
    auto key = VerificationKey::from_jwk(row.public_jwk, *algorithm);
    if (!key.has_value()) return std::unexpected(fault_about(row, describe(key.error())));
    keys.push_back(*std::move(key));
  }
  return keys;
}

const StoredKey* active_key(const std::vector<StoredKey>& rows, Algorithm algorithm) {
  const auto found = std::ranges::find_if(rows, [algorithm](const StoredKey& row) {
    return row.state == state_active && row.algorithm == name_of(algorithm);
  });
  return found == rows.end() ? nullptr : &*found;
}

std::string etag_of(std::string_view body) {
  const crypto::Sha256 digest = crypto::sha256(body);
  return '"' + jose::base64url::encode(std::span(digest).first<16>()) + '"';
}

platform::Outcome<Keyring::Keys> read(const std::vector<StoredKey>& rows, const Foundation& foundation,
                                      Algorithm algorithm, TokenCache& cache, UnixTime now) {
  const StoredKey* active = active_key(rows, algorithm);
  if (active == nullptr) {
    return std::unexpected(
        platform::Fault{"there is no active signing key for " + std::string(name_of(algorithm)) + ".", ""});
  }
  auto signing = opened(*active, algorithm, foundation.sealing_key);
  if (!signing.has_value()) return std::unexpected(signing.error());
  auto verifying = published(rows);
  if (!verifying.has_value()) return std::unexpected(verifying.error());

  KeySet set(*std::move(verifying));
  std::string jwks = set.to_jwks();
  std::string etag = etag_of(jwks);
  Verifier verifier{TrustedIssuer{.issuer = foundation.issuer,
                                  .audience = AudienceRule::must_include(foundation.audience),
                                  .keys = std::move(set),
                                  .profile = Profile::jeton}};
  return Keyring::Keys{
      .signer =
          Signer(*std::move(signing),
                 {.issuer = foundation.issuer, .audiences = {foundation.audience}, .lifetime = access_lifetime_max}),
      .guard = Guard(std::move(verifier), Policy{.realm = foundation.audience}, &cache),
      .jwks = std::move(jwks),
      .etag = std::move(etag),
      .read_at = now,
  };
}

}  // namespace

Keyring::Keyring(store::Store& store, const Foundation& foundation, Algorithm algorithm, TokenCache& cache, Keys keys)
    : store_(store), foundation_(foundation), algorithm_(algorithm), cache_(cache), keys_(std::move(keys)) {}

platform::Outcome<std::unique_ptr<Keyring>> Keyring::open(store::Store& store, const Foundation& foundation,
                                                          Algorithm algorithm, TokenCache& cache, UnixTime now) {
  const auto unusable = [](const store::Error& error) {
    return std::unexpected(platform::Fault{"the signing keys cannot be read: " + error.message, ""});
  };
  const auto list = [&store] {
    return waited<std::vector<StoredKey>>([&](auto done) { store.signing_keys().list_keys(std::move(done)); });
  };
  auto rows = list();
  if (!rows.has_value()) return unusable(rows.error());
  if (active_key(*rows, algorithm) == nullptr) {
    const SigningKey fresh = SigningKey::generate(algorithm);
    const auto added = waited<bool>([&](auto done) {
      store.signing_keys().add_first_key(sealed_row(fresh, foundation.sealing_key, now), std::move(done));
    });
    if (!added.has_value()) return unusable(added.error());
    rows = list();  // another process may have been first: then its key counts
    if (!rows.has_value()) return unusable(rows.error());
  }
  auto keys = read(*rows, foundation, algorithm, cache, now);
  if (!keys.has_value()) return std::unexpected(keys.error());
  return std::unique_ptr<Keyring>(new Keyring(store, foundation, algorithm, cache, *std::move(keys)));
}

boost::asio::awaitable<void> Keyring::reload_if_old(UnixTime now) {
  const auto before = current();
  const auto age = now - before->read_at;
  if (age >= std::chrono::seconds(0) && age < keys_reload_interval) co_return;
  if (reloading_.exchange(true)) co_return;
  struct Done {
    std::atomic<bool>& flag;
    ~Done() { flag = false; }
  } const done{reloading_};

  const auto rows = co_await completed<std::vector<StoredKey>>(
      [this](auto call) { store_.signing_keys().list_keys(std::move(call)); });
  auto keys = rows.has_value() ? read(*rows, foundation_, algorithm_, cache_, now)
                               : std::unexpected(platform::Fault{rows.error().message, ""});
  if (!keys.has_value()) {
    // The old ones go on, and the next attempt waits as long as after a success: a store that is away is not asked, and
    // the log not written, on every request.
    platform::log_error("signing keys not reloaded", {{"reason", keys.error().text()}});
    keys_.replace(Keys{before->signer, before->guard, before->jwks, before->etag, now});
  } else if (keys->etag == before->etag) {
    // The same keys are published: keep the guard, and with it what the token cache knows.
    keys_.replace(Keys{keys->signer, before->guard, before->jwks, before->etag, now});
  } else {
    keys_.replace(*std::move(keys));
    platform::log_info("signing keys reloaded");
  }
}

}  // namespace jeton::issuer
