// Keys out of files: one JWK, a set of them, or PEM, private or public, told apart by their text.
#pragma once

#include "platform/fault.h"

#include <jeton/algorithm.h>
#include <jeton/error.h>
#include <jeton/key.h>
#include <jeton/key_set.h>
#include <jeton/secret.h>

#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jeton::cli {

// What went wrong with `source`, with the remedy of the code's topic.
platform::Fault fault_of(std::string_view source, const Error& error);

// How a file is called in messages: "standard input" for "-".
std::string source_name(const std::string& path);

// A kid as a person recognises it: a thumbprint by its first four characters, anything else whole; "no kid" if empty.
std::string kid_text(std::string_view kid);

struct KeyChoice {
  std::optional<Algorithm> algorithm{};  // for keys that name none
  std::optional<std::string> kid{};      // instead of the key's own
};

// The one private key or shared secret in that text (JWK, a set of one, or PEM).
Result<SigningKey> signing_key_in(const SecretBytes& text, const KeyChoice& choice = {});
platform::Outcome<SigningKey> load_signing_key(const std::string& path, std::istream& standard_input,
                                               const KeyChoice& choice = {});

// A freshly made key; an empty choice of kid takes its thumbprint, for HMAC a random one.
SigningKey new_key(Algorithm algorithm, unsigned rsa_bits, const std::string& kid);

// The keys of a file as JSON text for KeySet: a JWK or a set as it stands; the verifying part of a PEM file as one
// JWK without kid and alg, so that it fits any kid and whatever its type and size admit.
platform::Outcome<std::string> load_key_set_text(const std::string& path, std::istream& standard_input);

// The public JWKs of all keys in that text, each with a kid (its thumbprint if it has none). A shared secret has no
// public part: algorithm_not_allowed.
Result<std::vector<std::string>> public_jwks_in(const SecretBytes& text, const KeyChoice& choice = {});

// The keys of a JWK or set as the command line takes them, and with more scruple than verifying needs: a private part
// that does not belong to its public one is a refusal too. Errors: those of KeySet::parse.
Result<std::vector<KeySet::Entry>> checked_keys(std::string_view json);

// The RFC 7638 thumbprints of all keys in that text; a shared secret has one too.
Result<std::vector<std::string>> thumbprints_in(const SecretBytes& text);

}  // namespace jeton::cli
