#include "crypto/key_derivation.h"

#include "crypto/hmac.h"
#include "crypto/sha2.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

namespace jeton::crypto {

SecretBytes hkdf_sha256(const SecretBytes& master, std::span<const std::byte> salt, std::string_view purpose,
                        std::size_t bytes) {
  using Hmac = HmacState<Sha256State>;
  if (bytes > 255 * Hmac::mac_bytes) std::abort();  // RFC 5869 section 2.3 defines no more

  Hmac::Mac pseudorandom_key = Hmac(salt).compute({master.reveal(InsecureSecretAccess::get())});
  const Hmac expand(pseudorandom_key);
  wipe(pseudorandom_key);

  std::vector<std::byte> out(bytes);
  Hmac::Mac block;
  std::span<const std::byte> previous;  // empty before the first block
  std::byte counter{1};
  for (std::size_t done = 0; done < bytes; done += block.size()) {
    block = expand.compute({previous, std::as_bytes(std::span(purpose)), {&counter, 1}});
    previous = block;
    counter = std::byte(std::to_integer<unsigned>(counter) + 1);
    std::copy_n(block.begin(), std::min(block.size(), bytes - done), out.begin() + static_cast<std::ptrdiff_t>(done));
  }
  SecretBytes derived(out);
  wipe(block);
  wipe(out);
  return derived;
}

}  // namespace jeton::crypto
