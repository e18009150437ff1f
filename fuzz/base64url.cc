// One byte string, one spelling: what is decoded is written back as it was.
// Parts: jose/base64url jose/base64url_blocks
#include "target.h"

#include "jose/base64url.h"
#include "jose/base64url_blocks.h"

#include <span>
#include <vector>

JETON_FUZZ_TARGET(base64url) {
  namespace base64url = jeton::jose::base64url;
  const auto bytes = base64url::decode(input);
  JETON_PROPERTY(bytes.has_value() == base64url::is_canonical(input));
  std::vector<std::byte> plainly(base64url::decoded_size(input.size()));
  const bool plainly_good = base64url::decode_plain(input, plainly.data());
  JETON_PROPERTY(plainly_good == bytes.has_value() && (!bytes || plainly == *bytes));
  if (bytes) JETON_PROPERTY(base64url::encode(*bytes) == input);
  if (bytes) JETON_PROPERTY(bytes->size() == base64url::decoded_size(input.size()));

  const std::string text = base64url::encode(input);
  JETON_PROPERTY(text.size() == base64url::encoded_size(input.size()));
  const auto back = base64url::decode(text);
  JETON_PROPERTY(back.has_value());
  JETON_PROPERTY(std::string_view(reinterpret_cast<const char*>(back->data()), back->size()) == input);
}
