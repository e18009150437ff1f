#include "store/sqlite/audit_chain.h"

#include "crypto/digest.h"
#include "crypto/random.h"

#include <span>

namespace jeton::store::sqlite {
namespace {

// Everything with its length before it: two texts never run into one.
class Preimage {
 public:
  explicit Preimage(std::string_view label) { text(label); }
  void bytes(std::span<const std::byte> value) { text({reinterpret_cast<const char*>(value.data()), value.size()}); }
  void text(std::string_view value) {
    number(static_cast<std::int64_t>(value.size()));
    content_ += value;
  }
  void number(std::int64_t value) {
    for (int shift = 56; shift >= 0; shift -= 8)
      content_ += static_cast<char>(static_cast<std::uint64_t>(value) >> shift & 0xff);
  }
  Digest hash() const { return crypto::sha256(content_); }

 private:
  std::string content_;
};

}  // namespace

AuditSalt random_salt() {
  AuditSalt salt{};
  crypto::random_bytes(salt);
  return salt;
}

Digest commitment_to(const AuditSalt& salt, const AuditFacts& facts) {
  Preimage preimage("jeton audit data v1");
  preimage.bytes(salt);
  preimage.text(facts.sub);
  preimage.bytes(facts.sid ? std::span<const std::byte>(*facts.sid) : std::span<const std::byte>());
  for (const std::string* one : {&facts.detail, &facts.actor, &facts.address, &facts.user_agent}) preimage.text(*one);
  return preimage.hash();
}

Digest chained(const Digest& before, const AuditLink& link) {
  Preimage preimage("jeton audit v1");
  preimage.bytes(before);
  preimage.number(link.number);
  preimage.number(link.at);
  preimage.text(link.kind);
  preimage.bytes(link.commitment);
  return preimage.hash();
}

}  // namespace jeton::store::sqlite
