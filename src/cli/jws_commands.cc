// jws sign|verify
#include "cli/batch.h"
#include "cli/commands.h"
#include "cli/files.h"
#include "cli/key_input.h"
#include "cli/options.h"
#include "cli/token_input.h"
#include "cli/verify_request.h"
#include "jose/base64url.h"

#include <jeton/jws.h>

#include <fmt/format.h>

#include <memory>
#include <ostream>

namespace jeton::cli {
namespace {

struct SignOptions {
  std::optional<std::string> key, alg, typ, cty, payload;
};

void sign(Console& console, const SignOptions& options) {
  if (!options.key) {
    return console.fail_usage(
        "--key is missing. Name the file of the private key: --key signing.jwk. Try: jeton jws sign --help");
  }
  std::optional<Algorithm> algorithm;
  if (options.alg) {
    const auto named = algorithm_from(*options.alg);
    if (!named) return console.fail_usage("--alg: " + named.error().text());
    algorithm = *named;
  }
  const std::string source = options.payload.value_or("-");
  if (source == "-" && *options.key == "-")
    return console.fail_usage("Key and payload cannot both come from standard input.");
  warn_of_open_key(console, *options.key);
  const auto key = load_signing_key(*options.key, console.in, {.algorithm = algorithm});
  if (!key) return console.fail(key.error().text());
  if (source == "-" && console.in_is_terminal) console.note("reading the payload from the terminal; end with Ctrl-D.");
  const auto payload = read_file(source, console.in, payload_file_bytes_max);
  if (!payload) return console.fail(payload.error().text());
  if (payload->empty()) {
    return console.fail(source_name(source) + ": is empty. A signed text with an empty part is refused by verifiers.");
  }
  const auto signed_text = jws_sign(*key, *payload, {.typ = options.typ.value_or(""), .cty = options.cty.value_or("")});
  if (!signed_text) return console.fail(fault_of("not signed", signed_text.error()).text());
  if (signed_text->size() > default_limits.token_bytes_max) {
    console.note(fmt::format("{} bytes are more than the {} that verifiers accept by default.", signed_text->size(),
                             default_limits.token_bytes_max));
  }
  console.out << *signed_text << '\n';
}

Result<VerifiedPayload> decide(const std::string& jwks, const std::string& jws,
                               const std::optional<std::vector<std::string>>& algs) {
  const auto keys = operators_keys(jwks);
  if (!keys) return std::unexpected(keys.error());
  return jws_verify(jws, *keys, algorithm_rule(algs));
}

BatchAnswer answer_of(const Result<VerifiedPayload>& verified) {
  if (!verified) return refused(verified.error());
  return accepted("payload", Value(jose::base64url::encode(verified->bytes())).to_json());
}

BatchAnswer verify_line(const Value& line) {
  RequestReader reader{line, {"jwks", "jws", "algs"}};
  const auto jwks = reader.object("jwks");
  const auto jws = reader.text("jws");
  const auto algs = reader.texts("algs");
  if (!reader.good() || !jwks || !jws) return bad_input();
  return answer_of(decide(*jwks, *jws, algs));
}

struct VerifyOptions {
  std::optional<std::string> jwks, jws;
  std::vector<std::string> algs;
  bool json = false, batch = false;
};

void verify(Console& console, const VerifyOptions& options) {
  if (!options.jwks) {
    return console.fail_usage(
        "--jwks is missing. Name the file of the signer's keys: --jwks jwks.json. Try: jeton jws verify --help");
  }
  std::optional<std::vector<std::string>> algs;
  if (!options.algs.empty()) {
    algs = algorithms_from(console, options.algs);
    if (!algs) return;
  }
  if (options.jwks == "-" && (!options.jws || *options.jws == "-")) {
    return console.fail_usage("Signed text and keys cannot both come from standard input.");
  }
  const auto jwks = load_key_set_text(*options.jwks, console.in);
  if (!jwks) return console.fail(jwks.error().text());
  if (const auto keys = operators_keys(*jwks); !keys && !options.json) {
    return console.fail(fault_of(source_name(*options.jwks), keys.error()).text());
  }
  const auto jws = token_from(console, options.jws);
  if (!jws) return console.fail(jws.error().text());
  const auto verified = decide(*jwks, *jws, algs);
  if (options.json) return tell_json(console, answer_of(verified));
  if (!verified) return tell_refusal(console, verified.error());
  console.out << verified->bytes();
}

void add_sign(CLI::App& app, Console& console) {
  const auto options = std::make_shared<SignOptions>();
  CLI::App* command = add_command(app, "sign", "Sign bytes of any kind and print the JWS (compact serialization)",
                                  "jeton jws sign --key signing.jwk --cty application/json order.json > order.jws");
  add_text(*command, "payload", options->payload, "FILE", "What to sign; standard input if not given");
  add_text(*command, "--key", options->key, "FILE", "Private key or shared secret: JWK or PEM; - for standard input");
  add_text(*command, "--typ", options->typ, "TYP", "typ of the header");
  add_text(*command, "--cty", options->cty, "TYPE", "cty of the header: the media type of the payload");
  add_text(*command, "--alg", options->alg, "ALG", "The algorithm, for keys that name none");
  command->callback([&console, options] { sign(console, *options); });
}

void add_verify(CLI::App& app, Console& console) {
  const auto options = std::make_shared<VerifyOptions>();
  CLI::App* command =
      add_command(app, "verify", "Check a JWS and write its payload, byte for byte",
                  "jeton jws verify --jwks jwks.json < order.jws > order.json\n"
                  R"(echo '{"jwks":{"keys":[…]},"jws":"eyJ…","algs":["ES256"]}' | jeton jws verify --batch-json)");
  add_text(*command, "jws", options->jws, "JWS", "The signed text; standard input if not given");
  add_text(*command, "--jwks", options->jwks, "FILE", "The signer's keys: JWKS, JWK or PEM, public, private or secret");
  add_texts(*command, "--alg", options->algs, "ALG", "Only these algorithms, separated by commas");
  add_switch(*command, "--json", options->json,
             "Answer {\"ok\":true,\"payload\":\"<base64url>\"} or {\"ok\":false,\"error\":…}");
  add_switch(*command, "--batch-json", options->batch, "One request a line on standard input, one JSON answer a line")
      ->group("For scripts");
  command->callback([&console, options, command] {
    if (!options->batch) return verify(console, *options);
    if (!batch_is_misused(console, *command)) run_batch(console, verify_line);
  });
}

}  // namespace

void add_jws_commands(CLI::App& app, Console& console) {
  CLI::App* jws =
      add_command(app, "jws", "Sign and verify bytes of any kind", "jeton jws verify --jwks jwks.json < order.jws");
  add_sign(*jws, console);
  add_verify(*jws, console);
}

}  // namespace jeton::cli
