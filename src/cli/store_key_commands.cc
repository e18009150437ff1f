#include "cli/store_key_commands.h"

#include "cli/key_input.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "cli/time_text.h"
#include "issuer/admin/records.h"
#include "issuer/completion.h"
#include "issuer/keys/key_rows.h"
#include "issuer/keys/life_cycle.h"

#include <jeton/limits.h>
#include <jeton/value.h>

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <ostream>
#include <utility>
#include <vector>

namespace jeton::cli {
namespace {

using store::KeyChange;
using store::KeySetView;
using store::KeyState;
using store::StoredKey;

UnixTime seconds_of(store::StoreTime time) { return std::chrono::floor<std::chrono::seconds>(time); }
std::int64_t number_of(store::StoreTime time) { return seconds_of(time).time_since_epoch().count(); }

// Opens the store and hands it on; says what is wrong where it cannot.
std::unique_ptr<StoreAccess> opened(Console& console, const StoreOptions& options) {
  auto access = StoreAccess::open(options);
  if (access.has_value()) return *std::move(access);
  console.fail(access.error().text());
  return nullptr;
}

std::optional<KeySetView> read_keys(Console& console, StoreAccess& access) {
  auto view = issuer::waited<KeySetView>([&](auto done) { access.store().signing_keys().read_keys(std::move(done)); });
  if (view.has_value()) return *std::move(view);
  console.fail(view.error().message);
  return std::nullopt;
}

// What happens to the key next, for a person.
std::string outlook(const StoredKey& key, const StoreAccess& access) {
  const UnixTime now = seconds_of(access.now());
  switch (key.state) {
    case KeyState::pending:
      return key.published_at ? "can sign " + relative_text(seconds_of(*key.published_at + key.settling), now)
                              : "not published by every node yet";
    case KeyState::standby: return "ready to sign";
    case KeyState::active:
      if (!key.audience.empty()) return "signs for the audience " + harmless(key.audience);
      return "signs; the next takes over " +
             relative_text(seconds_of(key.state_since) + access.config().rules.key_rotation_period, now);
    case KeyState::draining: return "until every node has let go of it";
    case KeyState::retired:
      return "verifies only; removed " + relative_text(seconds_of(key.expires_max) + issuer::verifier_leeway_max +
                                                           issuer::node_skew_max + std::chrono::seconds(1),
                                                       now);
    case KeyState::revoked: return "refused everywhere";
  }
  std::unreachable();
}

const StoredKey* active_of(const KeySetView& view, std::string_view algorithm);
std::string when_ready(const KeySetView& view, std::string_view algorithm, store::StoreTime now);

// The configured algorithm may have no key that signs yet.
void note_stand_in(Console& console, const KeySetView& view, const StoreAccess& access) {
  const std::string_view configured = name_of(access.config().algorithm);
  if (active_of(view, configured) != nullptr) return;
  const auto other = std::ranges::find_if(
      view.keys, [](const StoredKey& key) { return key.audience.empty() && key.state == KeyState::active; });
  if (other == view.keys.end()) return;
  console.note(fmt::format("{} is configured and has no key that signs; until then {} does. {}", configured,
                           other->algorithm, when_ready(view, configured, access.now())));
}

void list(Console& console, const StoreOptions& options, bool as_json) {
  const auto access = opened(console, options);
  if (!access) return;
  const auto view = read_keys(console, *access);
  if (!view) return;
  if (as_json) {
    Value keys = Value::array();
    for (const StoredKey& key : view->keys) keys.push(issuer::as_json(key));
    Value nodes = Value::array();
    for (const store::KeyNode& node : view->nodes) {
      nodes.push(Value::object()
                     .set("id", node.id)
                     .set("version", node.version)
                     .set("loaded_at", number_of(node.loaded_at))
                     .set("seen_at", number_of(node.seen_at)));
    }
    console.out << Value::object()
                       .set("version", view->version)
                       .set("keys", std::move(keys))
                       .set("nodes", std::move(nodes))
                       .to_json()
                << '\n';
    return;
  }
  if (view->keys.empty()) console.out << "no keys yet; the first jeton serve makes one\n";
  for (const StoredKey& key : view->keys) {
    const Tone tone = key.state == KeyState::active    ? Tone::good
                      : key.state == KeyState::revoked ? Tone::bad
                                                       : Tone::plain;
    console.out << fmt::format("{:<43}  {:<5}  {}  since {}, {}\n", harmless(key.kid), key.algorithm,
                               painted(fmt::format("{:<8}", store::name_of(key.state)), tone, console.colour),
                               date_text(seconds_of(key.state_since)), outlook(key, *access));
  }
  note_stand_in(console, *view, *access);
}

void tell(Console& console, bool as_json, const Value& facts, const std::string& sentence) {
  console.out << (as_json ? facts.to_json() : sentence) << '\n';
}

const StoredKey* active_of(const KeySetView& view, std::string_view algorithm) {
  const auto found = std::ranges::find_if(view.keys, [&](const StoredKey& key) {
    return key.algorithm == algorithm && key.audience.empty() && key.state == KeyState::active;
  });
  return found == view.keys.end() ? nullptr : &*found;
}

// When the first key that waits can sign, for the message that none can now.
std::string when_ready(const KeySetView& view, std::string_view algorithm, store::StoreTime now) {
  for (const StoredKey& key : view.keys) {
    if (key.algorithm == algorithm && key.state == KeyState::pending && key.published_at)
      return "The next is ready " + relative_text(seconds_of(*key.published_at + key.settling), seconds_of(now)) + ".";
  }
  return "A running jeton serve makes one and publishes it for twice jwks_max_age first.";
}

void rotate(Console& console, const StoreOptions& options, const std::optional<std::string>& alg, bool as_json) {
  const auto access = opened(console, options);
  if (!access) return;
  Algorithm algorithm = access->config().algorithm;
  if (alg) {
    const auto named = algorithm_from(*alg);
    if (!named) return console.fail_usage("--alg: " + named.error().text());
    algorithm = *named;
  }
  const std::string name(name_of(algorithm));
  const auto changed = issuer::waited<KeyChange>(
      [&](auto done) { access->store().signing_keys().rotate_key(name, std::move(done), command_line_actor()); });
  if (!changed.has_value()) return console.fail(changed.error().message);
  const auto view = read_keys(console, *access);
  if (!view) return;
  if (*changed == KeyChange::no_standby) {
    return console.fail(fmt::format("no {} key is ready to take over; nothing was changed. {}", name,
                                    when_ready(*view, name, access->now())));
  }
  const StoredKey* now_active = active_of(*view, name);
  const std::string kid = now_active == nullptr ? "" : now_active->kid;
  tell(console, as_json, Value::object().set("rotated", true).set("alg", name).set("kid", kid),
       fmt::format("{} signs from now on ({}); the one before verifies until its last token has ended", kid, name));
}

// The whole kid, or a beginning of at least four characters that only one key has.
std::optional<std::string> full_kid(Console& console, const KeySetView& view, const std::string& given) {
  constexpr std::size_t beginning_min = 4;
  std::vector<std::string> found;
  for (const StoredKey& key : view.keys) {
    if (key.kid == given) return given;
    if (given.size() >= beginning_min && key.kid.starts_with(given)) found.push_back(key.kid);
  }
  if (found.size() == 1) return found.front();
  console.fail(found.empty() ? fmt::format("there is no key {}. See: jeton key list", harmless(shortened(given, 64)))
                             : fmt::format("{} keys begin with {}; write more of it.", found.size(), harmless(given)));
  return std::nullopt;
}

void revoke(Console& console, const StoreOptions& options, const std::string& given, bool as_json) {
  const auto access = opened(console, options);
  if (!access) return;
  const auto before = read_keys(console, *access);
  if (!before) return;
  const auto kid = full_kid(console, *before, given);
  if (!kid) return;
  const std::string algorithm = std::ranges::find(before->keys, *kid, &StoredKey::kid)->algorithm;
  const auto changed = issuer::waited<KeyChange>(
      [&](auto done) { access->store().signing_keys().revoke_key(*kid, std::move(done), command_line_actor()); });
  if (!changed.has_value()) return console.fail(changed.error().message);
  if (*changed == KeyChange::unknown) return console.fail(fmt::format("there is no key {} any more.", *kid));
  const auto view = read_keys(console, *access);
  if (!view) return;
  const StoredKey* next = active_of(*view, algorithm);
  Value facts = Value::object().set("revoked", *kid).set("alg", algorithm);
  if (next != nullptr) facts.set("active", next->kid);
  tell(console, as_json, facts,
       fmt::format("revoked {}: no longer published, its tokens are refused, its private part is destroyed{}", *kid,
                   next == nullptr ? "" : fmt::format("; {} signs", next->kid)));
  if (*changed == KeyChange::no_standby) {
    console.note(
        fmt::format("no {} key was ready: a running jeton serve lets the next sign at once. Verifiers that do"
                    " not fetch the keys anew for an unknown kid refuse its tokens while their copy lasts.",
                    algorithm));
  }
}

struct Common {
  StoreOptions store;
  bool as_json = false;
};

void add_common(CLI::App& command, Common& common) {
  add_store_options(command, common.store);
  add_switch(command, "--json", common.as_json, "One JSON object on standard output")->group("For scripts");
}

}  // namespace

void import_into_store(Console& console, const SigningKey& key, const StoreOptions& options,
                       const std::optional<std::string>& audience) {
  const bool is_secret = is_symmetric(key.algorithm());
  if (is_secret && key.algorithm() != Algorithm::hs256)
    return console.fail_usage("an issuer signs with HS256 alone among the shared secrets.");
  if (is_secret != audience.has_value()) {
    return console.fail_usage(is_secret ? "--audience is missing: a shared secret signs for one audience alone."
                                        : "--audience is for a shared secret; a key pair signs for every audience.");
  }
  if (is_secret && key.kid().empty())
    return console.fail_usage("--kid is missing: the service that holds the secret must know it by the same name.");
  const auto access = opened(console, options);
  if (!access) return;
  const auto sealing = access->sealing_key();
  if (!sealing.has_value()) return console.fail(sealing.error().text());
  const auto state = is_secret ? KeyState::active : KeyState::pending;
  const auto changed = issuer::waited<KeyChange>([&](auto done) {
    access->store().signing_keys().import_key(issuer::sealed_row(key, *sealing, state, audience.value_or("")),
                                              std::move(done), command_line_actor());
  });
  if (!changed.has_value()) return console.fail(changed.error().message);
  if (*changed == KeyChange::exists) {
    return console.fail(
        is_secret ? "that audience has a shared secret, or this kid is or was here. Revoke the old one "
                    "first: jeton key revoke KID"
                  : fmt::format("{} is or was among the keys; a revoked one never comes back.", harmless(key.kid())));
  }
  console.out << fmt::format("imported {} ({}): {}\n", harmless(key.kid()), name_of(key.algorithm()),
                             is_secret ? "signs for " + harmless(*audience)
                                       : "published by every running server within a second, signs in its turn");
}

void add_store_key_commands(CLI::App& key, Console& console) {
  const auto listing = std::make_shared<Common>();
  CLI::App* list_command = add_command(key, "list", "Show the issuer's signing keys: state, age, what comes next",
                                       "jeton key list --data data\njeton key list --data data --json");
  add_common(*list_command, *listing);
  list_command->callback([&console, listing] { list(console, listing->store, listing->as_json); });

  struct Rotation : Common {
    std::optional<std::string> alg;
  };
  const auto rotation = std::make_shared<Rotation>();
  CLI::App* rotate_command = add_command(key, "rotate", "Let the next key sign now, before the period is over",
                                         "jeton key rotate --data data");
  add_text(*rotate_command, "--alg", rotation->alg, "ALG", "Of which algorithm; the configured one if not given");
  add_common(*rotate_command, *rotation);
  rotate_command->callback(
      [&console, rotation] { rotate(console, rotation->store, rotation->alg, rotation->as_json); });

  struct Revocation : Common {
    std::optional<std::string> kid;
  };
  const auto revocation = std::make_shared<Revocation>();
  CLI::App* revoke_command =
      add_command(key, "revoke", "Take a key out of use at once, with every token it signed; the next one signs",
                  "jeton key revoke k3Vx --data data");
  add_text(*revoke_command, "kid", revocation->kid, "KID", "The key, or the first characters of its name")->required();
  add_common(*revoke_command, *revocation);
  revoke_command->callback(
      [&console, revocation] { revoke(console, revocation->store, *revocation->kid, revocation->as_json); });
}

}  // namespace jeton::cli
