#include "judge.h"

#include "key_ring.h"
#include "material.h"
#include "token_forge.h"

#include <jeton/key.h>
#include <jeton/key_set.h>

#include <functional>
#include <stdexcept>
#include <vector>

namespace jeton::hostile {
namespace {

const Verdict good{true, "ok", ""};

template <class T>
Verdict verdict_of_result(const Result<T>& result) {
  return result ? good : verdict_of(result.error());
}

std::string with_members(std::string jwk, std::string_view members) {
  return jwk.replace(1, 0, std::string(members) + ",");
}

const KeySet& usual_keys() {
  static const KeySet keys = [] {
    const std::string text = "{\"keys\":[" + with_members(jwk_of("EC1"), R"("kid":"ec1","alg":"ES256")") + "," +
                             with_members(jwk_of("RSA1"), R"("kid":"rsa1","alg":"PS256")") + "," +
                             with_members(jwk_of("RSA-NOALG"), R"("kid":"rsa-noalg")") + "]}";
    return KeySet::parse(text, {.algorithms_without_alg = {Algorithm::es256, Algorithm::ps256}}).value();
  }();
  return keys;
}

std::string variation(const Case& hostile, std::string_view name) {
  const auto found = hostile.variations.find(name);
  return found == hostile.variations.end() ? std::string{} : found->second;
}

std::optional<std::chrono::seconds> seconds_of(const Case& hostile, std::string_view name) {
  const auto found = hostile.numbers.find(name);
  return found == hostile.numbers.end() ? std::nullopt : std::optional{std::chrono::seconds{found->second}};
}

// A set is good if it is read and none of its keys is refused.
Verdict judge_set(const std::string& jwks, const KeySetOptions& options) {
  const auto set = KeySet::parse(jwks, options);
  if (!set) return verdict_of(set.error());
  for (const auto& entry : set->entries()) {
    if (!entry.refusal.empty()) return verdict_of(entry.refusal.front());
  }
  if (set->size() == 0) return {false, "skipped", "key"};
  return good;
}

std::vector<Algorithm> algorithms_in(std::string_view names) {
  std::vector<Algorithm> out;
  while (!names.empty()) {
    const auto comma = names.find(',');
    out.push_back(algorithm_named(names.substr(0, comma)).value());
    names.remove_prefix(comma == std::string_view::npos ? names.size() : comma + 1);
  }
  return out;
}

// 2048 bits whose primes have the form of the weak generator of CVE-2017-15361 (ROCA).
constexpr std::string_view roca_modulus =
    "d01a0afe3b1fb9ca4dbdecb25b5428f9c30e39c8fa39751f152c7a2a38621bebb745ec88004b5bc79ccaf81e5b1ad729"
    "1b9d55440187447f5f17a9bebd6e18694dbcc448fe2b5e2c2166e65be6497c65a8b33d748f0b5440eafffc1924c01881"
    "10bc21657c166cf2f82401002a178e930eed218ea6af0275c5e5a89e9aacf49f144bcbe714e2be1a7bfadb5c15e13a3a"
    "1c07489b215cf29bd657b0a79714d318eb8a6c4983651ba01eac613a28ba831a4998a2c124e13faeadac83d904cda808"
    "7db3f4537795488f74d81a37c094e21279c7b3e1a381394a60ab9c01fddb43c6bf9956788cf564122cbfbf11eb777367"
    "b6ae4df68d4337f97dc3c7c96d95ca03";

// Key sets that a shared file names by id alone.
std::vector<std::string> sets_named(std::string_view id) {
  const std::string ec = jwk_of("EC1");
  const auto rsa = [](std::string_view n, std::string_view e) {
    return with_material(R"({"kty":"RSA","alg":"RS256","n":"${)" + std::string(n) + R"(}","e":"${)" + std::string(e) +
                         "}\"}");
  };
  const auto point = [](std::string_view x, std::string_view y) {
    return with_material(R"({"kty":"EC","crv":"P-256","x":"${)" + std::string(x) + R"(}","y":"${)" + std::string(y) +
                         "}\"}");
  };
  if (id == "K01")
    return {"{\"keys\":[" + with_members(ec, R"("kid":"a")") + "," + with_members(jwk_of("ATT"), R"("kid":"a")") +
            "]}"};
  if (id == "K03") {
    const std::string n = bytes_of("n(RSA1)");
    const auto hex = [](std::string_view bytes) {
      std::string out = "hex(";
      for (const unsigned char c : bytes) {
        out += "0123456789abcdef"[c >> 4];
        out += "0123456789abcdef"[c & 15];
      }
      return out + ")";
    };
    return {rsa(hex(n.substr(0, 127) + "\x0b"), "hex(010001)"), rsa("n(RSA1)", "hex(01)"),
            rsa("n(RSA1)", "hex(010000)"), rsa("hex(" + std::string(roca_modulus) + ")", "hex(010001)")};
  }
  if (id == "K04") return {point("x(EC1)", "x(ATT)"), point("hex(" + std::string(62, '1') + ")", "y(EC1)")};
  throw std::runtime_error("no key set " + std::string(id));
}

Verdict judge_jwks(const Case& hostile) {
  KeySetOptions options;
  if (const auto* origin = hostile.text("origin"); origin && *origin == "local") options.origin = KeyOrigin::local;
  if (const auto* algorithms = hostile.text("algs")) options.algorithms_without_alg = algorithms_in(*algorithms);
  if (const auto* jwks = hostile.text("jwks")) return judge_set(with_material(*jwks), options);
  Verdict last = good;
  for (const std::string& set : sets_named(hostile.id)) {
    last = judge_set(set, options);
    if (last.accepted) return last;
  }
  return last;
}

Verdict judge_secret(const Case& hostile) {
  const std::string bytes = bytes_of(*hostile.text("k"));
  const Algorithm algorithm = algorithm_named(*hostile.text("alg")).value();
  return verdict_of_result(SigningKey::from_secret(SecretBytes::from_text(bytes), algorithm));
}

Verdict judge_pem(const Case& hostile) {
  const auto* name = hostile.text("alg");
  const std::optional<Algorithm> algorithm = name ? algorithm_named(*name) : std::nullopt;
  const std::string pem = bytes_of(*hostile.text("pem"));
  if (*hostile.text("as") == "private") return verdict_of_result(SigningKey::from_pem(pem, algorithm));
  return verdict_of_result(VerificationKey::from_pem(pem, algorithm));
}

bool names_one_of(std::string_view expected, std::string_view name) {
  while (true) {
    const auto bar = expected.find('|');
    if (expected.substr(0, bar) == name) return true;
    if (bar == std::string_view::npos) return false;
    expected.remove_prefix(bar + 1);
  }
}

}  // namespace

Verdict verdict_of(const Error& error) {
  return {false, std::string(name_of(error.code)), std::string(class_of(error))};
}

UnixTime now_of(const Case& hostile) {
  const auto found = hostile.numbers.find("now");
  return from_unix_seconds(found == hostile.numbers.end() ? 1'700'000'000 : found->second);
}

Verifier verifier_for(const Case& hostile) {
  const std::string issuer = variation(hostile, "iss"), audience = variation(hostile, "aud"),
                    typ = variation(hostile, "typ");
  const std::string profile = variation(hostile, "profile");
  return Verifier{TrustedIssuer{
      .issuer = issuer == "any" ? IssuerRule::accept_any_because("the case says so")
                                : IssuerRule::must_be(issuer.empty() ? "https://as.example" : issuer),
      .audience = audience == "any" ? AudienceRule::accept_any_because("the case says so")
                                    : AudienceRule::must_include(audience.empty() ? "api" : audience),
      .keys = usual_keys(),
      .algorithms = AlgorithmRule::only({Algorithm::es256, Algorithm::ps256}),
      .typ = typ == "any"  ? TypRule::accept_any_because("the case says so")
             : typ.empty() ? TypRule::access_token()
                           : TypRule::must_be(typ),
      .time = variation(hostile, "expiry") == "optional" ? TimeRule::expiry_optional_because("the case says so")
                                                         : TimeRule::expiry_required(),
      .confirmation = variation(hostile, "cnf") == "accept"
                          ? ConfirmationRule::accept_unchecked_because("the case says so")
                          : ConfirmationRule::refuse_unchecked(),
      .profile = profile == "access_token" ? Profile::access_token
                 : profile == "jeton"      ? Profile::jeton
                                           : Profile::any,
      .leeway = seconds_of(hostile, "leeway").value_or(std::chrono::seconds{0}),
      .age_max = seconds_of(hostile, "age_max"),
      .lifetime_max = seconds_of(hostile, "lifetime_max"),
  }};
}

Verdict judge(const Case& hostile) {
  if (hostile.area == "jose")
    return verdict_of_result(verifier_for(hostile).verify(forge_token(hostile), now_of(hostile)));
  if (hostile.area == "jwks") return judge_jwks(hostile);
  if (hostile.area == "secret") return judge_secret(hostile);
  if (hostile.area == "pem") return judge_pem(hostile);
  throw std::runtime_error("no area " + hostile.area);
}

std::string complaint(const Case& hostile, const Verdict& verdict, bool& only_group) {
  only_group = false;
  if (hostile.accepted() != verdict.accepted) {
    return "expected " + hostile.expect + ", got " + verdict.code + " (" + verdict.group + "): " + hostile.why;
  }
  const auto colon = hostile.expect.find(':');
  if (colon == std::string::npos) return "";
  const std::string& said = hostile.area == "jose" ? verdict.group : verdict.code;
  if (names_one_of(std::string_view(hostile.expect).substr(colon + 1), said)) return "";
  only_group = true;
  return "expected " + hostile.expect + ", got " + verdict.code + " (" + verdict.group + "): " + hostile.why;
}

}  // namespace jeton::hostile
