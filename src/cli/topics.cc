#include "cli/topics.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

namespace jeton::cli {
namespace {

constexpr Topic bad_input_topic{
    "A line given to --batch-json could not be read as the request it should be: not one JSON object, a member that "
    "is unknown, doubled, missing or of the wrong type, or a line beyond 4 MiB.",
    "Compare the line with the example in `jeton token verify --help`."};

struct Entry {
  Errc code;
  Topic topic;
};

// In the order of the enumeration. Formatting by hand: a sentence is not broken in the middle.
// clang-format off
constexpr std::array entries{
    Entry{Errc::token_too_large,
          {"The token is longer than 8 KiB, or its header longer than 2 KiB. Such a token is refused before anything "
           "in it is read.",
           "Put less into the token: names and ids, not records. Everything in it travels with every request."}},
    Entry{Errc::malformed_token,
          {"A signed token is three parts with two dots between them: header.payload.signature. This is something "
           "else; perhaps cut short by copying, an encrypted token (five parts), or no token at all.",
           "Copy the whole token, on one line, without quotes and without the word Bearer."}},
    Entry{Errc::bad_base64url,
          {"A part of the token is not base64url in its one allowed spelling: letters, digits, - and _ only, no = at "
           "the end, no line breaks, no unused bits.",
           "Copy the token again. If it came from a program, that program must use base64url without padding (RFC "
           "7515)."}},
    Entry{Errc::malformed_json,
          {"Header or payload is not one strict JSON object: perhaps a name that comes twice, nesting beyond 16 "
           "levels, text that is not UTF-8, or something behind the closing brace.",
           "Whoever made the token must write plain JSON (RFC 8259), each name once."}},
    Entry{Errc::unsupported_algorithm,
          {"The header's alg is missing, is none, or names no algorithm that Jeton knows. A token without a "
           "signature proves nothing.",
           "The issuer must sign with one of HS256/384/512, RS…, PS…, ES256/384/512 or EdDSA."}},
    Entry{Errc::algorithm_not_allowed,
          {"The header names an algorithm that is not the key's own, or not among those allowed here. A key serves "
           "one algorithm for life; the token does not get to choose another.",
           "If the token is genuine, compare the key's alg and --alg (algs in a batch) with the header's."}},
    Entry{Errc::unsupported_critical,
          {"The header says by crit or b64 that it must be read with an extension that is not implemented, or says "
           "so wrongly. Ignoring it would mean to misread the token.",
           "The issuer must leave that extension out."}},
    Entry{Errc::unsupported_header,
          {"The header has a member with no place in a signed token, such as zip or enc.",
           "The issuer must leave it out."}},
    Entry{Errc::wrong_typ,
          {"The header's typ says that this is another kind of token, perhaps an ID token where an access token "
           "belongs. One kind is never taken for another, even if its signature is good.",
           "Send the access token (typ at+jwt), or say with --typ which kind is expected."}},
    Entry{Errc::invalid_kid,
          {"The header's kid, the name of the key, is not text, is too long, or holds control characters.",
           "The issuer must use short, printable names for its keys."}},
    Entry{Errc::unknown_key,
          {"None of the configured keys has the name that the token asks for. The token may come from another "
           "issuer, or was signed with a key that is gone, or so new that this key set does not have it yet.",
           "Fetch the issuer's key set again and retry once. If it still is not there, the token is not this "
           "issuer's."}},
    Entry{Errc::ambiguous_key,
          {"The token names no key, and more than one of the configured keys could be meant. Jeton does not try them "
           "in turn.",
           "The issuer should write kid into the header; or configure the one key that is meant."}},
    Entry{Errc::malformed_key,
          {"This is no JSON Web Key, no set of them and no PEM file that can be read.",
           "Check that the file is whole. A JWK is one JSON object with kty; a set is {\"keys\":[…]}; PEM begins "
           "with -----BEGIN."}},
    Entry{Errc::unsupported_key,
          {"A key type or curve that Jeton does not use: it knows RSA, EC on P-256, P-384 and P-521, Ed25519 (OKP) "
           "and shared secrets (oct).",
           "Make a key of a known kind: jeton key generate --alg ES256 --out signing.jwk"}},
    Entry{Errc::invalid_key,
          {"The numbers are no key: a point off its curve, a coordinate of the wrong length, an even exponent, or a "
           "private part that does not belong to the public one.",
           "Take the key from its source again; it was damaged, or made by a faulty program."}},
    Entry{Errc::weak_key,
          {"The key is too weak to protect anything: RSA below 2048 bits, a secret shorter than its hash, all zeros, "
           "a secret printed in a manual, or a modulus known to be breakable.",
           "Make a new one: jeton key generate --alg ES256 --out signing.jwk"}},
    Entry{Errc::key_without_alg,
          {"The key does not say which algorithm it is for, and for RSA and secret keys the type alone does not "
           "tell.",
           "Say it with --alg, or add the alg member to the JWK."}},
    Entry{Errc::key_not_for_signatures,
          {"The key's own use or key_ops says that it is not for signatures (perhaps it is for encryption).",
           "Use a key that is made for signatures; one key should serve one purpose."}},
    Entry{Errc::private_key_not_allowed,
          {"A private or secret key stands where only public keys belong. Whoever could read it there can make "
           "tokens.",
           "Publish the public part alone (jeton key jwks FILE), and replace that key: treat it as stolen."}},
    Entry{Errc::duplicate_kid,
          {"Two keys of one set have the same kid, so that a token cannot say which it means. The whole set is "
           "refused.",
           "Give each key its own kid; jeton key thumbprint FILE makes a good one."}},
    Entry{Errc::key_text_as_secret,
          {"The text of a key (PEM, SSH or JWK) is offered as a shared secret. Public keys are known to everyone, so "
           "a token \"signed\" with one could be made by anybody.",
           "Use random bytes: jeton key generate --alg HS256 --out secret.jwk"}},
    Entry{Errc::encrypted_key,
          {"The PEM file is protected by a passphrase. Jeton never asks for one, so that nothing waits at a prompt.",
           "Decrypt it first: openssl pkey -in encrypted.pem -out key.pem (then keep key.pem at mode 0600)."}},
    Entry{Errc::too_many_keys,
          {"The set holds more than 100 keys.",
           "Remove keys that no longer sign or verify anything."}},
    Entry{Errc::key_set_too_large,
          {"The key set is longer than 512 KiB.",
           "Remove keys that no longer sign or verify anything, and certificates (x5c)."}},
    Entry{Errc::bad_signature,
          {"The signature does not belong to this header and payload: the token was changed after it was signed, or "
           "signed with another key. Nothing it says can be believed.",
           "Take the token from its issuer again. If it was not damaged on the way, somebody has altered it."}},
    Entry{Errc::missing_claim,
          {"The signature is good, but a claim that is demanded is missing.",
           "The issuer must put that claim into its tokens."}},
    Entry{Errc::wrong_claim_type,
          {"A claim has another type than it must have: text where a number belongs, for instance. Wrong is never "
           "taken for absent.",
           "The issuer must write the claim with its proper type (RFC 7519 for the registered ones)."}},
    Entry{Errc::invalid_claim,
          {"A claim has the right type, but an impossible value: a time outside the years 1970 to 9999, or control "
           "characters in a name.",
           "The issuer must write a sensible value."}},
    Entry{Errc::expired,
          {"The token was good and its time is over: now is at or past its exp. Access tokens are short-lived on "
           "purpose, so that a stolen one is soon worth nothing.",
           "A client should present its refresh token now."}},
    Entry{Errc::not_yet_valid,
          {"The token becomes valid later: its nbf lies in the future.",
           "Wait until then. If it should be valid by now, one of the two clocks is wrong; a small leeway bridges "
           "seconds."}},
    Entry{Errc::issued_in_future,
          {"The token says that it was issued in the future (iat).",
           "One of the two clocks is wrong: set both by NTP. A small leeway bridges seconds."}},
    Entry{Errc::too_old,
          {"The token was issued longer ago than is accepted here, though it has not expired.",
           "A client should get a fresh token."}},
    Entry{Errc::lifetime_too_long,
          {"The time between iat and exp is longer than allowed (24 h at most when Jeton makes a token).",
           "Choose a shorter lifetime; 15 min with refresh tokens serves long sessions well."}},
    Entry{Errc::wrong_issuer,
          {"The token's iss is not the issuer that this key belongs to, byte for byte; a slash more is another "
           "issuer.",
           "Compare iss with the configured issuer."}},
    Entry{Errc::wrong_audience,
          {"The token is meant for another service: its aud does not hold the one expected here. A token for one API "
           "opens no other.",
           "The client must ask for a token for this audience."}},
    Entry{Errc::unchecked_confirmation,
          {"The token is bound to a key of its holder (cnf), and whether the sender has that key was not checked on "
           "this request.",
           "Use a verifier that checks the proof, or issue tokens without cnf."}},
    Entry{Errc::reserved_claim,
          {"This claim is set by the signer itself: iss, sub, aud, iat, exp and jti have their own options.",
           "Leave it out of --claim; use --issuer, --subject, --audience, --lifetime."}},
    Entry{Errc::sensitive_claim,
          {"The name of a claim looks like a secret (a password, a card number, a private key). Encoded is not "
           "encrypted: whoever holds the token can read it.",
           "Leave it out. A service that needs it should look it up by the subject."}},
    Entry{Errc::missing_token,
          {"The request carries no access token.",
           "Send the header: Authorization: Bearer TOKEN"}},
    Entry{Errc::multiple_tokens,
          {"The request carries a token in more than one place, and it is not for the server to guess which counts.",
           "Send exactly one Authorization header, and no token in query or form."}},
    Entry{Errc::misplaced_token,
          {"The request carries its token in the query of the address, where logs and browser histories keep it.",
           "Send it in the header instead: Authorization: Bearer TOKEN. Treat the token that was in the address as "
           "seen by others."}},
    Entry{Errc::insufficient_scope,
          {"The token is good, but was not given a scope that this request needs.",
           "The client must ask for that scope."}},
    Entry{Errc::insufficient_role,
          {"The token is good, but its bearer has none of the roles that this request needs.",
           "An administrator must grant the role; the next token then carries it."}},
    Entry{Errc::insufficient_plan,
          {"The token is good, but its bearer's plan does not include this.",
           "Change the plan; the next token then carries it."}},
    Entry{Errc::revoked,
          {"The token was taken back before its time: signed out, its session ended, or its key removed.",
           "Sign in again."}},
    Entry{Errc::stale_claims,
          {"What the token says about its bearer is no longer true: a role or plan has changed since.",
           "A client should present its refresh token now; the new access token has the new claims."}},
    Entry{Errc::verifier_unavailable,
          {"The service cannot decide at the moment, because it has no keys yet or its revocations are too old.",
           "Try again shortly. The operator should see why keys or revocations cannot be fetched."}},
    Entry{Errc::invalid_path,
          {"The path of the request could be read in two ways: dot segments, an empty segment, an encoded slash, a "
           "semicolon, a percent sign without two digits, or bytes that are no UTF-8.",
           "Send the path plainly, as the resource is named."}},
    Entry{Errc::no_route,
          {"No route of the policy is about this host, path and query.",
           "Check the address. jeton policy check lists the routes that there are."}},
    Entry{Errc::method_not_allowed,
          {"The policy has routes for this path, but none for this method.",
           "Use one of the methods that Allow names, or add a route."}},
    Entry{Errc::ambiguous_query,
          {"A parameter by which routes are chosen stands in the query twice, or under a name that some read as its "
           "own (in another case, with blanks or brackets), or the query holds a semicolon or a percent sign without "
           "two digits: whoever reads it next might take it another way.",
           "Send the parameter once, encoded as a form is."}},
    Entry{Errc::unwanted_token,
          {"The route forbids a token, so that tokens do not travel to where nobody needs them.",
           "Send the request without the Authorization header."}},
    Entry{Errc::failed_condition,
          {"The token is good, but one of its claims is absent or not what the route demands.",
           "Compare the token's claims with the policy: jeton explain, and jeton policy test."}},
    Entry{Errc::insufficient_authentication,
          {"The route wants a login that is fresher, or stronger, than the one behind this token (RFC 9470).",
           "Have the user sign in again; a refreshed token keeps the time of the old login."}},
    Entry{Errc::over_limit,
          {"The caller has used up what the route allows.", "Wait for as many seconds as Retry-After says."}},
    Entry{Errc::too_many_failures,
          {"Too many tokens with wrong signatures came from this address, or from all together.",
           "Wait for as many seconds as Retry-After says, and find out who sends them."}},
    Entry{Errc::stale_revocations,
          {"The issuer's revocations have not been heard for longer than the route can bear, so a token may have been "
           "revoked since.",
           "Try again shortly. The operator should see why the feed cannot be heard."}},
};
// clang-format on

consteval bool each_code_stands_at_its_place() {
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (std::to_underlying(entries[i].code) != i) return false;
  }
  return true;
}
static_assert(each_code_stands_at_its_place());
static_assert(entries.size() == std::to_underlying(Errc::stale_revocations) + 1U, "a new code needs a topic");

Topic topic_named(std::string_view name) noexcept {
  if (name == "bad_input") return bad_input_topic;
  for (const Errc code : all_error_codes()) {
    if (name_of(code) == name) return topic_of(code);
  }
  return {};
}

std::string wrapped(std::string_view text) {
  constexpr std::size_t width = 96;
  std::string out;
  std::size_t column = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (column != 0 && column + 1 + end > width) {
      out += '\n';
      column = 0;
    } else if (column != 0) {
      out += ' ';
      ++column;
    }
    out += text.substr(0, end);
    column += end;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out + '\n';
}

}  // namespace

Topic topic_of(Errc code) noexcept { return entries[std::to_underlying(code)].topic; }

std::vector<std::string> topic_names() {
  std::vector<std::string> names;
  for (const Errc code : all_error_codes()) names.emplace_back(name_of(code));
  names.emplace_back("bad_input");
  return names;
}

std::string_view topic_meaning(std::string_view name) noexcept { return topic_named(name).meaning; }

std::string topic_text(std::string_view name) {
  const Topic topic = topic_named(name);
  if (topic.meaning.empty()) return {};
  return fmt::format("{}\n\n{}\nWhat to do: {}", name, wrapped(topic.meaning), wrapped(topic.remedy));
}

}  // namespace jeton::cli
