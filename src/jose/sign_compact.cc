#include "jose/sign_compact.h"

#include "jose/base64url.h"
#include "jose/json.h"
#include "jose/key_parts.h"

#include <array>
#include <new>
#include <span>

namespace jeton::jose {

std::string encoded_header(const SigningKey& key, std::string_view typ, std::string_view cty) {
  std::string json = R"({"alg":")" + std::string(name_of(key.algorithm())) + '"';
  const auto member = [&](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    json += ",\"";
    json += name;
    json += "\":";
    append_json_string(json, value);
  };
  member("typ", typ);
  member("cty", cty);
  member("kid", key.kid());
  return base64url::encode(json + '}');
}

Result<std::string> sign_compact(const SigningKey& key, std::string_view header, std::string_view payload) {
  const crypto::PrivateKey& signer = KeyParts::crypto_key(key);
  const std::size_t signature_bytes = signer.signature_bytes();
  const std::size_t payload_at = header.size() + 1;
  const std::size_t signature_at = payload_at + base64url::encoded_size(payload.size()) + 1;
  std::string token(signature_at + base64url::encoded_size(signature_bytes), '.');
  header.copy(token.data(), header.size());
  base64url::encode(std::as_bytes(std::span(payload)), token.data() + payload_at);

  std::array<std::byte, 8192 / 8> signature;
  const std::span<std::byte> out = std::span(signature).first(signature_bytes);
  // Signing fails only when memory ends inside the library beneath.
  if (!signer.sign(std::string_view(token).substr(0, signature_at - 1), out)) throw std::bad_alloc();
  base64url::encode(out, token.data() + signature_at);
  return token;
}

}  // namespace jeton::jose
