// key generate|import|jwks|thumbprint|check; list, rotate and revoke are in store_key_commands.cc
#include "cli/batch.h"
#include "cli/commands.h"
#include "cli/files.h"
#include "cli/key_input.h"
#include "platform/nearest_name.h"
#include "cli/options.h"
#include "cli/store_access.h"
#include "cli/store_key_commands.h"
#include "cli/terminal.h"
#include "cli/time_text.h"
#include "platform/files.h"

#include <jeton/limits.h>
#include <jeton/value.h>

#include <fmt/format.h>

#include <memory>
#include <ostream>

namespace jeton::cli {
namespace {

struct NewKeyOptions {
  std::optional<std::string> file, alg, out, bits, kid;
  bool force = false;
  bool is_secret = false;
  StoreOptions store{};
  std::optional<std::string> audience{};
};

std::string_view text_of(const SecretBytes& secret) {
  const auto bytes = secret.reveal(InsecureSecretAccess::get());
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// To the file, or to standard output where none was named.
void give_key(Console& console, const SigningKey& key, const NewKeyOptions& options) {
  const SecretBytes jwk = key.to_private_jwk(InsecureSecretAccess::get());
  if (!options.out || *options.out == "-") {
    console.out << text_of(jwk) << '\n';
    return;
  }
  const auto existing = options.force ? platform::Existing::replace : platform::Existing::keep;
  if (const auto written = platform::write_private_file(*options.out, text_of(jwk), existing,
                                                        "Choose another name, or replace it with --force.");
      !written) {
    return console.fail(written.error().text());
  }
  console.out << fmt::format("wrote {} ({}, {}, {}: mode 0600)\n", harmless(*options.out), name_of(key.algorithm()),
                             kid_text(key.kid()), is_symmetric(key.algorithm()) ? "secret" : "private");
}

// The bits of an RSA key, or nothing after saying what is wrong.
std::optional<unsigned> rsa_bits_from(Console& console, const std::optional<std::string>& text, Algorithm algorithm) {
  if (!text) return SigningKey::GenerateOptions{}.rsa_bits;
  const std::string_view name = name_of(algorithm);
  if (!name.starts_with("RS") && !name.starts_with("PS")) {
    console.fail_usage(fmt::format("--bits is for RSA keys; {} has one size.", name));
    return std::nullopt;
  }
  const auto bits = parse_integer(*text);
  if (bits && *bits >= default_limits.rsa_bits_min && *bits <= default_limits.rsa_bits_max && *bits % 8 == 0) {
    return static_cast<unsigned>(*bits);
  }
  console.fail_usage(fmt::format("--bits must be a multiple of 8 from {} to {}.", default_limits.rsa_bits_min,
                                 default_limits.rsa_bits_max));
  return std::nullopt;
}

bool is_usable_kid(Console& console, const std::optional<std::string>& kid) {
  if (!kid) return true;
  if (!kid->empty() && kid->size() <= default_limits.kid_bytes_max && harmless(*kid) == *kid) return true;
  console.fail_usage(fmt::format("--kid must be 1 to {} bytes of printable text.", default_limits.kid_bytes_max));
  return false;
}

// --alg as an algorithm; `needed` says whether leaving it out is an error. Nothing after saying what is wrong.
std::optional<std::optional<Algorithm>> algorithm_option(Console& console, const std::optional<std::string>& name,
                                                         bool needed) {
  if (!name) {
    if (!needed) return std::optional<Algorithm>{};
    console.fail_usage(
        "--alg is missing. Name the algorithm the key is for: --alg ES256 (RS256, PS256, EdDSA, HS256, …)");
    return std::nullopt;
  }
  const auto algorithm = algorithm_from(*name);
  if (algorithm) return std::optional<Algorithm>{*algorithm};
  console.fail_usage("--alg: " + algorithm.error().text());
  return std::nullopt;
}

void generate(Console& console, const NewKeyOptions& options) {
  const auto algorithm = algorithm_option(console, options.alg, true);
  if (!algorithm || !is_usable_kid(console, options.kid)) return;
  const auto bits = rsa_bits_from(console, options.bits, **algorithm);
  if (!bits) return;
  give_key(console, new_key(**algorithm, *bits, options.kid.value_or("")), options);
}

// Into the issuer's store where one is named, else as `generate` does.
void keep_key(Console& console, const SigningKey& key, const NewKeyOptions& options) {
  if (!options.store.are_given()) {
    if (options.audience) return console.fail_usage("--audience goes with --data or --config.");
    return give_key(console, key, options);
  }
  if (options.out) return console.fail_usage("--out writes a file, --data and --config name a store: leave one out.");
  import_into_store(console, key, options.store, options.audience);
}

void import_secret(Console& console, const NewKeyOptions& options, std::optional<Algorithm> algorithm) {
  if (!algorithm || !is_symmetric(*algorithm)) {
    return console.fail_usage("--secret needs --alg HS256, HS384 or HS512.");
  }
  auto secret = read_secret_file(*options.file, console.in);
  if (!secret) return console.fail(secret.error().text());
  if (text_of(*secret).ends_with('\n')) {
    console.note(fmt::format("{} ends in a line feed, which is part of the secret. Both sides must agree on that.",
                             source_name(*options.file)));
  }
  const auto key = SigningKey::from_secret(*std::move(secret), *algorithm, options.kid.value_or(""));
  if (!key) return console.fail(fault_of(source_name(*options.file), key.error()).text());
  keep_key(console, *key, options);
}

void import(Console& console, const NewKeyOptions& options) {
  const auto algorithm = algorithm_option(console, options.alg, false);
  if (!algorithm || !is_usable_kid(console, options.kid)) return;
  if (options.is_secret) return import_secret(console, options, *algorithm);
  const auto key = load_signing_key(*options.file, console.in, {.algorithm = *algorithm, .kid = options.kid});
  if (!key) return console.fail(key.error().text());
  keep_key(console, *key, options);
}

struct ListOptions {
  std::vector<std::string> files;
  std::optional<std::string> alg;
};

void publish(Console& console, const ListOptions& options) {
  const auto algorithm = algorithm_option(console, options.alg, false);
  if (!algorithm) return;
  Value keys = Value::array();
  for (const std::string& file : options.files) {
    const auto text = read_secret_file(file, console.in);
    if (!text) return console.fail(text.error().text());
    const auto jwks = public_jwks_in(*text, {.algorithm = *algorithm});
    if (!jwks) {
      if (jwks.error().claim == "kty") {
        return console.fail(source_name(file) +
                            ": a shared secret has no public part; publishing it would let everyone make tokens.");
      }
      return console.fail(fault_of(source_name(file), jwks.error()).text());
    }
    for (const std::string& jwk : *jwks) keys.push(Value::parse(jwk).value());
  }
  const std::string set = Value::object().set("keys", std::move(keys)).to_json();
  // What is published must be what verifiers accept: no doubled kid, not too many keys.
  const auto readable = KeySet::parse(set);
  if (!readable) return console.fail(fault_of("the key set", readable.error()).text());
  console.out << set << '\n';
}

void print_thumbprint(Console& console, const std::string& file) {
  const auto text = read_secret_file(file, console.in);
  if (!text) return console.fail(text.error().text());
  const auto result = thumbprints_in(*text);
  if (!result) return console.fail(fault_of(source_name(file), result.error()).text());
  for (const std::string& one : *result) console.out << one << '\n';
}

BatchAnswer check_line(const Value& line) {
  const auto keys = checked_keys(line.to_json());
  if (!keys) return refused(keys.error());
  Value list = Value::array();
  for (const KeySet::Entry& entry : *keys) {
    if (!entry.refusal.empty()) return refused(entry.refusal.front());
    Value key = Value::object();
    if (!entry.kid.empty()) key.set("kid", entry.kid);
    if (!entry.declared_alg.empty()) key.set("alg", entry.declared_alg);
    list.push(std::move(key.set("kty", entry.kty)));
  }
  return accepted("keys", list.to_json());
}

std::string algorithm_list(const std::vector<Algorithm>& algorithms) {
  if (algorithms.empty()) return "not for signatures";
  std::vector<std::string_view> names;
  for (const Algorithm algorithm : algorithms) names.push_back(name_of(algorithm));
  return fmt::format("{}", fmt::join(names, " or "));
}

void check_for_a_person(Console& console, const std::string& file) {
  const auto text = load_key_set_text(file, console.in);
  if (!text) return console.fail(text.error().text());
  const auto keys = checked_keys(*text);
  if (!keys) return console.fail(fault_of(source_name(file), keys.error()).text());
  if (keys->empty()) console.out << "no keys of a known type\n";
  for (const KeySet::Entry& entry : *keys) {
    const std::string kty = entry.kty.empty() ? "no kty" : harmless(shortened(entry.kty, 40));
    if (entry.refusal.empty()) {
      console.out << fmt::format("{}  {:<3}  {}, {}\n", painted("good   ", Tone::good, console.colour), kty,
                                 algorithm_list(entry.algorithms), kid_text(entry.kid));
      continue;
    }
    const Error& error = entry.refusal.front();
    console.out << fmt::format("{}  {:<3}  {}: {}. See: jeton help {}\n", painted("refused", Tone::bad, console.colour),
                               kty, kid_text(entry.kid), describe(error), name_of(error.code));
    console.exit_code = exit_bad;
  }
}

void add_generate(CLI::App& app, Console& console) {
  const auto options = std::make_shared<NewKeyOptions>();
  CLI::App* command = add_command(app, "generate", "Make a new private key or shared secret",
                                  "jeton key generate --alg ES256 --out signing.jwk");
  add_text(*command, "--alg", options->alg, "ALG",
           "The one algorithm the key is for: ES256, RS256, PS256, EdDSA, HS256, …");
  add_text(*command, "--out", options->out, "FILE",
           "Write the private JWK there, mode 0600; without it, to standard output");
  add_text(*command, "--bits", options->bits, "N", "Size of an RSA key, 2048 to 8192; 2048 if not given");
  add_text(*command, "--kid", options->kid, "KID", "Name of the key; its RFC 7638 thumbprint if not given");
  add_switch(*command, "--force", options->force, "Replace FILE if it exists");
  command->callback([&console, options] { generate(console, *options); });
}

void add_import(CLI::App& app, Console& console) {
  const auto options = std::make_shared<NewKeyOptions>();
  CLI::App* command = add_command(
      app, "import",
      "Turn a private key (PEM or JWK) into a checked JWK bound to one algorithm, or add it to an issuer's keys",
      "jeton key import private.pem --alg RS256 --out signing.jwk\n"
      "jeton key import private.pem --alg RS256 --data data\n"
      "jeton key import billing.jwk --audience billing --data data");
  add_text(*command, "file", options->file, "FILE", "PEM (PKCS#8, PKCS#1, SEC1) or JWK; - for standard input")
      ->required();
  add_text(*command, "--alg", options->alg, "ALG", "The algorithm, for keys that name none");
  add_text(*command, "--out", options->out, "FILE",
           "Write the private JWK there, mode 0600; without it, to standard output");
  add_text(*command, "--kid", options->kid, "KID", "Name of the key; its own, or its thumbprint, if not given");
  add_switch(*command, "--secret", options->is_secret, "The file's bytes, exactly as they are, are an HMAC secret");
  add_switch(*command, "--force", options->force, "Replace the output file if it exists");
  add_store_options(*command, options->store);
  add_text(*command, "--audience", options->audience, "AUDIENCE",
           "With --data or --config: the one audience that an HS256 secret signs for")
      ->group("Store");
  command->callback([&console, options] { import(console, *options); });
}

void add_publish_and_thumbprint(CLI::App& app, Console& console) {
  const auto list = std::make_shared<ListOptions>();
  CLI::App* jwks = add_command(app, "jwks", "Print the public key set (JWKS) of private or public keys",
                               "jeton key jwks signing.jwk next.jwk > jwks.json");
  jwks->add_option("files", list->files, "JWK, JWKS or PEM files; - for standard input")->type_name("FILE")->required();
  add_text(*jwks, "--alg", list->alg, "ALG", "The algorithm, for keys that name none");
  jwks->callback([&console, list] { publish(console, *list); });

  const auto file = std::make_shared<std::optional<std::string>>();
  CLI::App* print = add_command(app, "thumbprint", "Print the RFC 7638 thumbprint of a key, private or public",
                                "jeton key thumbprint signing.jwk");
  add_text(*print, "file", *file, "FILE", "JWK, JWKS (one line a key) or PEM; standard input if not given");
  print->callback([&console, file] { print_thumbprint(console, file->value_or("-")); });
}

void add_check(CLI::App& app, Console& console) {
  struct CheckOptions {
    std::optional<std::string> file;
    bool batch = false;
  };
  const auto options = std::make_shared<CheckOptions>();
  CLI::App* command = add_command(app, "check", "Say whether keys are good, and why not",
                                  "jeton key check jwks.json\n"
                                  R"(echo '{"kty":"oct","k":"c2hvcnQ"}' | jeton key check --batch-json)");
  add_text(*command, "file", options->file, "FILE", "JWK, JWKS or PEM; standard input if not given");
  add_switch(*command, "--batch-json", options->batch,
             "One JWK or set a line on standard input, one JSON answer a line")
      ->group("For scripts");
  command->callback([&console, options] {
    if (!options->batch) return check_for_a_person(console, options->file.value_or("-"));
    if (options->file) return console.fail_usage("--batch-json reads standard input; leave the file out.");
    run_batch(console, check_line);
  });
}

}  // namespace

void add_key_commands(CLI::App& app, Console& console) {
  CLI::App* key = add_command(app, "key", "Make, import, publish and check keys",
                              "jeton key generate --alg ES256 --out signing.jwk");
  add_generate(*key, console);
  add_import(*key, console);
  add_publish_and_thumbprint(*key, console);
  add_check(*key, console);
  add_store_key_commands(*key, console);
}

}  // namespace jeton::cli
