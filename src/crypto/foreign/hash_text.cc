#include "crypto/foreign/hash_text.h"

#include "crypto/foreign/foreign_hash.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace jeton::crypto {
namespace {

using Bytes = std::vector<std::byte>;
using Fields = std::vector<std::string_view>;
template <class T>
using Read = std::expected<T, std::string>;

constexpr std::size_t salt_bytes_max = 64;
constexpr std::size_t hash_bytes_min = 16, hash_bytes_max = 64;
constexpr std::uint64_t scrypt_work_max = 1ULL << 24;      // N × r × p: eight times scrypt's common 2^14 × 8 × 16
constexpr std::uint64_t argon2_work_kib_max = 1ULL << 20;  // memory × passes: 1 GiB filled
constexpr std::uint32_t argon2_lanes_max = 16;

std::unexpected<std::string> refused(std::string_view kind, std::string_view why) {
  return std::unexpected(std::string(kind) + ": " + std::string(why));
}

Fields split(std::string_view text, char mark) {
  Fields fields;
  for (;;) {
    const std::size_t at = text.find(mark);
    fields.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return fields;
    text.remove_prefix(at + 1);
  }
}

// Decimal, nothing around it, no leading zero.
std::optional<std::uint32_t> number(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  return value;
}

// "i=600000" with name "i".
std::optional<std::uint32_t> named_number(std::string_view text, std::string_view name) {
  if (!text.starts_with(name) || text.size() <= name.size() || text[name.size()] != '=') return std::nullopt;
  return number(text.substr(name.size() + 1));
}

int sextet(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+' || c == '.') return 62;  // passlib writes a dot
  if (c == '/') return 63;
  return -1;
}

// Standard base64, padded or not; passlib's dots for plus signs too.
std::optional<Bytes> base64(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  if (text.size() % 4 == 1) return std::nullopt;
  Bytes out;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const int value = sextet(c);
    if (value < 0) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out.push_back(static_cast<std::byte>(bits >> count & 0xFF));
  }
  if ((bits & ((1U << count) - 1)) != 0) return std::nullopt;
  return out;
}

template <class Text>
Read<HashText> with_salt_and_hash(std::string_view kind, Text text, std::optional<Bytes> salt,
                                  std::string_view hash_text) {
  auto hash = base64(hash_text);
  if (!salt.has_value() || salt->size() > salt_bytes_max) return refused(kind, "the salt cannot be read");
  if (!hash.has_value() || hash->size() < hash_bytes_min || hash->size() > hash_bytes_max)
    return refused(kind, "the hash must be base64 of 16 to 64 bytes");
  text.salt = *std::move(salt);
  text.hash = *std::move(hash);
  return text;
}

// $2b$12$ and 53 characters of bcrypt's own base64.
Read<HashText> read_bcrypt(std::string_view stored) {
  constexpr std::size_t length = 60;
  const auto is_known = [](char c) {
    return c == '.' || c == '/' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  };
  if (stored.size() != length || stored[6] != '$' || !std::ranges::all_of(stored.substr(7), is_known))
    return refused("bcrypt", "not $2b$COST$ and 53 characters");
  const std::string_view digits = stored.substr(4, 2);
  const auto cost = number(digits.front() == '0' ? digits.substr(1) : digits);
  if (!cost.has_value() || *cost < 4) return refused("bcrypt", "the cost cannot be read");
  if (*cost > bcrypt_cost_max)
    return refused("bcrypt", "cost " + std::to_string(*cost) + " is above " + std::to_string(bcrypt_cost_max));
  return BcryptText{};
}

// $scrypt$ln=14,r=8,p=1$SALT$HASH
Read<HashText> read_scrypt(const Fields& fields) {
  constexpr std::string_view kind = "scrypt";
  const Fields costs = fields.size() == 5 ? split(fields[2], ',') : Fields{};
  if (costs.size() != 3) return refused(kind, "not $scrypt$ln=…,r=…,p=…$SALT$HASH");
  const auto log_n = named_number(costs[0], "ln"), r = named_number(costs[1], "r"), p = named_number(costs[2], "p");
  if (!log_n.has_value() || !r.has_value() || !p.has_value() || *log_n < 1 || *r < 1 || *p < 1)
    return refused(kind, "the cost cannot be read");
  const bool is_huge = *log_n > 24 || *r > 64 || *p > 64;
  if (is_huge || (128ULL << *log_n) * *r > foreign_hash_memory_bytes_max ||
      (1ULL << *log_n) * *r * *p > scrypt_work_max) {
    return refused(kind, "the cost is above what is allowed");
  }
  if (*log_n >= 16 * *r) return refused(kind, "ln is not below 16 times r");  // RFC 7914, section 6
  return with_salt_and_hash(kind, ScryptText{.log_n = *log_n, .r = *r, .p = *p, .salt = {}, .hash = {}},
                            base64(fields[3]), fields[4]);
}

