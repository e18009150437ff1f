// user list|show|create|set|disable|enable|end-sessions|export|erase, on the store, beside a running server
#include "cli/commands.h"
#include "cli/files.h"
#include "cli/options.h"
#include "cli/store_access.h"
#include "cli/terminal.h"
#include "crypto/password_hash.h"
#include "issuer/accounts/credentials.h"
#include "issuer/admin/records.h"
#include "issuer/completion.h"
#include "issuer/registered_claims.h"

#include <jeton/claims.h>
#include <jeton/signer.h>
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
using store::User;

constexpr std::size_t page_rows = 500;

struct UserOptions {
  StoreOptions store;
  std::optional<std::string> who, email, password_file, plan, team;
  std::vector<std::string> roles, claims;
  bool json = false, yes = false;
};
using Options = std::shared_ptr<UserOptions>;

void show(Console& console, const Value& value, bool json) {
  console.out << (json ? value.to_json() : pretty_json(value)) << '\n';
}

// The store and the user of that sub or address; nothing after saying what is missing.
struct Opened {
  std::unique_ptr<StoreAccess> access;
  User user;
};
std::unique_ptr<StoreAccess> opened(Console& console, const UserOptions& options) {
  auto access = StoreAccess::open(options.store);
  if (access.has_value()) return *std::move(access);
  console.fail(access.error().text());
  return nullptr;
}
std::optional<Opened> found(Console& console, const UserOptions& options) {
  auto access = opened(console, options);
  if (!access) return std::nullopt;
  const auto key = issuer::email_key(*options.who);
  auto user = waited<std::optional<User>>([&](auto done) {
    if (key) {
      access->store().users().find_by_email(*key, std::move(done));
    } else {
      access->store().users().find_by_sub(*options.who, std::move(done));
    }
  });
  if (user && !*user && key) {  // a sub may have an @ too
    user = waited<std::optional<User>>(
        [&](auto done) { access->store().users().find_by_sub(*options.who, std::move(done)); });
  }
  if (!user) {
    console.fail(user.error().message);
    return std::nullopt;
  }
  if (!*user) {
    console.fail(fmt::format("there is no user {}.", harmless(*options.who)));
    return std::nullopt;
  }
  return Opened{std::move(access), **std::move(user)};
}

// `claims` with what the options change; nothing after saying what is wrong with them.
std::optional<Value> changed_claims(Console& console, Value claims, const UserOptions& options) {
  if (!options.roles.empty()) {
    Value roles = Value::array();
    for (const std::string& role : options.roles) {
      if (!role.empty()) roles.push(role);
    }
    claims.set("roles", std::move(roles));
  }
  if (options.plan) claims.set("plan", *options.plan);
  if (options.team) claims.set("team_id", *options.team);
  for (const std::string& claim : options.claims) {
    const std::size_t equals = claim.find('=');
    const auto value = equals == std::string::npos ? Value::parse("") : Value::parse(claim.substr(equals + 1));
    if (!value || equals == 0) {
      console.fail_usage("--claim must be NAME=JSON, such as limits='{\"audio\":5}'.");
      return std::nullopt;
    }
    claims.set(claim.substr(0, equals), *value);
  }
  for (const Value::Member& member : *claims.if_object()) {
    if (issuer::is_registered_claim(member.name)) {
      console.fail_usage(fmt::format("the claim {} is set by the issuer itself.", harmless(member.name)));
      return std::nullopt;
    }
  }
  if (const std::string_view name = find_sensitive_name(claims); !name.empty()) {
    console.fail_usage(
        fmt::format("the claim {} looks like a secret, and whoever has a token can read it.", harmless(name)));
    return std::nullopt;
  }
  return claims;
}

void list(Console& console, const UserOptions& options) {
  const auto access = opened(console, options);
  if (!access) return;
  std::string after;
  for (;;) {
    const auto page = waited<std::vector<User>>(
        [&](auto done) { access->store().users().list_users(after, page_rows, std::move(done)); });
    if (!page) return console.fail(page.error().message);
    for (const User& user : *page) {
      if (options.json) {
        console.out << issuer::as_json(user).to_json() << '\n';
      } else {
        console.out << fmt::format("{:<26}  {:<8}  {}\n", harmless(user.sub), user.disabled ? "disabled" : "enabled",
                                   harmless(user.email));
      }
      after = user.sub;
    }
    if (page->size() < page_rows) return;
  }
}

