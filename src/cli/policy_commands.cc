// policy check|test: what a policy file says, and whether it decides as it should
#include "cli/command_tree.h"
#include "cli/commands.h"
#include "cli/files.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "gateway/policy_advice.h"
#include "gateway/policy_cases.h"
#include "gateway/policy_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

namespace jeton::cli {
namespace {

using gateway::PolicyCase;
using gateway::PolicyFile;

struct PolicyArguments {
  std::string policy;
  std::vector<std::string> cases;
};

platform::Outcome<PolicyFile> read_policy(const std::string& path, Console& console) {
  const auto text = read_file(path, console.in, gateway::policy_file_bytes_max);
  if (!text.has_value()) return std::unexpected(text.error());
  return gateway::parse_policy_file(*text, path);
}

std::string joined(const std::vector<std::string>& words, std::string_view between) {
  return fmt::format("{}", fmt::join(words, between));
}

// "GET,POST api.example.com/v1/tracks/{id}?quality=high".
std::string match_text(const Match& match) {
  std::string text = fmt::format("{} {}{}", match.methods.empty() ? "any method" : joined(match.methods, ","),
                                 joined(match.hosts, ","), match.path);
  for (std::size_t i = 0; i < match.query.size(); ++i) {
    const QueryCondition& query = match.query[i];
    text += fmt::format("{}{}", i == 0 ? "?" : "&", query.name);
    if (!query.values.empty()) text += "=" + joined(query.values, "|");
  }
  return text;
}

std::string claim_text(const ClaimPath& claim) { return joined(claim, "."); }

std::string demand_text(const Policy& policy) {
  if (policy.authentication == Authentication::forbidden) return "no token";
  std::vector<std::string> demands{policy.authentication == Authentication::optional ? "a token, if one came"
                                                                                     : "a token"};
  const auto add = [&](std::string_view what, const std::vector<std::string>& values, std::string_view between) {
    if (!values.empty()) demands.push_back(fmt::format("{} {}", what, joined(values, between)));
  };
  add("of", policy.issuers, " or ");
  if (policy.audiences.empty())
    demands.emplace_back("for anybody");
  else
    add("for", policy.audiences, " or ");
  add("scope", policy.scopes, " and ");
  add("role", policy.roles, " or ");
  add("plan", policy.plans, " or ");
  for (const Condition& condition : policy.conditions) demands.push_back("claim " + claim_text(condition.claim));
  if (policy.login_age_max) demands.push_back(fmt::format("login within {} s", policy.login_age_max->count()));
  add("acr", policy.acr_values, " or ");
  if (!policy.limits.empty()) demands.push_back(fmt::format("{} limit(s)", policy.limits.size()));
  return joined(demands, ", ");
}

void check_policy(const PolicyArguments& arguments, Console& console) {
  const auto file = read_policy(arguments.policy, console);
  if (!file.has_value()) return console.fail(file.error().text());
  const auto routes = file->routes.all();
  console.out << harmless(fmt::format("{}: good: {} issuer(s), {} upstream(s), {} route(s)\n", arguments.policy,
                                      file->issuers.size(), file->upstreams.size(), routes.size()),
                          true);
  for (const Route& route : routes) {
    console.out << harmless(
        fmt::format("{}\n    {}{}\n    {}\n", route.name, match_text(route.match),
                    route.upstream.empty() ? "" : " -> " + route.upstream, demand_text(route.policy)),
        true);
    for (const PassedClaim& passed : route.policy.pass) {
      console.out << harmless(fmt::format("    passes {} as {}\n", claim_text(passed.claim), passed.header.text()),
                              true);
    }
  }
  for (const std::string& one : gateway::advice_on(*file)) console.note(one);
}

// How many of the file's cases were not as expected; all of them if it cannot be read.
struct Tally {
  std::size_t cases = 0, others = 0;
};

void run_cases(const std::string& path, gateway::CaseRunner& runner, Moment now, Tally& tally, Console& console) {
  const auto text = read_file(path, console.in, gateway::policy_cases_bytes_max);
  if (!text.has_value()) return console.fail(text.error().text());
  const auto cases = gateway::parse_policy_cases(*text, path);
  if (!cases.has_value()) return console.fail(cases.error().text());
  for (const PolicyCase& one : *cases) {
    ++tally.cases;
    const std::string objection = runner.objection_to(one, now);
    if (objection.empty()) continue;
    ++tally.others;
    console.out << harmless(fmt::format("{}:{}: \"{}\" {}\n", path, one.line, one.title(), objection), true);
  }
}

void test_policy(const PolicyArguments& arguments, const platform::ClockSource& clock, Console& console) {
  const auto file = read_policy(arguments.policy, console);
  if (!file.has_value()) return console.fail(file.error().text());
  gateway::CaseRunner runner(*file);
  Tally tally;
  const Moment now{clock.now_seconds()};
  for (const std::string& path : arguments.cases) run_cases(path, runner, now, tally, console);
  if (tally.others > 0)
    return console.fail(fmt::format("{} of {} cases are decided otherwise.", tally.others, tally.cases));
  if (console.exit_code == exit_good) console.out << fmt::format("{} cases, all as expected\n", tally.cases);
}

CLI::App* add_policy_command(CLI::App& parent, const std::string& name, const std::string& description,
                             const std::string& example, PolicyArguments& arguments) {
  CLI::App* command = add_command(parent, name, description, example);
  command->add_option("policy", arguments.policy, "The policy file; - for standard input")
      ->type_name(file_placeholder)
      ->required();
  return command;
}

}  // namespace

void add_policy_commands(CLI::App& app, Console& console, const platform::ClockSource& clock) {
  CLI::App* policy = add_command(app, "policy", "Check a gateway's policy file, and test what it decides",
                                 "jeton policy check gateway.toml");
  policy->require_subcommand(1);
  auto checked = std::make_shared<PolicyArguments>();
  add_policy_command(*policy, "check", "Say all that is wrong with a policy file, or what it demands",
                     "jeton policy check gateway.toml", *checked)
      ->callback([checked, &console] { check_policy(*checked, console); });
  auto tested = std::make_shared<PolicyArguments>();
  CLI::App* test = add_policy_command(*policy, "test", "Decide requests that are given as text, and compare",
                                      "jeton policy test gateway.toml gateway.cases", *tested);
  test->add_option("cases", tested->cases, "Files of cases: see docs/policy.md")
      ->type_name(file_placeholder)
      ->required();
  test->callback([tested, &console, &clock] { test_policy(*tested, clock, console); });
}

}  // namespace jeton::cli