std::optional<Pbkdf2Text::Hash> pbkdf2_hash(std::string_view name) {
  if (name == "pbkdf2" || name == "pbkdf2-sha1" || name == "pbkdf2_sha1") return Pbkdf2Text::Hash::sha1;
  if (name == "pbkdf2-sha256" || name == "pbkdf2_sha256") return Pbkdf2Text::Hash::sha256;
  if (name == "pbkdf2-sha512" || name == "pbkdf2_sha512") return Pbkdf2Text::Hash::sha512;
  return std::nullopt;
}

Read<HashText> pbkdf2(Pbkdf2Text::Hash digest, std::optional<std::uint32_t> iterations, std::optional<Bytes> salt,
                      std::string_view hash) {
  constexpr std::string_view kind = "PBKDF2";
  if (!iterations.has_value() || *iterations == 0) return refused(kind, "the iterations cannot be read");
  if (*iterations > pbkdf2_iterations_max) return refused(kind, "more than 2,000,000 iterations");
  return with_salt_and_hash(kind, Pbkdf2Text{.digest = digest, .iterations = *iterations, .salt = {}, .hash = {}},
                            std::move(salt), hash);
}

// $pbkdf2-sha256$600000$SALT$HASH (passlib) and $pbkdf2-sha256$i=600000,l=32$SALT$HASH (PHC)
Read<HashText> read_pbkdf2(Pbkdf2Text::Hash digest, const Fields& fields) {
  if (fields.size() != 5) return refused("PBKDF2", "not $pbkdf2-HASH$ITERATIONS$SALT$HASH");
  const Fields costs = split(fields[2], ',');
  const auto iterations = costs[0].starts_with("i=") ? named_number(costs[0], "i") : number(costs[0]);
  if (costs.size() > 2 || (costs.size() == 2 && !named_number(costs[1], "l").has_value()))
    return refused("PBKDF2", "the parameters cannot be read");
  return pbkdf2(digest, iterations, base64(fields[3]), fields[4]);
}

// pbkdf2_sha256$600000$SALT$HASH: Django's, whose salt is text
Read<HashText> read_django(Pbkdf2Text::Hash digest, const Fields& fields) {
  if (fields.size() != 4) return refused("PBKDF2", "not pbkdf2_HASH$ITERATIONS$SALT$HASH");
  Bytes salt;
  for (const char c : fields[2]) salt.push_back(static_cast<std::byte>(c));
  return pbkdf2(digest, number(fields[1]), std::move(salt), fields[3]);
}

// $argon2id$v=19$m=65536,t=3,p=4$SALT$HASH
Read<HashText> read_argon2(const Fields& fields) {
  constexpr std::string_view kind = "Argon2";
  const Fields costs = fields.size() == 6 ? split(fields[3], ',') : Fields{};
  if (costs.size() != 3 || fields[2] != "v=19") return refused(kind, "not $argon2id$v=19$m=…,t=…,p=…$SALT$HASH");
  const auto kib = named_number(costs[0], "m"), passes = named_number(costs[1], "t"), p = named_number(costs[2], "p");
  if (!kib.has_value() || !passes.has_value() || !p.has_value() || *kib < 8 || *passes < 1 || *p < 1)
    return refused(kind, "the cost cannot be read");
  if (*kib > foreign_hash_memory_bytes_max / 1024 || *p > argon2_lanes_max ||
      static_cast<std::uint64_t>(*kib) * *passes > argon2_work_kib_max) {
    return refused(kind, "the cost is above what is allowed");
  }
  // libsodium computes Argon2i with several lanes otherwise than the reference does.
  if (fields[1] == "argon2i" && *p != 1) return refused(kind, "Argon2i with more than one lane is not computed here");
  const auto salt = base64(fields[4]), hash = base64(fields[5]);
  if (!salt.has_value() || salt->size() < 8 || !hash.has_value() || hash->size() < hash_bytes_min ||
      hash->size() > hash_bytes_max) {
    return refused(kind, "salt or hash cannot be read");
  }
  return Argon2Text{};
}

}  // namespace

Read<HashText> read_hash_text(std::string_view stored) {
  if (stored.size() > foreign_hash_bytes_max) return refused("hash", "longer than 512 bytes");
  if (stored.find('\0') != std::string_view::npos) return refused("hash", "holds NUL");
  if (stored.starts_with("$2a$") || stored.starts_with("$2b$") || stored.starts_with("$2y$"))
    return read_bcrypt(stored);
  const Fields fields = split(stored, '$');
  if (const auto django = pbkdf2_hash(fields[0]); django.has_value() && fields[0].contains('_'))
    return read_django(*django, fields);
  if (!fields[0].empty() || fields.size() < 2) return refused("hash", "of a format that is not known");
  if (fields[1] == "scrypt") return read_scrypt(fields);
  if (const auto digest = pbkdf2_hash(fields[1])) return read_pbkdf2(*digest, fields);
  if (fields[1] == "argon2id" || fields[1] == "argon2i") return read_argon2(fields);
  return refused("hash", "of a format that is not known");
}

}  // namespace jeton::crypto
