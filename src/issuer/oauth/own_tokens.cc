#include "issuer/oauth/own_tokens.h"

#include <jeton/key_set.h>

namespace jeton::issuer {
namespace {

Verifier verifier_for(const Foundation& foundation, AudienceRule audience, const KeySet& keys) {
  return Verifier{TrustedIssuer{
      .issuer = foundation.issuer, .audience = std::move(audience), .keys = keys, .profile = Profile::jeton}};
}

}  // namespace

std::shared_ptr<const OwnTokens::Verifiers> OwnTokens::current() {
  const auto keys = keyring_.current();
  const std::lock_guard lock(mutex_);
  if (verifiers_ && verifiers_->etag == keys->etag) return verifiers_;
  const KeySet set = KeySet::parse(keys->jwks).value_or(KeySet());
  verifiers_ = std::make_shared<const Verifiers>(Verifiers{
      keys->etag,
      verifier_for(foundation_, AudienceRule::accept_any_because("who may hear of it is asked afterwards"), set),
      verifier_for(foundation_, AudienceRule::must_include(foundation_.issuer), set)});
  return verifiers_;
}

boost::asio::awaitable<Result<VerifiedToken>> OwnTokens::verify(std::string_view compact, Audience audience,
                                                                UnixTime now) {
  const auto verify_once = [&] {
    const auto verifiers = current();
    return (audience == Audience::issuer ? verifiers->for_issuer : verifiers->for_anybody).verify(compact, now);
  };
  auto token = verify_once();
  if (!token.has_value() && token.error().code == Errc::unknown_key) {
    co_await keyring_.freshen();  // another process may have made a key
    token = verify_once();
  }
  co_return token;
}

}  // namespace jeton::issuer
