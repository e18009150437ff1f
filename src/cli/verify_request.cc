#include "cli/verify_request.h"

#include "cli/batch.h"

#include <utility>

namespace jeton::cli {
namespace {

std::vector<Algorithm> known_algorithms(const std::optional<std::vector<std::string>>& names) {
  std::vector<Algorithm> known;
  for (std::size_t i = 0; names && i < names->size(); ++i) {
    if (const auto algorithm = algorithm_named((*names)[i])) known.push_back(*algorithm);
  }
  return known;
}

}  // namespace

std::optional<VerifyRequest> read_verify_request(const Value& line) {
  RequestReader reader{line, {"jwks", "token", "issuer", "audience", "typ", "algs", "now", "leeway"}};
  auto jwks = reader.object("jwks");
  auto token = reader.text("token");
  auto issuers = reader.text_or_texts("issuer");
  auto audiences = reader.text_or_texts("audience");
  auto typ = reader.text("typ");
  auto algs = reader.texts("algs");
  const auto now = reader.integer("now");
  const auto leeway = reader.integer("leeway");
  if (leeway && *leeway < 0) reader.spoil();
  if (!reader.good() || !jwks || !token) return std::nullopt;
  VerifyRequest request{.jwks = *std::move(jwks), .token = *std::move(token)};
  request.issuers = std::move(issuers);
  request.audiences = std::move(audiences);
  request.typ = std::move(typ);
  request.algs = std::move(algs);
  if (now) request.now = from_unix_seconds(*now);
  request.leeway = std::chrono::seconds{leeway.value_or(0)};
  return request;
}

Result<KeySet> operators_keys(std::string_view jwks) {
  return KeySet::parse(jwks, {.origin = KeyOrigin::local, .any_fitting = true});
}

Result<KeySet> keys_of(const VerifyRequest& request) {
  if (request.origin == KeyOrigin::local) return operators_keys(request.jwks);
  return KeySet::parse(request.jwks,
                       {.origin = KeyOrigin::published, .algorithms_without_alg = known_algorithms(request.algs)});
}

AlgorithmRule algorithm_rule(const std::optional<std::vector<std::string>>& names) {
  return names ? AlgorithmRule::only(known_algorithms(names)) : AlgorithmRule::of_the_keys();
}

Result<VerifiedToken> decide(const VerifyRequest& request) {
  auto keys = keys_of(request);
  if (!keys) return std::unexpected(keys.error());
  constexpr std::string_view not_asked = "the caller of the command line does not ask for it";
  const Verifier verifier{TrustedIssuer{
      .issuer =
          request.issuers ? IssuerRule::must_be_one_of(*request.issuers) : IssuerRule::accept_any_because(not_asked),
      .audience = request.audiences ? AudienceRule::must_include_one_of(*request.audiences)
                                    : AudienceRule::accept_any_because(not_asked),
      .keys = *std::move(keys),
      .algorithms = algorithm_rule(request.algs),
      .typ = request.typ ? TypRule::must_be(*request.typ) : TypRule::accept_any_because(not_asked),
      .time = request.now ? TimeRule::expiry_required() : TimeRule::ignore_because(not_asked),
      .leeway = request.leeway,
  }};
  return verifier.verify(request.token, request.now.value_or(from_unix_seconds(0)));
}

}  // namespace jeton::cli
