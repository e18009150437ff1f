// jeton gateway: decides at the edge, wired together: policy file, agent, listeners, signals.
#include "cli/allocator.h"
#include "cli/commands.h"
#include "cli/files.h"
#include "gateway/edge.h"
#include "gateway/policy_advice.h"
#include "gateway/policy_file.h"
#include "platform/clock.h"
#include "platform/log.h"
#include "platform/process.h"
#include "platform/signals.h"

#include <jeton/version.h>

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace jeton::cli {
namespace {

using gateway::EdgeSecrets;
using gateway::PolicyFile;
using platform::Outcome;

struct GatewayArguments {
  std::string config_path = "gateway.toml";
};

// A policy file and, if it names one, its shadow.
struct Policies {
  PolicyFile file;
  std::optional<PolicyFile> shadow;
};

Outcome<PolicyFile> read_policy(const std::string& path, std::istream& in) {
  const auto text = read_file(path, in, gateway::policy_file_bytes_max);
  if (!text.has_value()) return std::unexpected(text.error());
  return gateway::parse_policy_file(*text, path);
}

Outcome<Policies> read_policies(const std::string& path, std::istream& in) {
  auto file = read_policy(path, in);
  if (!file.has_value()) return std::unexpected(std::move(file.error()));
  Policies policies{.file = *std::move(file), .shadow = std::nullopt};
  if (policies.file.gateway.shadow.empty()) return policies;
  auto shadow = read_policy(policies.file.gateway.shadow, in);
  if (!shadow.has_value()) return std::unexpected(std::move(shadow.error()));
  policies.shadow = *std::move(shadow);
  return policies;
}

void log_advice(const std::vector<std::string>& advice) {
  for (const std::string& one : advice) platform::log_warning("policy", {{"advice", one}});
}

// A secret in a file, without the line end that editors add.
Outcome<SecretBytes> read_secret(const std::string& path, std::istream& in) {
  auto secret = read_secret_file(path, in);
  if (!secret.has_value()) return secret;
  const auto bytes = secret->reveal(InsecureSecretAccess::get());
  std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  return SecretBytes::from_text(text);
}

Outcome<EdgeSecrets> read_secrets(const PolicyFile& file, std::istream& in) {
  EdgeSecrets secrets;
  for (const gateway::IssuerSettings& issuer : file.issuers) {
    EdgeSecrets::OfIssuer& of = secrets.issuers.emplace_back();
    of.feed_key = issuer.feed_key;
    if (!issuer.feed_key.empty() && !issuer.feed_key.starts_with('{')) {
      auto text = read_file(issuer.feed_key, in, key_file_bytes_max);
      if (!text.has_value()) return std::unexpected(std::move(text.error()));
      of.feed_key = *std::move(text);
    }
    if (issuer.client_secret_file.empty()) continue;
    auto secret = read_secret(issuer.client_secret_file, in);
    if (!secret.has_value()) return std::unexpected(std::move(secret.error()));
    of.client_secret = *std::move(secret);
  }
  for (const auto& [path, into] : {std::pair{&file.gateway.shared_limits_secret, &secrets.shared_limits},
                                   std::pair{&file.gateway.shared_limits_password, &secrets.shared_limits_password}}) {
    if (path->empty()) continue;
    auto secret = read_secret(*path, in);
    if (!secret.has_value()) return std::unexpected(std::move(secret.error()));
    *into = *std::move(secret);
  }
  return secrets;
}

void reload(gateway::Edge& edge, const std::string& path, std::istream& in) {
  auto policies = read_policies(path, in);
  if (!policies.has_value()) {
    platform::log_error("configuration not reloaded, the old one stays", {{"reason", policies.error().text()}});
    return;
  }
  auto secrets = read_secrets(policies->file, in);
  if (!secrets.has_value()) {
    platform::log_error("configuration not reloaded, the old one stays", {{"reason", secrets.error().text()}});
    return;
  }
  const std::vector<std::string> advice = gateway::advice_on(policies->file);
  const auto waiting = edge.replace(std::move(policies->file), std::move(policies->shadow), *std::move(secrets));
  if (!waiting.has_value()) {
    platform::log_error("configuration not reloaded, the old one stays", {{"reason", waiting.error().text()}});
    return;
  }
  log_advice(advice);
  platform::log_info("configuration reloaded", {{"file", path}});
  if (!waiting->empty()) platform::log_warning("settings changed that need a restart", {{"settings", *waiting}});
}

void run_gateway(const GatewayArguments& arguments, Console& console) {
  set_up_allocator();
  auto policies = read_policies(arguments.config_path, console.in);
  if (!policies.has_value()) return console.fail(policies.error().text());
  auto secrets = read_secrets(policies->file, console.in);
  if (!secrets.has_value()) return console.fail(secrets.error().text());
  log_advice(gateway::advice_on(policies->file));
  // Neither a core file nor another process of this user gets to see tokens and secrets.
  platform::forbid_memory_dumps();
  platform::block_signals();
  const platform::SystemClock clock;
  auto edge = gateway::Edge::start(std::move(policies->file), std::move(policies->shadow), *std::move(secrets), clock);
  if (!edge.has_value()) return console.fail(edge.error().text());
  gateway::Edge& running = **edge;
  const platform::SignalThread signals(
      {.stop = [&] { running.stop(); }, .reload = [&] { reload(running, arguments.config_path, console.in); }});
  console.out << fmt::format("jeton {} gateway: {}. Ctrl-C stops it.\n", JETON_VERSION, running.addresses())
              << std::flush;
  running.run();
  platform::log_info("stopped");
}

}  // namespace

void add_gateway_command(CLI::App& app, Console& console) {
  auto* command = app.add_subcommand(
      "gateway", "Decide at the edge: as forward-auth beside nginx, Envoy and others, or as a reverse proxy");
  const auto arguments = std::make_shared<GatewayArguments>();
  command->add_option("--config", arguments->config_path, "The policy file (gateway.toml); SIGHUP reads it again")
      ->type_name("FILE");
  command->footer("jeton policy check gateway.toml && jeton gateway --config gateway.toml");
  command->callback([arguments, &console] { run_gateway(*arguments, console); });
}

}  // namespace jeton::cli