// The first line of the file, or of standard input; never from the command line, which others can see.
std::optional<SecretBytes> read_password(Console& console, const std::string& path) {
  if (path == "-" && console.in_is_terminal) console.note("type the password and press Enter, then Ctrl-D.");
  const auto text = read_secret_file(path, console.in);
  if (!text) {
    console.fail(text.error().text());
    return std::nullopt;
  }
  std::string_view password = issuer::text_of(*text);
  password = password.substr(0, password.find('\n'));
  if (!issuer::is_possible_password(password)) {
    console.fail_usage("a password has 8 to 1024 bytes, on one line.");
    return std::nullopt;
  }
  return SecretBytes::from_text(password);
}

void create(Console& console, const UserOptions& options) {
  const auto key = issuer::email_key(*options.email);
  if (!key) return console.fail_usage("that is no email address.");
  const auto claims = changed_claims(console, Value::object(), options);
  if (!claims) return;
  const auto password = read_password(console, options.password_file.value_or("-"));
  if (!password) return;
  const auto access = opened(console, options);
  if (!access) return;
  const std::string hash = crypto::hash_password(issuer::text_of(*password), access->config().rules.argon2);
  if (hash.empty()) return console.fail("there is not enough memory for one password hash.");
  store::NewUser user{.sub = "usr_" + random_id(),
                      .email = *options.email,
                      .email_key = *key,
                      .password_hash = hash,
                      .claims_json = claims->to_json()};
  const std::string sub = user.sub;
  const auto done = waited<store::Registration>([&](auto call) {
    access->store().users().register_user(std::move(user), std::move(call), command_line_actor());
  });
  if (!done) return console.fail(done.error().message);
  if (*done == store::Registration::email_taken) return console.fail("that address is registered already.");
  console.out << (options.json ? Value::object().set("sub", sub).to_json() : "user " + sub) << '\n';
}

void change(Console& console, const UserOptions& options) {
  const auto at = found(console, options);
  if (!at) return;
  const auto before = Value::parse(at->user.claims_json).value_or(Value::object());
  const auto claims = changed_claims(console, before, options);
  if (!claims) return;
  if (*claims == before) return show(console, issuer::as_json(at->user), options.json);
  const auto done = waited<bool>([&](auto call) {
    at->access->store().users().set_claims(at->user.sub, claims->to_json(), std::move(call), command_line_actor());
  });
  if (!done) return console.fail(done.error().message);
  const auto after = waited<std::optional<User>>(
      [&](auto call) { at->access->store().users().find_by_sub(at->user.sub, std::move(call)); });
  if (after && *after) show(console, issuer::as_json(**after), options.json);
}

void set_disabled(Console& console, const UserOptions& options, bool disabled) {
  const auto at = found(console, options);
  if (!at) return;
  const auto done = waited<bool>([&](auto call) {
    at->access->store().users().set_disabled(at->user.sub, disabled, std::move(call), command_line_actor());
  });
  if (!done) return console.fail(done.error().message);
  console.out << fmt::format("user {} is {}\n", harmless(at->user.sub), disabled ? "disabled" : "enabled");
}

void end_sessions(Console& console, const UserOptions& options) {
  const auto at = found(console, options);
  if (!at) return;
  const auto done = waited<std::int64_t>([&](auto call) {
    at->access->store().sessions().end_all_sessions(at->user.sub, store::EndReason::revoked, std::move(call),
                                                    command_line_actor());
  });
  if (!done) return console.fail(done.error().message);
  console.out << fmt::format("{} sessions of {} have ended\n", *done, harmless(at->user.sub));
}

// One JSON object with everything; the password's hash is a secret of the person's and stays out.
void export_all(Console& console, const UserOptions& options) {
  const auto at = found(console, options);
  if (!at) return;
  const auto held = waited<std::optional<store::HeldOfUser>>(
      [&](auto call) { at->access->store().users().read_all_of_user(at->user.sub, std::move(call)); });
  if (!held) return console.fail(held.error().message);
  if (!*held) return console.fail("the user has just been erased.");
  show(console, issuer::as_json(**held), options.json);
}

