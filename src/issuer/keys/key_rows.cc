#include "issuer/keys/key_rows.h"

#include "crypto/sealed_box.h"

#include <string_view>
#include <utility>

namespace jeton::issuer {
namespace {

std::string_view as_text(const SecretBytes& secret) {
  const auto bytes = secret.reveal(InsecureSecretAccess::get());
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

platform::Fault fault_about(const store::StoredKey& row, std::string_view what) {
  return {"signing key " + row.kid + ": " + std::string(what) + ".",
          "Restore the database and master key from one backup."};
}

}  // namespace

store::StoredKey sealed_row(const SigningKey& key, const SecretBytes& sealing_key, store::KeyState state,
                            std::string audience) {
  return {.kid = std::string(key.kid()),
          .algorithm = std::string(name_of(key.algorithm())),
          .audience = std::move(audience),
          .state = state,
          .public_jwk = key.verification_key().to_jwk(),
          .sealed = crypto::seal(sealing_key, key.to_private_jwk(InsecureSecretAccess::get()), key.kid())};
}

platform::Outcome<SigningKey> open_row(const store::StoredKey& row, const SecretBytes& sealing_key) {
  const auto algorithm = algorithm_named(row.algorithm);
  if (!algorithm.has_value()) return std::unexpected(fault_about(row, "algorithm " + row.algorithm + " is not known"));
  const auto jwk = crypto::open(sealing_key, row.sealed, row.kid);
  if (!jwk.has_value())
    return std::unexpected(fault_about(row, "its private part cannot be opened with this master key"));
  auto key = SigningKey::from_jwk(as_text(*jwk), *algorithm);
  if (!key.has_value()) return std::unexpected(fault_about(row, describe(key.error())));
  if (key->kid() != row.kid) return std::unexpected(fault_about(row, "its private part is another key's"));
  return *std::move(key);
}

platform::Outcome<VerificationKey> public_key_of(const store::StoredKey& row) {
  const auto algorithm = algorithm_named(row.algorithm);
  if (!algorithm.has_value() || is_symmetric(*algorithm)) {
    return std::unexpected(fault_about(row, "algorithm " + row.algorithm + " has no place here"));
  }
  auto key = VerificationKey::from_jwk(row.public_jwk, *algorithm);
  if (!key.has_value()) return std::unexpected(fault_about(row, describe(key.error())));
  return *std::move(key);
}

}  // namespace jeton::issuer
