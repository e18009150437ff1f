// token sign|verify|inspect
#include "cli/batch.h"
#include "cli/commands.h"
#include "cli/key_input.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "cli/time_text.h"
#include "cli/token_input.h"
#include "cli/token_parts.h"
#include "cli/verify_request.h"

#include <jeton/signer.h>

#include <fmt/format.h>

#include <memory>
#include <ostream>

namespace jeton::cli {
namespace {

using platform::ClockSource;

// --now, or the clock. Nothing after saying what is wrong.
std::optional<UnixTime> now_from(Console& console, const std::optional<std::string>& text, const ClockSource& clock) {
  if (!text) return clock.now_seconds();
  if (const auto seconds = parse_integer(*text)) return from_unix_seconds(*seconds);
  console.fail_usage("--now must be a whole number of seconds since 1970, such as 1700000000.");
  return std::nullopt;
}

struct SignOptions {
  std::optional<std::string> key, alg, issuer, subject, lifetime, typ, client_id, now;
  std::vector<std::string> audiences, claims;
  bool no_audience = false;
};

// One --claim: NAME=TEXT or NAME:=JSON. False after saying what is wrong.
bool add_claim(Console& console, Claims& claims, const std::string& text) {
  const std::size_t equals = text.find('=');
  const bool is_json = equals != std::string::npos && equals > 0 && text[equals - 1] == ':';
  const std::string name = equals == std::string::npos ? "" : text.substr(0, equals - (is_json ? 1 : 0));
  if (name.empty()) {
    console.fail_usage("--claim must be NAME=TEXT or NAME:=JSON, such as plan=pro or 'roles:=[\"developer\"]'.");
    return false;
  }
  if (claims.members().find(name) != nullptr) {
    console.fail_usage(fmt::format("--claim {} is given twice. Several values are one array: '{}:=[\"a\",\"b\"]'",
                                   harmless(name), harmless(name)));
    return false;
  }
  const std::string written = text.substr(equals + 1);
  if (!is_json) {
    claims.with(name, written);
    return true;
  }
  auto value = Value::parse(written);
  if (!value) {
    console.fail_usage(fmt::format(
        "--claim {}: behind := must stand JSON, such as 3, true, \"text\" or [\"a\",\"b\"]. Plain text takes = alone.",
        harmless(name)));
    return false;
  }
  claims.with(name, *std::move(value));
  return true;
}

// What of the options must be there. False after saying what is missing.
bool has_what_signing_needs(Console& console, const SignOptions& options) {
  const auto missing = [&](std::string_view what) {
    console.fail_usage(fmt::format("{} Try: jeton token sign --help", what));
    return false;
  };
  if (!options.key) return missing("--key is missing. Name the file of the private key: --key signing.jwk.");
  if (!options.issuer)
    return missing("--issuer is missing. Name who makes the token: --issuer https://id.example.com.");
  if (!options.subject) return missing("--subject is missing. Name whom the token speaks of: --subject dev_12847.");
  if (options.audiences.empty() != options.no_audience) {
    return missing(
        options.no_audience
            ? "--audience and --no-audience exclude each other."
            : "--audience is missing. Name the service the token is for: --audience api (or say --no-audience).");
  }
  return true;
}

void sign(Console& console, const SignOptions& options, const ClockSource& clock) {
  if (!has_what_signing_needs(console, options)) return;
  const auto lifetime = parse_duration(options.lifetime.value_or("15m"));
  if (!lifetime || lifetime->count() < 1)
    return console.fail_usage("--lifetime must be a duration such as 90s, 15m or 24h.");
  std::optional<Algorithm> algorithm;
  if (options.alg) {
    const auto named = algorithm_from(*options.alg);
    if (!named) return console.fail_usage("--alg: " + named.error().text());
    algorithm = *named;
  }
  const auto now = now_from(console, options.now, clock);
  if (!now) return;
  Claims claims{*options.subject};
  if (options.client_id) claims.with("client_id", *options.client_id);
  for (const std::string& claim : options.claims) {
    if (!add_claim(console, claims, claim)) return;
  }
  warn_of_open_key(console, *options.key);
  const auto key = load_signing_key(*options.key, console.in, {.algorithm = algorithm});
  if (!key) return console.fail(key.error().text());
  const Signer signer{*key,
                      {.issuer = *options.issuer,
                       .audiences = options.audiences,
                       .lifetime = *lifetime,
                       .typ = options.typ.value_or("at+jwt")}};
  const auto token = signer.sign(claims, *now);
  if (!token) return console.fail(fault_of("not signed", token.error()).text());
  console.out << *token << '\n';
}

struct VerifyOptions {
  std::optional<std::string> jwks, typ, leeway, now, token;
  std::vector<std::string> issuers, audiences, algs;
  bool any_issuer = false, any_audience = false, json = false, batch = false;
};

// What the options ask, without the token and the keys. Nothing after saying what is wrong.
std::optional<VerifyRequest> request_from(Console& console, const VerifyOptions& options, const ClockSource& clock) {
  const auto wrong = [&](std::string_view what) {
    console.fail_usage(fmt::format("{} Try: jeton token verify --help", what));
    return std::nullopt;
  };
  if (!options.jwks) return wrong("--jwks is missing. Name the file of the issuer's keys: --jwks jwks.json.");
  if (options.issuers.empty() != options.any_issuer) {
    return wrong(options.any_issuer ? "--issuer and --any-issuer exclude each other."
                                    : "--issuer is missing. Name who must have made the token, or say --any-issuer.");
  }
  if (options.audiences.empty() != options.any_audience) {
    return wrong(options.any_audience
                     ? "--audience and --any-audience exclude each other."
                     : "--audience is missing. Name the service the token must be for, or say --any-audience.");
  }
  VerifyRequest request;
  if (!options.any_issuer) request.issuers = options.issuers;
  if (!options.any_audience) request.audiences = options.audiences;
  request.typ = options.typ;
  if (!options.algs.empty()) {
    auto names = algorithms_from(console, options.algs);
    if (!names) return std::nullopt;
    request.algs = *std::move(names);
  }
  const auto leeway = parse_seconds(options.leeway.value_or("0"));
  if (!leeway) return wrong("--leeway must be a number of seconds, such as 30.");
  request.leeway = *leeway;
  request.now = now_from(console, options.now, clock);
  if (!request.now) return std::nullopt;
  return request;
}

void verify(Console& console, const VerifyOptions& options, const ClockSource& clock) {
  auto request = request_from(console, options, clock);
  if (!request) return;
  if (options.jwks == "-" && (!options.token || *options.token == "-")) {
    return console.fail_usage("Token and keys cannot both come from standard input.");
  }
  auto jwks = load_key_set_text(*options.jwks, console.in);
  if (!jwks) return console.fail(jwks.error().text());
  request->jwks = *std::move(jwks);
  // A key file that cannot be read at all is no refusal of the token.
  if (const auto keys = operators_keys(request->jwks); !keys && !options.json) {
    return console.fail(fault_of(source_name(*options.jwks), keys.error()).text());
  }
  auto token = token_from(console, options.token);
  if (!token) return console.fail(token.error().text());
  request->token = *std::move(token);
  // The clock is read when the token is there: whoever waits for one that is made meanwhile must not find it in the
  // future.
  if (!options.now) request->now = clock.now_seconds();
  const auto verified = decide(*request);
  if (options.json)
    return tell_json(console, verified ? accepted("claims", verified->payload_json()) : refused(verified.error()));
  if (!verified) return tell_refusal(console, verified.error());
  console.out << harmless(verified->payload_json(), true) << '\n';
}

BatchAnswer verify_line(const Value& line) {
  const auto request = read_verify_request(line);
  if (!request) return bad_input();
  const auto verified = decide(*request);
  return verified ? accepted("claims", verified->payload_json()) : refused(verified.error());
}

void inspect(Console& console, const std::optional<std::string>& argument, bool json) {
  const auto token = token_from(console, argument);
  if (!token) return console.fail(token.error().text());
  if (is_refresh_token(*token)) {
    return console.fail(
        "this is a refresh token: opaque, and for its issuer alone. There is nothing in it to look at.");
  }
  const auto parts = take_apart(*token);
  if (!parts) return console.fail(fault_of("the token", parts.error()).text());
  if (!parts->header) return console.fail(fault_of("the header", parts->header.error()).text());
  if (!parts->payload) return console.fail(fault_of("the payload", parts->payload.error()).text());
  if (json) {
    console.out << Value::object()
                       .set("verified", false)
                       .set("header", *parts->header)
                       .set("payload", *parts->payload)
                       .to_json()
                << '\n';
    return;
  }
  const auto heading = [&](std::string_view text) { return painted(text, Tone::strong, console.colour); };
  console.out << painted("not verified", Tone::bad, console.colour)
              << ": anybody can write such a token. To check it: jeton token verify, or jeton explain\n\n"
              << heading("header") << '\n'
              << pretty_json(*parts->header) << "\n\n"
              << heading("payload") << '\n'
              << pretty_json(*parts->payload) << "\n\n"
              << heading("signature") << fmt::format("\n{} bytes, not checked\n", parts->signature_bytes);
}

void add_sign(CLI::App& app, Console& console, const ClockSource& clock) {
  const auto options = std::make_shared<SignOptions>();
  CLI::App* command =
      add_command(app, "sign", "Make a signed token and print it",
                  "jeton token sign --key signing.jwk --issuer https://id.example.com --audience api \\\n"
                  "    --subject dev_12847 --claim plan=pro --claim 'roles:=[\"developer\"]' --lifetime 15m");
  add_text(*command, "--key", options->key, "FILE", "Private key or shared secret: JWK or PEM; - for standard input");
  add_text(*command, "--issuer", options->issuer, "URL", "iss: who makes the token");
  add_texts(*command, "--audience", options->audiences, "NAME", "aud: the service it is for");
  add_switch(*command, "--no-audience", options->no_audience, "Leave aud out");
  add_text(*command, "--subject", options->subject, "NAME", "sub: whom it speaks of");
  add_texts(*command, "--claim", options->claims, "NAME=TEXT", "Another claim; NAME:=JSON for what is not text");
  add_text(*command, "--lifetime", options->lifetime, "TIME", "From now until exp, 24h at most; 15m if not given");
  add_text(*command, "--typ", options->typ, "TYP", "Kind of token; at+jwt, an access token, if not given");
  add_text(*command, "--client-id", options->client_id, "ID", "client_id: the application that asked for it");
  add_text(*command, "--alg", options->alg, "ALG", "The algorithm, for keys that name none");
  add_text(*command, "--now", options->now, "UNIX", "Seconds since 1970; the clock if not given");
  command->callback([&console, &clock, options] { sign(console, *options, clock); });
}

void add_verify(CLI::App& app, Console& console, const ClockSource& clock) {
  const auto options = std::make_shared<VerifyOptions>();
  CLI::App* command = add_command(
      app, "verify", "Say whether a token is to be believed, and print its claims",
      "jeton token verify --jwks jwks.json --issuer https://id.example.com --audience api < token\n"
      "jeton token verify --batch-json <<'END'\n"
      R"({"jwks":{"keys":[…]},"token":"eyJ…","issuer":"https://id.example.com","audience":"api","now":1700000000})"
      "\nEND");
  add_text(*command, "token", options->token, "TOKEN", "The token; standard input if not given");
  add_text(*command, "--jwks", options->jwks, "FILE", "The issuer's keys: JWKS, JWK or PEM, public, private or secret");
  add_texts(*command, "--issuer", options->issuers, "URL", "iss must be this");
  add_texts(*command, "--audience", options->audiences, "NAME", "aud must hold this");
  add_switch(*command, "--any-issuer", options->any_issuer, "Do not look at iss");
  add_switch(*command, "--any-audience", options->any_audience, "Do not look at aud");
  add_text(*command, "--typ", options->typ, "TYP",
           "The header's typ must be this, such as at+jwt; not looked at if not given");
  add_texts(*command, "--alg", options->algs, "ALG", "Only these algorithms, separated by commas");
  add_text(*command, "--leeway", options->leeway, "SECONDS", "How far clocks may differ; 0 if not given");
  add_text(*command, "--now", options->now, "UNIX", "Seconds since 1970; the clock if not given");
  add_switch(*command, "--json", options->json, "Answer {\"ok\":true,\"claims\":{…}} or {\"ok\":false,\"error\":…}");
  add_switch(*command, "--batch-json", options->batch, "One request a line on standard input, one JSON answer a line")
      ->group("For scripts");
  command->callback([&console, &clock, options, command] {
    if (!options->batch) return verify(console, *options, clock);
    if (!batch_is_misused(console, *command)) run_batch(console, verify_line);
  });
}

void add_inspect(CLI::App& app, Console& console) {
  struct InspectOptions {
    std::optional<std::string> token;
    bool json = false;
  };
  const auto options = std::make_shared<InspectOptions>();
  CLI::App* command = add_command(app, "inspect", "Decode a token without verifying it", "jeton token inspect < token");
  add_text(*command, "token", options->token, "TOKEN", "The token; standard input if not given");
  add_switch(*command, "--json", options->json, "Answer {\"verified\":false,\"header\":{…},\"payload\":{…}}");
  command->callback([&console, options] { inspect(console, options->token, options->json); });
}

}  // namespace

void add_token_commands(CLI::App& app, Console& console, const ClockSource& clock) {
  CLI::App* token = add_command(app, "token", "Sign, verify and look at tokens", "jeton token inspect < token");
  add_sign(*token, console, clock);
  add_verify(*token, console, clock);
  add_inspect(*token, console);
}

}  // namespace jeton::cli
