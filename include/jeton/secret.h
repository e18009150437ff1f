// SecretBytes: bytes that must not leak. They are wiped when it ends, have no operator<< and no comparison, do not
// copy, and are read only with a SecretAccess, which only InsecureSecretAccess::get() hands out: search for that name
// to find every place that looks at a secret.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace jeton {

class SecretAccess {
  friend struct InsecureSecretAccess;
  explicit SecretAccess(int) {}
};

struct InsecureSecretAccess {
  static SecretAccess get() { return SecretAccess{0}; }
};

class SecretBytes {
 public:
  SecretBytes() = default;
  // Copies `bytes`. The caller wipes its own copy.
  explicit SecretBytes(std::span<const std::byte> bytes);
  static SecretBytes from_text(std::string_view text);
  // `count` fresh bytes from the system's secure random generator.
  static SecretBytes random(std::size_t count);

  SecretBytes(SecretBytes&& other) noexcept;
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  ~SecretBytes();

  // A second copy, said out loud.
  SecretBytes duplicate() const;

  std::size_t size() const noexcept { return bytes_.size(); }
  bool empty() const noexcept { return bytes_.empty(); }
  std::span<const std::byte> reveal(SecretAccess) const noexcept { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

}  // namespace jeton
