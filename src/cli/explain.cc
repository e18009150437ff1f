// explain
#include "cli/commands.h"
#include "cli/explain_text.h"
#include "cli/key_input.h"
#include "cli/options.h"
#include "cli/time_text.h"
#include "cli/token_input.h"
#include "http/client.h"

#include <fmt/format.h>

#include <memory>
#include <ostream>

namespace jeton::cli {
namespace {

using platform::ClockSource;
using platform::Fault;
using platform::Outcome;

struct ExplainOptions {
  std::optional<std::string> token, jwks, typ, leeway, now;
  std::vector<std::string> issuers, audiences, algs;
  bool brief = false;
};

bool is_url(const std::string& text) { return text.starts_with("https://") || text.starts_with("http://"); }

Outcome<std::string> fetch_keys(const std::string& url) {
  http::FetchRequest request;
  request.url = url;
  request.headers.add("Accept", "application/jwk-set+json, application/json");
  auto answer = http::fetch(request);
  if (!answer) return std::unexpected(answer.error());
  if (answer->status != 200) {
    return std::unexpected(Fault{fmt::format("{}: answered {}.", url, answer->status),
                                 "The address of a key set often ends in /.well-known/jwks.json."});
  }
  return std::move(answer->body);
}

// Fills in keys and their origin. False after saying what is wrong.
bool take_keys(Console& console, const std::string& source, VerifyRequest& request) {
  const bool fetched = is_url(source);
  auto text = fetched ? fetch_keys(source) : load_key_set_text(source, console.in);
  if (!text) {
    console.fail(text.error().text());
    return false;
  }
  request.jwks = *std::move(text);
  request.origin = fetched ? KeyOrigin::published : KeyOrigin::local;
  if (const auto keys = keys_of(request); !keys) {
    console.fail(fault_of(source_name(source), keys.error()).text());
    return false;
  }
  return true;
}

void explain(Console& console, const ExplainOptions& options, const ClockSource& clock) {
  VerifyRequest request;
  if (!options.issuers.empty()) request.issuers = options.issuers;
  if (!options.audiences.empty()) request.audiences = options.audiences;
  request.typ = options.typ;
  if (!options.algs.empty()) {
    request.algs = algorithms_from(console, options.algs);
    if (!request.algs) return;
  }
  const auto leeway = parse_seconds(options.leeway.value_or("0"));
  if (!leeway) return console.fail_usage("--leeway must be a number of seconds, such as 30. Try: jeton explain --help");
  request.leeway = *leeway;
  if (options.now) {
    const auto now = parse_integer(*options.now);
    if (!now) return console.fail_usage("--now must be a whole number of seconds since 1970, such as 1700000000.");
    request.now = from_unix_seconds(*now);
  }
  const bool both_from_input = options.jwks == "-" && (!options.token || *options.token == "-");
  if (both_from_input) return console.fail_usage("Token and keys cannot both come from standard input.");
  if (options.jwks && !take_keys(console, *options.jwks, request)) return;
  auto token = token_from(console, options.token);
  if (!token) return console.fail(token.error().text());
  request.token = *std::move(token);
  // The clock is read when the token is there: whoever waits for one that is made meanwhile must not find it in the
  // future.
  if (!request.now) request.now = clock.now_seconds();
  const Explanation explanation = explain_token(request, {.colour = console.colour, .brief = options.brief});
  console.out << explanation.text;
  if (!explanation.accepted) console.exit_code = exit_bad;
}

}  // namespace

void add_explain_command(CLI::App& app, Console& console, const ClockSource& clock) {
  const auto options = std::make_shared<ExplainOptions>();
  CLI::App* command =
      add_command(app, "explain", "Say in plain words what a token is, and why it is accepted or refused",
                  "jeton explain --jwks https://id.example.com/.well-known/jwks.json --audience api < token");
  add_text(*command, "token", options->token, "TOKEN", "The token; standard input if not given");
  add_text(*command, "--jwks", options->jwks, "FILE",
           "The issuer's keys: a file or an http(s) address; without them nothing is accepted");
  add_texts(*command, "--issuer", options->issuers, "URL", "iss must be this; not looked at if not given");
  add_texts(*command, "--audience", options->audiences, "NAME", "aud must hold this; not looked at if not given");
  add_text(*command, "--typ", options->typ, "TYP", "The header's typ must be this; not looked at if not given");
  add_texts(*command, "--alg", options->algs, "ALG", "Only these algorithms, separated by commas");
  add_text(*command, "--leeway", options->leeway, "SECONDS", "How far clocks may differ; 0 if not given");
  add_text(*command, "--now", options->now, "UNIX", "Seconds since 1970; the clock if not given");
  add_switch(*command, "--brief", options->brief, "Leave out what each part is");
  command->callback([&console, &clock, options] { explain(console, *options, clock); });
}

}  // namespace jeton::cli
