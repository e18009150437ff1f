#include "cli/key_input.h"

#include "cli/files.h"
#include "cli/terminal.h"
#include "cli/topics.h"
#include "cli/verify_request.h"
#include "crypto/key.h"
#include "crypto/random.h"
#include "jose/jwk.h"
#include "jose/key_parts.h"
#include "jose/try.h"

#include <jeton/key_set.h>
#include <jeton/signer.h>

#include <cstddef>
#include <span>
#include <utility>

namespace jeton::cli {
namespace {

using platform::Outcome;

constexpr std::size_t thumbprint_characters = 43;
constexpr std::size_t kid_characters_max = 40;

std::string_view text_of(const SecretBytes& secret) {
  const auto bytes = secret.reveal(InsecureSecretAccess::get());
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool is_pem(std::string_view text) noexcept { return text.find("-----BEGIN ") != std::string_view::npos; }
bool is_private_pem(std::string_view text) noexcept { return text.find("PRIVATE KEY-----") != std::string_view::npos; }

// Parses `text` into `buffer`, with room for a whole set.
bool parse_keys(jose::JsonBuffer& buffer, std::string_view text) {
  buffer.text.reserve(2 * text.size() + 16);  // so that the parser has no need to move what will be wiped
  buffer.text = text;
  return jose::parse_json(buffer, {default_limits.json_depth_max, 32 * default_limits.jwks_keys_max}) &&
         jose::JsonView(buffer).is(jose::JsonType::object);
}

// Wipes the parser's copy of a private key when the reading ends.
struct WipedBuffer : jose::JsonBuffer {
  WipedBuffer() = default;
  WipedBuffer(const WipedBuffer&) = delete;
  WipedBuffer& operator=(const WipedBuffer&) = delete;
  ~WipedBuffer() { crypto::wipe(std::as_writable_bytes(std::span(text))); }
};

Result<jose::Jwk> only_jwk_in(std::string_view text) {
  WipedBuffer buffer;
  if (!parse_keys(buffer, text)) return std::unexpected(Error{Errc::malformed_key});
  const jose::JsonView object(buffer);
  const auto keys = object.find("keys");
  if (!keys) return jose::read_jwk(object, default_limits);
  if (!keys->is(jose::JsonType::array) || keys->size() != 1) {
    return std::unexpected(Error{Errc::malformed_key, "keys", "one key"});
  }
  return jose::read_jwk(*keys->children().begin(), default_limits);
}

// What `make` makes of the one JWK in that text, or of each of a set.
template <class Make>
Result<std::vector<std::string>> each_jwk_in(std::string_view text, Make make) {
  WipedBuffer buffer;
  if (!parse_keys(buffer, text)) return std::unexpected(Error{Errc::malformed_key});
  const jose::JsonView object(buffer);
  const auto keys = object.find("keys");
  std::vector<std::string> all;
  if (!keys || !keys->is(jose::JsonType::array)) {
    TRY(const jose::Jwk jwk, jose::read_jwk(object, default_limits));
    TRY(all.emplace_back(), make(jwk));
    return all;
  }
  for (const jose::JsonView child : keys->children()) {
    TRY(const jose::Jwk jwk, jose::read_jwk(child, default_limits));
    TRY(all.emplace_back(), make(jwk));
  }
  return all;
}

// What is wrong with the private part of a key whose public part is good; nothing for public keys and secrets.
std::optional<Error> private_fault(jose::JsonView object, Algorithm algorithm) {
  auto jwk = jose::read_jwk(object, default_limits);
  if (!jwk) return jwk.error();
  if (!jwk->private_material() || !jwk->public_material()) return std::nullopt;
  const auto key = KeyParts::make_signing(std::get<crypto::PrivateMaterial>(std::move(jwk->material)), algorithm, "");
  return key ? std::nullopt : std::optional(key.error());
}

// The JWKs of that document for which a KeySet has entries: all but those of unknown type in a set.
std::vector<jose::JsonView> known_jwks_in(jose::JsonView object) {
  const auto keys = object.find("keys");
  if (!keys || !keys->is(jose::JsonType::array)) return {object};
  std::vector<jose::JsonView> known;
  for (const jose::JsonView child : keys->children()) {
    const std::string kty = child.is(jose::JsonType::object) ? jose::name_of_jwk(child).kty : "";
    if (kty.empty() || kty == "EC" || kty == "RSA" || kty == "OKP" || kty == "oct") known.push_back(child);
  }
  return known;
}

// A JWK with the given kid, or its own, or its thumbprint.
Result<std::string> public_jwk(const jose::Jwk& jwk, const KeyChoice& choice) {
  const auto material = jwk.public_material();
  if (!material) return std::unexpected(Error{Errc::algorithm_not_allowed, "kty", "a key with a public part"});
  Result<Algorithm> algorithm = jose::bound_algorithm(jwk, jose::Purpose::verify, std::nullopt);
  if (!algorithm && algorithm.error().code == Errc::key_without_alg) {
    algorithm = jose::bound_algorithm(jwk, jose::Purpose::verify, choice.algorithm);
  }
  if (!algorithm) return std::unexpected(algorithm.error());
  TRY(const VerificationKey key, KeyParts::make_verifying(jwk, *algorithm, default_limits));
  std::string kid = choice.kid.value_or(jwk.kid);
  if (kid.empty()) kid = jose::thumbprint_of(*material);
  return jose::write_public_jwk(*material, key.algorithm(), kid);
}

Result<VerificationKey> bound_key_in_pem(std::string_view pem, std::optional<Algorithm> algorithm) {
  if (!is_private_pem(pem)) return VerificationKey::from_pem(pem, algorithm);
  TRY(const SigningKey key, SigningKey::from_pem(pem, algorithm));
  return key.verification_key();
}

// The public key of a PEM file. EC and Ed25519 tell their algorithm; `otherwise` is for those that do not.
Result<VerificationKey> verifying_key_in_pem(std::string_view pem, std::optional<Algorithm> otherwise) {
  auto key = bound_key_in_pem(pem, std::nullopt);
  if (!key && key.error().code == Errc::key_without_alg && otherwise) return bound_key_in_pem(pem, otherwise);
  return key;
}

// RSA takes some algorithm for the moment; none is written into the result.
Result<std::string> loose_jwk_of_pem(std::string_view pem) {
  TRY(const VerificationKey key, verifying_key_in_pem(pem, Algorithm::rs256));
  TRY(const Value jwk, Value::parse(key.to_jwk()));
  Value loose = Value::object();
  for (const auto& [name, value] : *jwk.if_object()) {
    if (name != "alg" && name != "kid") loose.set(name, value);
  }
  return loose.to_json();
}

}  // namespace

platform::Fault fault_of(std::string_view source, const Error& error) {
  return {std::string(source) + ": " + describe(error) + ".",
          std::string(topic_of(error.code).remedy) + " See: jeton help " + std::string(name_of(error.code))};
}

std::string source_name(const std::string& path) { return path == "-" ? "standard input" : path; }

std::string kid_text(std::string_view kid) {
  if (kid.empty()) return "no kid";
  const std::string shown = harmless(kid);
  return "kid " + shortened(shown, kid.size() == thumbprint_characters ? 5 : kid_characters_max);
}

Result<SigningKey> signing_key_in(const SecretBytes& text, const KeyChoice& choice) {
  const std::string_view view = text_of(text);
  if (is_pem(view)) return SigningKey::from_pem(view, choice.algorithm, choice.kid.value_or(""));
  TRY(jose::Jwk jwk, only_jwk_in(view));
  if (jwk.private_material() == nullptr)
    return std::unexpected(Error{Errc::malformed_key, "d", "a private key; this one is public"});
  TRY(const Algorithm algorithm, jose::bound_algorithm(jwk, jose::Purpose::sign, choice.algorithm));
  return KeyParts::make_signing(std::get<crypto::PrivateMaterial>(std::move(jwk.material)), algorithm,
                                choice.kid.value_or(std::move(jwk.kid)));
}

Outcome<SigningKey> load_signing_key(const std::string& path, std::istream& standard_input, const KeyChoice& choice) {
  const auto text = read_secret_file(path, standard_input);
  if (!text) return std::unexpected(text.error());
  auto key = signing_key_in(*text, choice);
  if (!key) return std::unexpected(fault_of(source_name(path), key.error()));
  return *std::move(key);
}

SigningKey new_key(Algorithm algorithm, unsigned rsa_bits, const std::string& kid) {
  if (kid.empty()) return SigningKey::generate(algorithm, {.rsa_bits = rsa_bits});
  return KeyParts::make_signing(crypto::PrivateKey::generate(algorithm, rsa_bits), algorithm, kid).value();
}

Outcome<std::string> load_key_set_text(const std::string& path, std::istream& standard_input) {
  auto text = read_file(path, standard_input, key_file_bytes_max);
  if (!text || !is_pem(*text)) return text;
  auto jwk = loose_jwk_of_pem(*text);
  crypto::wipe(std::as_writable_bytes(std::span(*text)));
  if (!jwk) return std::unexpected(fault_of(source_name(path), jwk.error()));
  return *std::move(jwk);
}

Result<std::vector<std::string>> public_jwks_in(const SecretBytes& text, const KeyChoice& choice) {
  const std::string_view view = text_of(text);
  if (is_pem(view)) {
    TRY(const VerificationKey key, verifying_key_in_pem(view, choice.algorithm));
    const crypto::PublicMaterial& material = *KeyParts::material(key);
    return std::vector{
        jose::write_public_jwk(material, key.algorithm(), choice.kid.value_or(jose::thumbprint_of(material)))};
  }
  return each_jwk_in(view, [&](const jose::Jwk& jwk) { return public_jwk(jwk, choice); });
}

Result<std::vector<KeySet::Entry>> checked_keys(std::string_view json) {
  TRY(const KeySet keys, operators_keys(json));
  std::vector<KeySet::Entry> entries = keys.entries();
  WipedBuffer buffer;
  if (!parse_keys(buffer, json)) return std::unexpected(Error{Errc::malformed_key});
  const auto jwks = known_jwks_in(jose::JsonView(buffer));
  for (std::size_t i = 0; i < entries.size() && i < jwks.size(); ++i) {
    if (!entries[i].refusal.empty()) continue;
    if (auto fault = private_fault(jwks[i], entries[i].algorithms.front()))
      entries[i].refusal.push_back(*std::move(fault));
  }
  for (KeySet::Entry& entry : entries) {
    // A sound key that is for encryption is nothing to refuse: it only verifies nothing.
    if (!entry.refusal.empty() && entry.refusal.front().code == Errc::key_not_for_signatures) entry.refusal.clear();
  }
  // RFC 7517 section 5: of a set, keys of curves that are not understood are ignored, as those of unknown types are.
  if (!keys.was_single_jwk()) {
    std::erase_if(entries, [](const KeySet::Entry& entry) {
      return !entry.refusal.empty() && entry.refusal.front().code == Errc::unsupported_key;
    });
  }
  return entries;
}

Result<std::vector<std::string>> thumbprints_in(const SecretBytes& text) {
  const std::string_view view = text_of(text);
  if (is_pem(view)) {
    // The thumbprint is the same whatever algorithm the key is for.
    TRY(const std::string jwk, loose_jwk_of_pem(view));
    TRY(std::string print, thumbprint(jwk));
    return std::vector{std::move(print)};
  }
  return each_jwk_in(view, [](const jose::Jwk& jwk) -> Result<std::string> {
    if (const auto material = jwk.public_material()) return jose::thumbprint_of(*material);
    return jose::thumbprint_of(std::get<crypto::SharedSecret>(*jwk.private_material()));
  });
}

}  // namespace jeton::cli
