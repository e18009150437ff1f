// Error: the one vocabulary of expected failures, and Result<T>, a value or an Error.
//
// An Error says what was wrong (code), with which claim, header member or key (claim), and what would have been right
// (expected, taken from the configuration). It never holds a byte of the token, so it can be logged. It does not
// convert to bool: ask the Result with has_value(). docs/errors.md has the table of codes, classes and HTTP answers.
//
// Bugs of the caller are assertions, not Errors; exceptions do not leave the library (but std::bad_alloc).
#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>

namespace jeton {

enum class Errc : std::uint8_t {
  // the shape of the token, tested before anything else
  token_too_large,  // longer than Limits::token_bytes_max, or a header longer than header_bytes_max
  malformed_token,  // not three segments, an empty one, or another serialization
  bad_base64url,    // a byte outside the alphabet, padding, an impossible length, or unused bits set
  malformed_json,   // header or payload is not one strict, bounded JSON object
  // the header
  unsupported_algorithm,  // `alg` absent, not a string, `none`, or not known
  algorithm_not_allowed,  // known, but not the key's or not in the verifier's list
  unsupported_critical,   // `crit` or `b64` asks for something that is not implemented, or is malformed
  unsupported_header,     // a member that has no place in a JWS: `zip`, `enc`
  wrong_typ,              // `typ` is not the expected one
  invalid_kid,            // `kid` is not a string, too long, or holds control characters
  unknown_key,            // no configured key fits
  ambiguous_key,          // no `kid`, and more than one key fits
  // keys and key sets
  malformed_key,            // not a JWK, PEM or set that can be read
  unsupported_key,          // a key type or curve that is not known
  invalid_key,              // numbers that are no key: point off the curve, wrong length, even exponent, …
  weak_key,                 // RSA below 2048 bits, a secret shorter than its hash, all zero, or a known weak modulus
  key_without_alg,          // RSA or secret key that names no algorithm, and no list says which
  key_not_for_signatures,   // `use` or `key_ops` forbids it
  private_key_not_allowed,  // a private or secret key where only public ones belong
  duplicate_kid,            // two keys of one set share a `kid`
  key_text_as_secret,       // PEM, SSH or JWK text offered as an HMAC secret
  encrypted_key,            // a PEM that needs a passphrase; Jeton never prompts
  too_many_keys,            // more than Limits::jwks_keys_max
  key_set_too_large,        // more than Limits::jwks_bytes_max
  // the signature
  bad_signature,
  // the claims of a token whose signature is good
  missing_claim,
  wrong_claim_type,
  invalid_claim,  // right type, impossible value: out of range, control characters
  expired,
  not_yet_valid,
  issued_in_future,
  too_old,
  lifetime_too_long,
  wrong_issuer,
  wrong_audience,
  unchecked_confirmation,  // `cnf` is present and nobody has checked it on this request
  // making tokens
  reserved_claim,   // a registered claim that the signer itself sets
  sensitive_claim,  // a name that looks secret: everyone can read a payload
  // guarding requests
  missing_token,
  multiple_tokens,
  misplaced_token,  // in the query or the form, where it would stand in logs and histories
  insufficient_scope,
  insufficient_role,
  insufficient_plan,
  revoked,
  stale_claims,
  verifier_unavailable,
  invalid_path,        // not one that all servers read alike: see path.h
  no_route,            // no rule is about this request
  method_not_allowed,  // rules are about its path, but for other methods
  ambiguous_query,     // a parameter that a rule looks at is there twice, has a twin or cannot be decoded
  unwanted_token,      // where authentication is forbidden
  failed_condition,
  insufficient_authentication,  // the login is too long ago, or too weak (RFC 9470)
  over_limit,
  too_many_failures,  // tokens with wrong signatures from one address
  stale_revocations,  // the issuer's revocations have not been heard for longer than the route can bear
};

struct Error {
  Errc code;
  std::string claim{};     // "exp", "aud", "alg", …; empty if the code says it all
  std::string expected{};  // from the configuration, never from the token; may be empty

  friend bool operator==(const Error&, const Error&) = default;
};

template <class T>
using Result = std::expected<T, Error>;

// The code as in `{"error":"…"}`, logs and docs/errors.md: "wrong_audience".
std::string_view name_of(Errc code) noexcept;

// The class of refusal that docs/errors.md groups codes by: "form", "size", "b64", "json", "alg", "crit", "typ", "key",
// "sig", or the claim's own name ("exp", "aud", …).
std::string_view class_of(const Error& error) noexcept;

// One sentence for a log or a terminal, without token bytes: `audience: expected "billing"`.
std::string describe(const Error& error);

// All codes, in the order of the enumeration.
std::span<const Errc> all_error_codes() noexcept;

}  // namespace jeton
