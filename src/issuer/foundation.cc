#include "issuer/foundation.h"

#include "crypto/key_derivation.h"
#include "crypto/mac.h"
#include "issuer/completion.h"
#include "jose/base64url.h"

#include <jeton/signer.h>

#include <algorithm>
#include <map>
#include <span>
#include <utility>
#include <vector>

namespace jeton::issuer {
namespace {

namespace base64url = jose::base64url;
using Texts = std::map<std::string, std::string>;

// Each purpose has its own derived key; changing one of these texts loses what was made with it.
constexpr std::string_view purpose_check = "jeton master key check v1";
constexpr std::string_view purpose_sealing = "jeton signing keys at rest v1";
constexpr std::string_view purpose_accounts = "jeton accounts at rest v1";
constexpr std::string_view purpose_device = "jeton known devices v1";
constexpr std::string_view purpose_refresh = "jeton refresh token v1";
constexpr std::string_view purpose_fingerprint = "jeton device fingerprint v1";
constexpr std::string_view purpose_refresh_id = "jeton refresh token key id v1";

constexpr std::size_t salt_bytes = 32;

platform::Outcome<Texts> settle(store::Store& store, Texts defaults, const FoundationOptions& options) {
  auto settled = waited<Texts>([&](auto done) { store.settings().settle(std::move(defaults), std::move(done)); });
  if (!settled.has_value()) {
    return std::unexpected(platform::Fault{options.store_name + " cannot be used: " + settled.error().message, ""});
  }
  return *std::move(settled);
}

std::string text_of(const SecretBytes& secret) { return base64url::encode(secret.reveal(InsecureSecretAccess::get())); }

std::uint32_t number_of(const SecretBytes& four) {
  std::uint32_t number = 0;
  for (const std::byte byte : four.reveal(InsecureSecretAccess::get()))
    number = number << 8 | std::to_integer<std::uint32_t>(byte);
  return number;
}

bool same_text(std::string_view a, std::string_view b) {
  return crypto::ct_equal(std::as_bytes(std::span(a)), std::as_bytes(std::span(b)));
}

}  // namespace

platform::Outcome<Foundation> lay_foundation(store::Store& store, const SecretBytes& master_key,
                                             const FoundationOptions& options) {
  // The salt first: the check value of the master key is made with the salt that won, and nothing else is settled for
  // a store to which this key does not belong.
  auto salted = settle(store, {{"kdf_salt", random_id(salt_bytes)}}, options);
  if (!salted.has_value()) return std::unexpected(salted.error());
  const auto salt = base64url::decode((*salted)["kdf_salt"]);
  if (!salt.has_value() || salt->size() != salt_bytes) {
    return std::unexpected(
        platform::Fault{options.store_name + " is damaged: its setting kdf_salt cannot be read.", ""});
  }
  const auto derive = [&](std::string_view purpose, std::size_t bytes) {
    return crypto::hkdf_sha256(master_key, *salt, purpose, bytes);
  };

  const std::string check = text_of(derive(purpose_check, 16));
  auto checked = settle(store, {{"master_key_check", check}}, options);
  if (!checked.has_value()) return std::unexpected(checked.error());
  if (!same_text((*checked)["master_key_check"], check)) {
    return std::unexpected(platform::Fault{options.master_key_name + " is not the master key with which " +
                                               options.store_name + " was made; nothing was changed.",
                                           "Restore the right one from your backup."});
  }

  const std::string issuer = options.issuer_url.empty() ? options.issuer_default : options.issuer_url;
  auto settled = settle(store,
                        {{"issuer", issuer},
                         {"audience", options.audience_default},
                         {"client_id", options.client_default},
                         {"store_epoch", random_id()}},
                        options);
  if (!settled.has_value()) return std::unexpected(settled.error());
  Texts& texts = *settled;
  if (!options.issuer_url.empty() && texts["issuer"] != options.issuer_url) {
    return std::unexpected(platform::Fault{
        options.store_name + " belongs to the issuer " + texts["issuer"] + ", but " + options.issuer_url +
            " is configured.",
        "Every token names its issuer, so it stays as it is: remove the setting, or begin with another directory."});
  }

  std::vector<oauth::RefreshTokenCodec> former;
  const std::string& epochs = texts[store::former_epochs_setting];
  for (std::size_t at = 0; at < epochs.size();) {
    const auto end = std::min(epochs.find(' ', at), epochs.size());
    std::vector<oauth::RefreshTokenKey> keys;
    keys.push_back({number_of(derive(purpose_refresh_id, 4)), derive(purpose_refresh, 32)});
    former.emplace_back(texts["issuer"], epochs.substr(at, end - at), std::move(keys));
    at = end + 1;
  }
  const std::uint32_t refresh_key_id = number_of(derive(purpose_refresh_id, 4));
  std::vector<oauth::RefreshTokenKey> refresh_keys;
  refresh_keys.push_back({refresh_key_id, derive(purpose_refresh, 32)});
  return Foundation{
      .issuer = texts["issuer"],
      .audience = texts["audience"],
      .client_id = texts["client_id"],
      .store_epoch = texts["store_epoch"],
      .refresh_key_id = refresh_key_id,
      .refresh_tokens = oauth::RefreshTokenCodec(texts["issuer"], texts["store_epoch"], std::move(refresh_keys)),
      .former_refresh_tokens = std::move(former),
      .sealing_key = derive(purpose_sealing, 32),
      .fingerprint_key = derive(purpose_fingerprint, 32),
      .accounts_key = derive(purpose_accounts, 32),
      .device_key = derive(purpose_device, 32),
  };
}

}  // namespace jeton::issuer
