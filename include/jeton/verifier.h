// Verifier: decides whether a JWT in compact serialization is to be believed (RFC 7515, 7519, 8725, 9068).
//
//   const jeton::Verifier verifier{{
//       .issuer   = "https://id.example.com",
//       .audience = jeton::AudienceRule::must_include("api"),
//       .keys     = jeton::KeySet::parse(jwks_text).value(),
//   }};
//   auto verified = verifier.verify(token, now);
//
// The order is fixed: size, two dots, header, key by `kid` among the configured issuers' keys (which fixes the issuer),
// algorithm, exact length of the signature, signature, and only then payload and claims. No claim of an unverified
// token chooses a key, and `jku`, `x5u`, `jwk`, `x5c` are never used. The first failure is the one reported; a bad
// signature hides everything behind it.
//
// It is not a key source: it never fetches. Build a new one when keys change.
// Units: whole seconds. Ownership: copies what it is given. Threads: const, no lock; share one among any number.
#pragma once

#include <jeton/error.h>
#include <jeton/key_set.h>
#include <jeton/limits.h>
#include <jeton/time.h>
#include <jeton/verified_token.h>

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jeton {

// `iss` must be this text, byte for byte.
class IssuerRule {
 public:
  IssuerRule(const char* issuer) : accepted_{issuer} {}
  IssuerRule(std::string issuer) : accepted_{std::move(issuer)} {}
  static IssuerRule must_be(std::string issuer) { return IssuerRule(std::move(issuer)); }
  static IssuerRule must_be_one_of(std::vector<std::string> issuers) { return IssuerRule(std::move(issuers), false); }
  // `iss` is not looked at. The reason is for whoever reads the call.
  static IssuerRule accept_any_because(std::string_view reason) {
    (void)reason;
    return IssuerRule({}, true);
  }

  bool accepts_any() const noexcept { return any_; }
  const std::vector<std::string>& accepted() const noexcept { return accepted_; }

 private:
  IssuerRule(std::vector<std::string> issuers, bool any) : accepted_(std::move(issuers)), any_(any) {}
  std::vector<std::string> accepted_;
  bool any_ = false;
};

// `aud` must be, or hold, one of these texts. There is no default: leaving it out does not compile.
class AudienceRule {
 public:
  static AudienceRule must_include(std::string audience) { return AudienceRule({std::move(audience)}, false); }
  static AudienceRule must_include_one_of(std::vector<std::string> audiences) {
    return AudienceRule(std::move(audiences), false);
  }
  static AudienceRule accept_any_because(std::string_view reason) {
    (void)reason;
    return AudienceRule({}, true);
  }

  bool accepts_any() const noexcept { return any_; }
  const std::vector<std::string>& accepted() const noexcept { return accepted_; }

 private:
  AudienceRule(std::vector<std::string> audiences, bool any) : accepted_(std::move(audiences)), any_(any) {}
  std::vector<std::string> accepted_;
  bool any_ = false;
};

// The `typ` header, compared without case and without a leading "application/" (RFC 7515 section 4.1.9).
class TypRule {
 public:
  static TypRule access_token() { return TypRule("at+jwt", false); }  // RFC 9068
  static TypRule must_be(std::string typ) { return TypRule(std::move(typ), false); }
  static TypRule accept_any_because(std::string_view reason) {
    (void)reason;
    return TypRule({}, true);
  }

  bool accepts_any() const noexcept { return any_; }
  const std::string& expected() const noexcept { return typ_; }

 private:
  TypRule(std::string typ, bool any) : typ_(std::move(typ)), any_(any) {}
  std::string typ_;
  bool any_ = false;
};

// Which algorithms count. By default those of the keys: each key is bound to its own.
class AlgorithmRule {
 public:
  static AlgorithmRule of_the_keys() { return AlgorithmRule({}, true); }
  static AlgorithmRule only(std::vector<Algorithm> algorithms) { return AlgorithmRule(std::move(algorithms), false); }
  bool admits(Algorithm algorithm) const noexcept;
  const std::vector<Algorithm>& listed() const noexcept { return algorithms_; }

 private:
  AlgorithmRule(std::vector<Algorithm> algorithms, bool any) : algorithms_(std::move(algorithms)), any_(any) {}
  std::vector<Algorithm> algorithms_;
  bool any_;
};

// Whether `exp` is demanded and times are compared. Wrong types of `exp`, `nbf` and `iat` are refused in any case.
class TimeRule {
 public:
  static TimeRule expiry_required() { return TimeRule(true, true); }
  static TimeRule expiry_optional_because(std::string_view reason) {
    (void)reason;
    return TimeRule(false, true);
  }
  static TimeRule ignore_because(std::string_view reason) {
    (void)reason;
    return TimeRule(false, false);
  }
  bool expiry_is_required() const noexcept { return required_; }
  bool compares() const noexcept { return compares_; }

 private:
  TimeRule(bool required, bool compares) : required_(required), compares_(compares) {}
  bool required_, compares_;
};

// A token with `cnf` (RFC 7800) belongs to whoever holds another key. Until that key was checked on this very request
// such a token is refused.
class ConfirmationRule {
 public:
  static ConfirmationRule refuse_unchecked() { return ConfirmationRule(false); }
  static ConfirmationRule accept_unchecked_because(std::string_view reason) {
    (void)reason;
    return ConfirmationRule(true);
  }
  bool accepts_unchecked() const noexcept { return accepts_; }

 private:
  explicit ConfirmationRule(bool accepts) : accepts_(accepts) {}
  bool accepts_;
};

// What else a token must carry.
enum class Profile : std::uint8_t {
  any,           // nothing else
  access_token,  // RFC 9068: sub, client_id, iat, jti
  jeton,         // Jeton's own: those, `ver`, and `sid` and `gen` where `sub` is not `client_id`
};

// One issuer, its keys, and what its tokens must say.
struct TrustedIssuer {
  IssuerRule issuer;
  AudienceRule audience;
  KeySet keys;
  AlgorithmRule algorithms = AlgorithmRule::of_the_keys();
  TypRule typ = TypRule::access_token();
  TimeRule time = TimeRule::expiry_required();
  ConfirmationRule confirmation = ConfirmationRule::refuse_unchecked();
  Profile profile = Profile::any;
  std::chrono::seconds leeway{0};                      // for exp, nbf and iat; saturates
  std::optional<std::chrono::seconds> age_max{};       // now - iat
  std::optional<std::chrono::seconds> lifetime_max{};  // exp - iat
};

class Verifier {
 public:
  explicit Verifier(TrustedIssuer issuer, Limits limits = default_limits);
  // Several issuers. The key decides which one a token is measured by, so their keys should not share a `kid`; where
  // they do, each issuer's key is tried; a `kid` shared by more than Limits::key_candidates_max is refused as
  // ambiguous_key.
  explicit Verifier(std::vector<TrustedIssuer> issuers, Limits limits = default_limits);

  // Errors: every Errc up to unchecked_confirmation; the first in the order above.
  // `compact` is read during the call only.
  [[nodiscard]] Result<VerifiedToken> verify(std::string_view compact, UnixTime now) const;

  // Why a token that was verified before, perhaps by another Verifier, would not be good any more: its issuer is not
  // among these, or has no key of its `kid`; `exp` has passed, leeway included, or `age_max` has. Nothing: it still is.
  // For what outlasts its request; the signature and other claims are not looked at again.
  // Errors: unknown_key, expired, too_old.
  std::optional<Error> objection_later(const VerifiedToken& token, UnixTime now) const;

  // True if an issuer has no keys: nobody has heard them yet, so a token with an unknown `kid` may be a good one.
  bool lacks_keys() const noexcept;

  // Changes with every Verifier that is made in this process; TokenCache tells them apart by it.
  std::uint64_t generation() const noexcept;
  const Limits& limits() const noexcept;

 private:
  friend class TokenCache;
  struct State;
  Result<VerifiedToken> check_time(VerifiedToken token, UnixTime now) const;
  std::shared_ptr<const State> state_;
};

// The header of a token nobody has verified. For choosing what to show or log, never for deciding.
struct UntrustedHeader {
  std::string alg, kid, typ;  // empty where absent
};
Result<UntrustedHeader> untrusted_header_peek(std::string_view compact, const Limits& limits = default_limits);

}  // namespace jeton