void erase(Console& console, const UserOptions& options) {
  if (!options.yes) return console.fail_usage("what is erased cannot be brought back; say --yes if you mean it.");
  const auto at = found(console, options);
  if (!at) return;
  const auto done = waited<bool>(
      [&](auto call) { at->access->store().users().erase_user(at->user.sub, std::move(call), command_line_actor()); });
  if (!done) return console.fail(done.error().message);
  console.out << fmt::format("user {} is erased\n", harmless(at->user.sub));
}

using Action = void (*)(Console&, const UserOptions&);
struct Shape {
  const char *name, *description, *example;
  bool takes_user, gives_json;
};

CLI::App* add(CLI::App& app, Console& console, const Options& options, const Shape& shape, Action action) {
  CLI::App* command = add_command(app, shape.name, shape.description, shape.example);
  add_store_options(*command, options->store);
  if (shape.takes_user) add_text(*command, "user", options->who, "USER", "Email address or sub")->required();
  if (shape.gives_json) add_switch(*command, "--json", options->json, "JSON on one line")->group("For scripts");
  command->callback([&console, options, action] { action(console, *options); });
  return command;
}

void add_claims(CLI::App& command, const Options& options) {
  add_texts(command, "--role", options->roles, "ROLE", "A role; all that are given replace those before");
  add_text(command, "--plan", options->plan, "PLAN", "The plan");
  add_text(command, "--team", options->team, "TEAM", "The team's id");
  add_texts(command, "--claim", options->claims, "NAME=JSON", "Any other claim");
}

// The command `user`, which others may have added already.
CLI::App& user_command(CLI::App& app) {
  for (CLI::App* child : app.get_subcommands([](CLI::App*) { return true; })) {
    if (child->get_name() == "user") return *child;
  }
  return *add_command(app, "user", "Look after users, beside a running server", "jeton user list");
}

}  // namespace

void add_user_record_commands(CLI::App& app, Console& console) {
  CLI::App& user = user_command(app);
  const auto fresh = [] { return std::make_shared<UserOptions>(); };
  add(user, console, fresh(), {"list", "Every user, one a line", "jeton user list --data data", false, true}, list);
  add(user, console, fresh(), {"show", "A user's record", "jeton user show dev@example.com", true, true},
      [](Console& to, const UserOptions& options) {
        if (const auto at = found(to, options)) show(to, issuer::as_json(at->user), options.json);
      });
  const auto made = fresh();
  CLI::App* command = add(user, console, made,
                          {"create", "Register a user; the password comes from standard input or a file",
                           "jeton user create dev@example.com --role developer < password", false, true},
                          create);
  add_text(*command, "email", made->email, "EMAIL", "Email address")->required();
  add_text(*command, "--password-file", made->password_file, "FILE", "Password on its first line; - if not given");
  add_claims(*command, made);
  const auto changed = fresh();
  command = add(user, console, changed,
                {"set", "Change a user's claims; access tokens with the old ones end",
                 "jeton user set dev@example.com --plan pro", true, true},
                change);
  add_claims(*command, changed);
  add(user, console, fresh(),
      {"disable", "End a user's sessions and let nobody in", "jeton user disable dev@example.com", true, false},
      [](Console& to, const UserOptions& options) { set_disabled(to, options, true); });
  add(user, console, fresh(),
      {"enable", "Let a disabled user in again", "jeton user enable dev@example.com", true, false},
      [](Console& to, const UserOptions& options) { set_disabled(to, options, false); });
  add(user, console, fresh(),
      {"end-sessions", "Sign a user out everywhere", "jeton user end-sessions dev@example.com", true, false},
      end_sessions);
  add(user, console, fresh(),
      {"export", "Everything that is held of a user, as JSON", "jeton user export dev@example.com > dev.json", true,
       true},
      export_all);
  const auto erased = fresh();
  command = add(
      user, console, erased,
      {"erase", "Revoke a user's tokens and forget the user", "jeton user erase dev@example.com --yes", true, false},
      erase);
  add_switch(*command, "--yes", erased->yes, "Yes, this cannot be undone");
}

}  // namespace jeton::cli
