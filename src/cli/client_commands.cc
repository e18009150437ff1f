// client create|list|show|set|rotate-secret|disable|enable, on the store, beside a running server
#include "cli/commands.h"
#include "cli/files.h"
#include "cli/options.h"
#include "cli/store_access.h"
#include "cli/terminal.h"
#include "cli/time_text.h"
#include "issuer/admin/records.h"
#include "issuer/completion.h"
#include "issuer/oauth/client_record.h"
#include "oauth/scope.h"

#include <jeton/value.h>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <ostream>
#include <utility>

namespace jeton::cli {
namespace {

using issuer::waited;
using store::Client;

constexpr std::size_t page_rows = 500;

struct ClientOptions {
  StoreOptions store;
  std::optional<std::string> id, name, keys_file, claims_file, overlap, algorithm;
  std::vector<std::string> grants, scopes, audiences;
  bool is_public = false, trusted = false, not_trusted = false, json = false;
};
using Options = std::shared_ptr<ClientOptions>;

void show(Console& console, const Client& client, bool json) {
  if (json) {
    console.out << issuer::as_json(client).to_json() << '\n';
  } else {
    console.out << pretty_json(issuer::as_json(client)) << '\n';
  }
}

// The store, or nothing after saying why there is none.
std::unique_ptr<StoreAccess> opened(Console& console, const ClientOptions& options) {
  auto access = StoreAccess::open(options.store);
  if (access.has_value()) return *std::move(access);
  console.fail(access.error().text());
  return nullptr;
}

// The client of that id, or nothing after saying so.
std::optional<Client> found(Console& console, StoreAccess& access, const std::string& id) {
  auto client =
      waited<std::optional<Client>>([&](auto done) { access.store().clients().find_client(id, std::move(done)); });
  if (!client.has_value()) {
    console.fail(client.error().message);
    return std::nullopt;
  }
  if (!client->has_value()) console.fail(fmt::format("there is no client {}.", harmless(id)));
  return *std::move(client);
}

// The text of a file, or nothing after saying why not.
std::optional<std::string> text_of_file(Console& console, const std::string& path) {
  auto text = read_file(path, console.in, key_file_bytes_max);
  if (text.has_value()) return *std::move(text);
  console.fail(text.error().text());
  return std::nullopt;
}

bool is_usable(const store::StoredKey& key) {
  return key.state != store::KeyState::retired && key.state != store::KeyState::revoked &&
         key.state != store::KeyState::draining;
}

// Whether the issuer can sign what the client chose; false after saying why not. A key of it may be pending still.
bool can_sign_for(Console& console, StoreAccess& access, const Client& client) {
  if (client.algorithm.empty()) return true;
  const auto set =
      waited<store::KeySetView>([&](auto done) { access.store().signing_keys().read_keys(std::move(done)); });
  if (!set) {
    console.fail(set.error().message);
    return false;
  }
  const std::string audience = client.algorithm == name_of(Algorithm::hs256) ? client.audiences : std::string();
  if (std::ranges::any_of(set->keys, [&](const store::StoredKey& key) {
        return key.algorithm == client.algorithm && key.audience == audience && is_usable(key);
      })) {
    return true;
  }
  console.fail(
      audience.empty()
          ? fmt::format("the issuer has no key of {}: name it in [tokens] further_algorithms.", client.algorithm)
          : fmt::format("no shared secret is for {}: jeton key import SECRET --data DIR --audience {}",
                        harmless(audience), harmless(audience)));
  return false;
}

std::optional<std::string> words_or_nothing(const std::vector<std::string>& words) {
  if (words.empty()) return std::nullopt;
  return oauth::joined(words);
}

void create(Console& console, const ClientOptions& options) {
  issuer::ClientDraft draft{.id = options.id.value_or(""),
                            .name = options.name.value_or(""),
                            .is_public = options.is_public,
                            .trusted = options.trusted,
                            .grants = oauth::joined(options.grants),
                            .scopes = oauth::joined(options.scopes),
                            .audiences = oauth::joined(options.audiences),
                            .algorithm = options.algorithm.value_or("")};
  if (options.keys_file) {
    const auto text = text_of_file(console, *options.keys_file);
    if (!text) return;
    draft.jwks = *text;
  }
  if (options.claims_file) {
    const auto text = text_of_file(console, *options.claims_file);
    if (!text) return;
    draft.claims_json = Value::parse(*text).value_or(Value()).to_json();
  }
  const auto made = issuer::client_from(draft);
  if (!made) return console.fail_usage(made.error());
  const auto access = opened(console, options);
  if (!access || !can_sign_for(console, *access, made->row)) return;
  const auto added = waited<store::ClientAddition>(
      [&](auto done) { access->store().clients().add_client(made->row, std::move(done), command_line_actor()); });
  if (!added) return console.fail(added.error().message);
  if (*added == store::ClientAddition::id_taken)
    return console.fail(fmt::format("{} is taken, by a client or a user.", harmless(made->row.id)));
  if (options.json) {
    Value json = Value::object().set("id", made->row.id);
    if (!made->secret.empty()) json.set("secret", made->secret);
    console.out << json.to_json() << '\n';
    return;
  }
  console.out << fmt::format("client {}\n", made->row.id);
  if (!made->secret.empty()) {
    console.out << fmt::format("secret {}\n", made->secret);
    console.note("the secret is shown this once; what is stored is its hash.");
  }
}

void list(Console& console, const ClientOptions& options) {
  const auto access = opened(console, options);
  if (!access) return;
  std::string after;
  for (;;) {
    const auto page = waited<std::vector<Client>>(
        [&](auto done) { access->store().clients().list_clients(after, page_rows, std::move(done)); });
    if (!page) return console.fail(page.error().message);
    for (const Client& client : *page) {
      if (options.json) {
        console.out << issuer::as_json(client).to_json() << '\n';
      } else {
        console.out << fmt::format("{:<26}  {:<12}  {:<8}  {:<5}  {}\n", client.id,
                                   client.is_public ? "public"
                                   : client.trusted ? "trusted"
                                                    : "confidential",
                                   client.disabled ? "disabled" : "enabled",
                                   client.algorithm.empty() ? "-" : client.algorithm, harmless(client.name));
      }
      after = client.id;
    }
    if (page->size() < page_rows) return;
  }
}

void change(Console& console, const ClientOptions& options) {
  store::ClientChange change{.name = options.name,
                             .grants = words_or_nothing(options.grants),
                             .scopes = words_or_nothing(options.scopes),
                             .audiences = words_or_nothing(options.audiences),
                             .algorithm = options.algorithm};
  if (options.trusted && options.not_trusted)
    return console.fail_usage("--trusted and --not-trusted contradict each other.");
  if (options.trusted || options.not_trusted) change.trusted = options.trusted;
  if (options.keys_file) {
    change.jwks = text_of_file(console, *options.keys_file);
    if (!change.jwks) return;
  }
  if (options.claims_file) {
    const auto text = text_of_file(console, *options.claims_file);
    if (!text) return;
    change.claims_json = Value::parse(*text).value_or(Value()).to_json();
  }
  const auto access = opened(console, options);
  if (!access) return;
  const auto before = found(console, *access, *options.id);
  if (!before) return;
  if (const std::string objection = issuer::objection_to_change(*before, change); !objection.empty())
    return console.fail_usage(objection);
  Client wanted = *before;
  wanted.algorithm = change.algorithm.value_or(before->algorithm);
  wanted.audiences = change.audiences.value_or(before->audiences);
  if ((change.algorithm || change.audiences) && !can_sign_for(console, *access, wanted)) return;
  const auto changed = waited<std::optional<Client>>([&](auto done) {
    access->store().clients().change_client(*options.id, std::move(change), std::move(done), command_line_actor());
  });
  if (!changed) return console.fail(changed.error().message);
  if (*changed) show(console, **changed, options.json);
}

void rotate_secret(Console& console, const ClientOptions& options) {
  const auto overlap = options.overlap ? parse_duration(*options.overlap) : std::chrono::seconds{0};
  if (!overlap) return console.fail_usage("--overlap must be a duration such as 24h.");
  const auto access = opened(console, options);
  if (!access) return;
  const auto client = found(console, *access, *options.id);
  if (!client) return;
  if (client->is_public) return console.fail("a public client has no secret.");
  const issuer::ClientSecret secret = issuer::new_client_secret();
  const auto done = waited<bool>([&](auto call) {
    access->store().clients().replace_secret(*options.id, secret.hash, *overlap, std::move(call), command_line_actor());
  });
  if (!done) return console.fail(done.error().message);
  if (options.json) {
    console.out << Value::object().set("id", *options.id).set("secret", secret.text).to_json() << '\n';
    return;
  }
  console.out << fmt::format("secret {}\n", secret.text);
  console.note(overlap->count() > 0 ? "the old secret stays good for " + span_text(*overlap) + "."
                                    : "the old secret and the tokens that were had with it have ended.");
}

void set_disabled(Console& console, const ClientOptions& options, bool disabled) {
  const auto access = opened(console, options);
  if (!access || !found(console, *access, *options.id)) return;
  const auto done = waited<bool>([&](auto call) {
    access->store().clients().set_client_disabled(*options.id, disabled, std::move(call), command_line_actor());
  });
  if (!done) return console.fail(done.error().message);
  console.out << fmt::format("client {} is {}\n", harmless(*options.id), disabled ? "disabled" : "enabled");
}

CLI::App* command_of(CLI::App& app, const Options& options, const std::string& name, const std::string& description,
                     const std::string& example) {
  CLI::App* command = add_command(app, name, description, example);
  add_store_options(*command, options->store);
  return command;
}

void add_id(CLI::App& command, const Options& options) {
  add_text(command, "id", options->id, "ID", "Id of the client")->required();
}

void add_rights(CLI::App& command, const Options& options) {
  add_text(command, "--name", options->name, "TEXT", "Name for people");
  add_texts(command, "--scope", options->scopes, "SCOPE", "A scope that it may ask for");
  add_texts(command, "--audience", options->audiences, "AUDIENCE", "An audience that its tokens may have");
  add_texts(command, "--grant", options->grants, "GRANT", "client_credentials or refresh_token");
  add_text(command, "--algorithm", options->algorithm, "ALG",
           "What its tokens are signed with: ES256, RS256, PS256, EdDSA, or HS256 for one audience; \"\": as usual");
  add_text(command, "--keys", options->keys_file, "FILE", "Its public keys (JWKS): it signs instead of a secret");
  add_text(command, "--claims", options->claims_file, "FILE", "JSON object of claims for its tokens");
  add_switch(command, "--trusted", options->trusted, "It may begin sessions for users that live elsewhere");
}

void add_create_and_change(CLI::App& app, Console& console) {
  const auto made = std::make_shared<ClientOptions>();
  CLI::App* command = command_of(app, made, "create", "Register a client and show its secret, this once",
                                 "jeton client create --id billing --scope invoices:read --audience api");
  add_text(*command, "--id", made->id, "ID", "Its id; random if not given");
  add_rights(*command, made);
  add_switch(*command, "--public", made->is_public, "It keeps no secret: an application on people's devices");
  add_switch(*command, "--json", made->json, "One JSON object")->group("For scripts");
  command->callback([&console, made] { create(console, *made); });

  const auto changed = std::make_shared<ClientOptions>();
  command = command_of(app, changed, "set", "Change what a client may; tokens it has end where that counts",
                       "jeton client set billing --scope invoices:read --scope invoices:write");
  add_id(*command, changed);
  add_rights(*command, changed);
  add_switch(*command, "--not-trusted", changed->not_trusted, "The reverse of --trusted");
  add_switch(*command, "--json", changed->json, "One JSON object")->group("For scripts");
  command->callback([&console, changed] { change(console, *changed); });
}

void add_looking(CLI::App& app, Console& console) {
  const auto listed = std::make_shared<ClientOptions>();
  CLI::App* command = command_of(app, listed, "list", "Every client, one a line", "jeton client list --data data");
  add_switch(*command, "--json", listed->json, "One JSON object a line")->group("For scripts");
  command->callback([&console, listed] { list(console, *listed); });

  const auto shown = std::make_shared<ClientOptions>();
  command = command_of(app, shown, "show", "What is known of a client; never its secret", "jeton client show billing");
  add_id(*command, shown);
  add_switch(*command, "--json", shown->json, "On one line")->group("For scripts");
  command->callback([&console, shown] {
    const auto access = opened(console, *shown);
    if (!access) return;
    if (const auto client = found(console, *access, *shown->id)) show(console, *client, shown->json);
  });
}

void add_ending(CLI::App& app, Console& console) {
  const auto rotated = std::make_shared<ClientOptions>();
  CLI::App* command = command_of(app, rotated, "rotate-secret", "Give a client a new secret and show it, this once",
                                 "jeton client rotate-secret billing --overlap 24h");
  add_id(*command, rotated);
  add_text(*command, "--overlap", rotated->overlap, "TIME",
           "How long the old secret stays good; without it, not at all, and its tokens end too");
  add_switch(*command, "--json", rotated->json, "One JSON object")->group("For scripts");
  command->callback([&console, rotated] { rotate_secret(console, *rotated); });

  for (const bool disabled : {true, false}) {
    const auto options = std::make_shared<ClientOptions>();
    const std::string name = disabled ? "disable" : "enable";
    command =
        command_of(app, options, name,
                   disabled ? "Refuse a client from now on, and its own tokens" : "Let a disabled client in again",
                   "jeton client " + name + " billing");
    add_id(*command, options);
    command->callback([&console, options, disabled] { set_disabled(console, *options, disabled); });
  }
}

}  // namespace

void add_client_commands(CLI::App& app, Console& console) {
  CLI::App* client = add_command(app, "client", "Register the clients that ask for tokens, beside a running server",
                                 "jeton client create --id billing --scope invoices:read --audience api");
  add_create_and_change(*client, console);
  add_looking(*client, console);
  add_ending(*client, console);
}

}  // namespace jeton::cli
