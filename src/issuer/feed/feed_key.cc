#include "issuer/feed/feed_key.h"

#include "crypto/sealed_box.h"
#include "guard/feed/head.h"
#include "issuer/completion.h"
#include "jose/base64url.h"

#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace jeton::issuer {
namespace {

constexpr char setting[] = "feed_key";
constexpr std::string_view sealing_context = "jeton feed key v1";

std::unexpected<platform::Fault> unusable(const std::string& why) {
  return std::unexpected(platform::Fault{"the feed key cannot be used: " + why + ".",
                                         "Restore the database and master key from one backup."});
}

}  // namespace

platform::Outcome<SigningKey> open_feed_key(store::Store& store, const Foundation& foundation) {
  using Texts = std::map<std::string, std::string>;
  const SigningKey fresh = SigningKey::generate(feed::feed_algorithm);
  const auto sealed_fresh =
      crypto::seal(foundation.sealing_key, fresh.to_private_jwk(InsecureSecretAccess::get()), sealing_context);
  // Of several first starts at once one key wins.
  auto settled = waited<Texts>(
      [&](auto done) { store.settings().settle({{setting, jose::base64url::encode(sealed_fresh)}}, std::move(done)); });
  if (!settled.has_value()) return unusable(settled.error().message);
  const auto sealed = jose::base64url::decode((*settled)[setting]);
  if (!sealed) return unusable("its setting cannot be read");
  const auto jwk = crypto::open(foundation.sealing_key, *sealed, sealing_context);
  if (!jwk) return unusable("it cannot be opened with this master key");
  const auto bytes = jwk->reveal(InsecureSecretAccess::get());
  auto key = SigningKey::from_jwk({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, feed::feed_algorithm);
  if (!key.has_value()) return unusable(describe(key.error()));
  return *std::move(key);
}

}  // namespace jeton::issuer
