// A refresh token has one spelling; what is encoded is decoded as it was; no changed character goes unnoticed.
// Parts: oauth/refresh_token
#include "target.h"

#include "oauth/refresh_token.h"

#include <algorithm>
#include <cstring>

namespace jeton::oauth {
namespace {

const RefreshTokenCodec& codec() {
  static const RefreshTokenCodec shared = [] {
    std::vector<RefreshTokenKey> keys;
    keys.push_back({1, SecretBytes::from_text("a key that is known to everybody")});
    keys.push_back({0x01020304, SecretBytes::from_text("and another one, just as secret.")});
    return RefreshTokenCodec("https://as.example", "epoch", std::move(keys));
  }();
  return shared;
}

}  // namespace

JETON_FUZZ_TARGET(refresh_token) {
  if (const auto token = codec().decode(input)) JETON_PROPERTY(codec().encode(*token) == input);
  if (input.size() < 22) return;

  RefreshToken token{.key_id = input[0] & 1 ? 1u : 0x01020304u};
  std::memcpy(token.handle.data(), input.data() + 1, token.handle.size());
  std::memcpy(&token.generation, input.data() + 17, sizeof token.generation);
  std::string text = codec().encode(token);
  JETON_PROPERTY(text.size() == refresh_token_text_bytes);
  JETON_PROPERTY(codec().decode(text) == token);
  char& changed = text[static_cast<unsigned char>(input[21]) % text.size()];
  changed = changed == 'A' ? 'B' : 'A';
  JETON_PROPERTY(!codec().decode(text).has_value());
}
}  // namespace jeton::oauth
