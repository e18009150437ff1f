#include "crypto/key_numbers.h"

#include "crypto/random.h"

#include <openssl/param_build.h>
#include <openssl/params.h>

#include <algorithm>
#include <bit>

namespace jeton::crypto {

KeyParameters::~KeyParameters() {
  for (Bytes& bytes : kept_) wipe(bytes);
}

Bytes& KeyParameters::keep(std::span<const std::byte> bytes) { return kept_.emplace_back(bytes.begin(), bytes.end()); }

void KeyParameters::number(const char* name, std::span<const std::byte> big_endian) {
  Bytes& native = keep(big_endian);
  if constexpr (std::endian::native == std::endian::little) std::ranges::reverse(native);
  params_.push_back(OSSL_PARAM_construct_BN(name, as_octets(std::span(native)), native.size()));
}

void KeyParameters::octets(const char* name, std::span<const std::byte> bytes) {
  Bytes& kept = keep(bytes);
  params_.push_back(OSSL_PARAM_construct_octet_string(name, kept.data(), kept.size()));
}

void KeyParameters::text(const char* name, std::string_view value) {
  Bytes& kept = keep(std::as_bytes(std::span(value)));
  kept.push_back(std::byte{0});
  params_.push_back(OSSL_PARAM_construct_utf8_string(name, reinterpret_cast<char*>(kept.data()), value.size()));
}

PkeyPtr KeyParameters::make(const char* type, int selection) {
  params_.push_back(OSSL_PARAM_construct_end());
  const PkeyContextPtr context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (!context || EVP_PKEY_fromdata_init(context.get()) != 1) return nullptr;
  if (EVP_PKEY_fromdata(context.get(), &key, selection, params_.data()) != 1) return nullptr;
  return PkeyPtr(key);
}

namespace {

NumberPtr parameter(const EVP_PKEY* key, const char* name) {
  BIGNUM* number = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &number) != 1) return nullptr;
  return NumberPtr(number);
}

Bytes written(const NumberPtr& number, std::size_t width) {
  if (!number) return {};
  const auto needed = static_cast<std::size_t>(BN_num_bytes(number.get()));
  Bytes out(width == 0 ? needed : width);
  if (BN_bn2binpad(number.get(), as_octets(std::span(out)), static_cast<int>(out.size())) < 0) return {};
  return out;
}

}  // namespace

Bytes public_number(const EVP_PKEY* key, const char* name, std::size_t width) {
  return written(parameter(key, name), width);
}

SecretBytes private_number(const EVP_PKEY* key, const char* name, std::size_t width) {
  Bytes bytes = written(parameter(key, name), width);
  SecretBytes secret(bytes);
  wipe(bytes);
  return secret;
}

NumberPtr to_number(std::span<const std::byte> big_endian) {
  return NumberPtr(BN_bin2bn(as_octets(big_endian), static_cast<int>(big_endian.size()), nullptr));
}

bool is_minimal(std::span<const std::byte> big_endian) noexcept {
  return !big_endian.empty() && big_endian.front() != std::byte{0};
}

std::size_t bit_length(std::span<const std::byte> big_endian) noexcept {
  const auto first = std::ranges::find_if(big_endian, [](std::byte b) { return b != std::byte{0}; });
  if (first == big_endian.end()) return 0;
  const auto rest = static_cast<std::size_t>(big_endian.end() - first) - 1;
  return rest * 8 + static_cast<std::size_t>(std::bit_width(std::to_integer<unsigned>(*first)));
}

}  // namespace jeton::crypto
