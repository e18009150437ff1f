#include "jose/jwk.h"

#include "crypto/digest.h"
#include "crypto/random.h"
#include "jose/base64url.h"
#include "jose/try.h"

#include <algorithm>
#include <array>
#include <span>

namespace jeton::jose {
namespace {

using crypto::Bytes;
using crypto::Curve;

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};

std::unexpected<Error> malformed(std::string_view member) {
  return std::unexpected(Error{Errc::malformed_key, std::string(member)});
}

// An optional member that must be a text if it is there.
Result<std::string> text_member(JsonView object, std::string_view name) {
  const auto member = object.find(name);
  if (!member) return std::string{};
  if (!member->is(JsonType::string)) return malformed(name);
  return std::string(member->string());
}

Result<Bytes> number_member(JsonView object, std::string_view name) {
  const auto member = object.find(name);
  if (!member || !member->is(JsonType::string) || member->string().empty()) return malformed(name);
  auto bytes = base64url::decode(member->string());
  if (!bytes) return malformed(name);
  return *std::move(bytes);
}

Result<SecretBytes> secret_member(JsonView object, std::string_view name) {
  TRY(Bytes bytes, number_member(object, name));
  SecretBytes secret{std::span<const std::byte>(bytes)};
  crypto::wipe(bytes);
  return secret;
}

bool has_control_characters(std::string_view text) noexcept {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

bool is_none(std::string_view alg) noexcept {
  constexpr std::string_view none = "none";
  return std::ranges::equal(alg, none, [](char a, char b) { return (a | 0x20) == b; });
}

// `use` and `key_ops` (RFC 7517, sections 4.2 and 4.3): where they are there, they must name the purpose. A private
// key of a pair that may sign has a public part that may verify; a shared secret is both, so each is said of its own.
Result<Purposes> read_purposes(JsonView object, bool is_private, bool is_shared) {
  if (const auto use = object.find("use")) {
    if (!use->is(JsonType::string)) return malformed("use");
    if (use->string() != "sig") return Purposes{.sign = false, .verify = false};
  }
  const auto operations = object.find("key_ops");
  if (!operations) return Purposes{.sign = is_private, .verify = true};
  if (!operations->is(JsonType::array)) return malformed("key_ops");
  Purposes named{.sign = false, .verify = false};
  std::vector<std::string_view> seen;
  for (const JsonView operation : operations->children()) {
    if (!operation.is(JsonType::string)) return malformed("key_ops");
    if (std::ranges::find(seen, operation.string()) != seen.end()) return malformed("key_ops");
    seen.push_back(operation.string());
    named.sign = named.sign || (is_private && operation.string() == "sign");
    named.verify = named.verify || operation.string() == "verify";
  }
  if (named.sign && !is_shared) named.verify = true;
  return named;
}

Result<crypto::RsaPrivate> read_rsa_private(JsonView object, crypto::RsaPublic pub) {
  if (object.find("oth")) return std::unexpected(Error{Errc::unsupported_key, "oth"});
  crypto::RsaPrivate key{.pub = std::move(pub)};
  TRY(key.d, secret_member(object, "d"));
  constexpr std::array<std::string_view, 5> names = {"p", "q", "dp", "dq", "qi"};
  const auto there = std::ranges::count_if(names, [&](std::string_view name) { return object.find(name).has_value(); });
  if (there == 0) return key;
  TRY(key.p, secret_member(object, "p"));
  TRY(key.q, secret_member(object, "q"));
  TRY(key.dp, secret_member(object, "dp"));
  TRY(key.dq, secret_member(object, "dq"));
  TRY(key.qi, secret_member(object, "qi"));
  return key;
}

using Material = std::variant<crypto::PublicMaterial, crypto::PrivateMaterial>;

Result<Material> read_rsa(JsonView object) {
  crypto::RsaPublic pub;
  TRY(pub.n, number_member(object, "n"));
  TRY(pub.e, number_member(object, "e"));
  if (!object.find("d")) return Material(crypto::PublicMaterial(std::move(pub)));
  TRY(crypto::RsaPrivate key, read_rsa_private(object, std::move(pub)));
  return Material(crypto::PrivateMaterial(std::move(key)));
}

std::optional<Curve> nist_curve_named(std::string_view name) noexcept {
  if (name == "P-256") return Curve::p256;
  if (name == "P-384") return Curve::p384;
  if (name == "P-521") return Curve::p521;
  return std::nullopt;
}

std::string_view name_of(Curve curve) noexcept {
  switch (curve) {
    case Curve::p256: return "P-256";
    case Curve::p384: return "P-384";
    case Curve::p521: return "P-521";
    case Curve::ed25519: return "Ed25519";
  }
  return {};
}

Result<Material> read_ec(JsonView object) {
  TRY(const std::string name, text_member(object, "crv"));
  const auto curve = nist_curve_named(name);
  if (name.empty()) return malformed("crv");
  if (!curve) return std::unexpected(Error{Errc::unsupported_key, "crv", "P-256, P-384 or P-521"});
  crypto::EcPublic pub{.curve = *curve};
  TRY(pub.x, number_member(object, "x"));
  TRY(pub.y, number_member(object, "y"));
  if (!object.find("d")) return Material(crypto::PublicMaterial(std::move(pub)));
  crypto::EcPrivate key{.pub = std::move(pub)};
  TRY(key.d, secret_member(object, "d"));
  return Material(crypto::PrivateMaterial(std::move(key)));
}

Result<Material> read_okp(JsonView object) {
  TRY(const std::string name, text_member(object, "crv"));
  if (name.empty()) return malformed("crv");
  if (name != "Ed25519") return std::unexpected(Error{Errc::unsupported_key, "crv", "Ed25519"});
  crypto::OkpPublic pub;
  TRY(pub.x, number_member(object, "x"));
  if (!object.find("d")) return Material(crypto::PublicMaterial(std::move(pub)));
  crypto::OkpPrivate key{.pub = std::move(pub)};
  TRY(key.d, secret_member(object, "d"));
  return Material(crypto::PrivateMaterial(std::move(key)));
}

// `k` may be empty or short here: that it is weak is crypto's to say.
Result<Material> read_oct(JsonView object) {
  const auto member = object.find("k");
  if (!member || !member->is(JsonType::string)) return malformed("k");
  auto bytes = base64url::decode(member->string());
  if (!bytes) return malformed("k");
  crypto::SharedSecret secret{SecretBytes{std::span<const std::byte>(*bytes)}};
  crypto::wipe(*bytes);
  return Material(crypto::PrivateMaterial(std::move(secret)));
}

Result<Material> read_material(JsonView object, std::string_view kty) {
  if (kty == "RSA") return read_rsa(object);
  if (kty == "EC") return read_ec(object);
  if (kty == "OKP") return read_okp(object);
  if (kty == "oct") return read_oct(object);
  if (kty.empty()) return malformed("kty");
  return std::unexpected(Error{Errc::unsupported_key, "kty", "EC, RSA, OKP or oct"});
}

// Members in a fixed order, as JSON.
class ObjectWriter {
 public:
  void text(std::string_view name, std::string_view value) {
    json_ += json_.empty() ? "{" : ",";
    append_json_string(json_, name);
    json_ += ':';
    append_json_string(json_, value);
  }
  void number(std::string_view name, std::span<const std::byte> bytes) {
    std::string spelled = base64url::encode(bytes);
    // Growing would leave copies of secrets behind in freed memory.
    reserve(spelled.size() + name.size() + 8);
    text(name, spelled);
    crypto::wipe(std::as_writable_bytes(std::span(spelled)));
  }
  std::string take() { return std::move(json_) + "}"; }
  SecretBytes take_secret() {
    reserve(1);
    json_ += '}';
    SecretBytes secret = SecretBytes::from_text(json_);
    crypto::wipe(std::as_writable_bytes(std::span(json_)));
    return secret;
  }

 private:
  void reserve(std::size_t more) {
    if (json_.capacity() - json_.size() >= more) return;
    std::string wider;
    wider.reserve((json_.size() + more) * 2);
    wider = json_;
    crypto::wipe(std::as_writable_bytes(std::span(json_)));
    json_ = std::move(wider);
  }
  std::string json_;
};

void write_public_members(ObjectWriter& writer, const crypto::PublicMaterial& material) {
  std::visit(Overloaded{
                 [&](const crypto::RsaPublic& key) {
                   writer.text("kty", "RSA");
                   writer.number("n", key.n);
                   writer.number("e", key.e);
                 },
                 [&](const crypto::EcPublic& key) {
                   writer.text("kty", "EC");
                   writer.text("crv", name_of(key.curve));
                   writer.number("x", key.x);
                   writer.number("y", key.y);
                 },
                 [&](const crypto::OkpPublic& key) {
                   writer.text("kty", "OKP");
                   writer.text("crv", "Ed25519");
                   writer.number("x", key.x);
                 },
             },
             material);
}

void write_private_members(ObjectWriter& writer, const crypto::PrivateMaterial& material) {
  const auto secret = [&](std::string_view name, const SecretBytes& bytes) {
    if (!bytes.empty()) writer.number(name, bytes.reveal(InsecureSecretAccess::get()));
  };
  std::visit(Overloaded{
                 [&](const crypto::RsaPrivate& key) {
                   secret("d", key.d);
                   secret("p", key.p);
                   secret("q", key.q);
                   secret("dp", key.dp);
                   secret("dq", key.dq);
                   secret("qi", key.qi);
                 },
                 [&](const crypto::EcPrivate& key) { secret("d", key.d); },
                 [&](const crypto::OkpPrivate& key) { secret("d", key.d); },
                 [&](const crypto::SharedSecret& key) {
                   writer.text("kty", "oct");
                   secret("k", key.k);
                 },
             },
             material);
}

void write_names(ObjectWriter& writer, Algorithm algorithm, std::string_view kid) {
  writer.text("use", "sig");
  writer.text("alg", jeton::name_of(algorithm));
  if (!kid.empty()) writer.text("kid", kid);
}

std::string digest_text(std::string_view json) {
  const crypto::Sha256 digest = crypto::sha256(json);
  return base64url::encode(digest);
}

}  // namespace

std::optional<crypto::PublicMaterial> Jwk::public_material() const {
  if (const auto* pub = std::get_if<crypto::PublicMaterial>(&material)) return *pub;
  const auto& private_key = std::get<crypto::PrivateMaterial>(material);
  if (std::holds_alternative<crypto::SharedSecret>(private_key)) return std::nullopt;
  return crypto::public_part(private_key);
}

JwkName name_of_jwk(JsonView object) {
  JwkName name;
  const auto take = [&](std::string_view member, std::string& out) {
    if (const auto found = object.find(member); found && found->is(JsonType::string)) out = found->string();
  };
  take("kty", name.kty);
  take("kid", name.kid);
  take("alg", name.alg);
  return name;
}

Result<Jwk> read_jwk(JsonView object, const Limits& limits) {
  if (!object.is(JsonType::object)) return malformed("");
  Jwk jwk;
  TRY(jwk.kty, text_member(object, "kty"));
  TRY(jwk.kid, text_member(object, "kid"));
  TRY(jwk.alg, text_member(object, "alg"));
  jwk.has_kid = object.find("kid").has_value();
  if (jwk.kid.size() > limits.kid_bytes_max || has_control_characters(jwk.kid)) return malformed("kid");
  TRY(jwk.material, read_material(object, jwk.kty));
  TRY(jwk.purposes, read_purposes(object, jwk.private_material() != nullptr, jwk.kty == "oct"));
  return jwk;
}

Result<Jwk> read_jwk(std::string_view json, const Limits& limits) {
  if (json.size() > limits.jwks_bytes_max) return std::unexpected(Error{Errc::key_set_too_large});
  JsonBuffer buffer{.text = std::string(json)};
  Result<Jwk> jwk = malformed("");
  if (parse_json(buffer, {limits.json_depth_max, limits.json_members_max})) jwk = read_jwk(JsonView(buffer), limits);
  crypto::wipe(std::as_writable_bytes(std::span(buffer.text)));
  return jwk;
}

Result<Algorithm> bound_algorithm(const Jwk& jwk, Purpose purpose, std::optional<Algorithm> asked) {
  if (!jwk.alg.empty()) {
    const auto declared = algorithm_named(jwk.alg);
    if (!declared && is_none(jwk.alg)) return std::unexpected(Error{Errc::unsupported_algorithm, "alg"});
    // A key for encryption ("RSA-OAEP", "A128KW") is a key all the same, for others.
    if (!declared) return std::unexpected(Error{Errc::key_not_for_signatures, "alg"});
    if (asked && *asked != *declared) return std::unexpected(Error{Errc::algorithm_not_allowed, "alg", jwk.alg});
    asked = declared;
  }
  if (!(purpose == Purpose::sign ? jwk.purposes.sign : jwk.purposes.verify))
    return std::unexpected(Error{Errc::key_not_for_signatures, "use"});
  if (asked) return *asked;  // whether it fits the material is checked where the key is made
  const auto pub = jwk.public_material();
  if (pub && !std::holds_alternative<crypto::RsaPublic>(*pub)) return crypto::fitting_algorithms(*pub).front();
  return std::unexpected(Error{Errc::key_without_alg, "alg"});
}

std::string write_public_jwk(const crypto::PublicMaterial& material, Algorithm algorithm, std::string_view kid) {
  ObjectWriter writer;
  write_public_members(writer, material);
  write_names(writer, algorithm, kid);
  return writer.take();
}

SecretBytes write_private_jwk(const crypto::PrivateMaterial& material, Algorithm algorithm, std::string_view kid) {
  ObjectWriter writer;
  if (!std::holds_alternative<crypto::SharedSecret>(material))
    write_public_members(writer, crypto::public_part(material));
  write_private_members(writer, material);
  write_names(writer, algorithm, kid);
  return writer.take_secret();
}

std::string thumbprint_of(const crypto::PublicMaterial& material) {
  // RFC 7638 section 3.2: the required members alone, in lexicographic order, without white space.
  ObjectWriter writer;
  std::visit(Overloaded{
                 [&](const crypto::RsaPublic& key) {
                   writer.number("e", key.e);
                   writer.text("kty", "RSA");
                   writer.number("n", key.n);
                 },
                 [&](const crypto::EcPublic& key) {
                   writer.text("crv", name_of(key.curve));
                   writer.text("kty", "EC");
                   writer.number("x", key.x);
                   writer.number("y", key.y);
                 },
                 [&](const crypto::OkpPublic& key) {
                   writer.text("crv", "Ed25519");
                   writer.text("kty", "OKP");
                   writer.number("x", key.x);
                 },
             },
             material);
  return digest_text(writer.take());
}

std::string thumbprint_of(const crypto::SharedSecret& secret) {
  ObjectWriter writer;
  writer.number("k", secret.k.reveal(InsecureSecretAccess::get()));
  writer.text("kty", "oct");
  const SecretBytes json = writer.take_secret();
  const crypto::Sha256 digest = crypto::sha256(json.reveal(InsecureSecretAccess::get()));
  return base64url::encode(digest);
}

}  // namespace jeton::jose
