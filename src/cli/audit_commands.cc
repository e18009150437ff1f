// audit list|verify: what has changed, by whom, and whether anybody has changed that afterwards
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/store_access.h"
#include "cli/terminal.h"
#include "cli/time_text.h"
#include "issuer/admin/records.h"
#include "issuer/completion.h"
#include "jose/base64url.h"

#include <jeton/value.h>

#include <fmt/format.h>

#include <memory>
#include <ostream>
#include <string_view>
#include <utility>
#include <vector>

namespace jeton::cli {
namespace {

namespace base64url = jose::base64url;
using store::AuditCheck;
using store::AuditEntry;
using store::AuditHead;

struct AuditOptions {
  StoreOptions store;
  bool as_json = false;
  std::optional<std::string> kind, sub, session, limit, before, head;
};

std::string sid_text(const store::Sid& sid) { return base64url::encode(sid); }

std::string line_of(const AuditEntry& entry) {
  std::string line = fmt::format("{:>6}  {}  {:<22}", entry.number,
                                 date_text(std::chrono::floor<std::chrono::seconds>(entry.at)), harmless(entry.kind));
  if (entry.is_erased) return line + "  (erased)";
  const auto add = [&](std::string_view label, const std::string& text) {
    if (!text.empty()) line += fmt::format("  {}{}", label, harmless(shortened(text, 80)));
  };
  add("", entry.sub);
  if (entry.sid) add("session ", sid_text(*entry.sid));
  add("", entry.detail);
  add("by ", entry.actor);
  add("from ", entry.address);
  add("with ", entry.user_agent);
  return line;
}

// A whole number of at least 1, or nothing after saying what is wrong.
std::optional<std::int64_t> number_option(Console& console, const std::optional<std::string>& text, const char* name,
                                          std::int64_t otherwise) {
  if (!text) return otherwise;
  const auto number = parse_integer(*text);
  if (number && *number >= 1) return number;
  console.fail_usage(fmt::format("{} must be a whole number from 1.", name));
  return std::nullopt;
}

void list(Console& console, const AuditOptions& options) {
  constexpr std::int64_t limit_by_default = 50, limit_max = 100'000;
  const auto limit = number_option(console, options.limit, "--limit", limit_by_default);
  const auto before = number_option(console, options.before, "--before", 0);
  if (!limit || !before) return;
  store::AuditQuery query{.before = *before,
                          .kind = options.kind.value_or(""),
                          .sub = options.sub.value_or(""),
                          .entries_max = static_cast<std::size_t>(std::min(*limit, limit_max))};
  if (options.session) {
    store::Sid sid{};
    if (options.session->size() != base64url::encoded_size(sid.size()) ||
        !base64url::decode(*options.session, sid.data())) {
      return console.fail_usage("--session must be the `sid` of a token: 22 characters of base64url.");
    }
    query.sid = sid;
  }
  const auto access = StoreAccess::open(options.store);
  if (!access.has_value()) return console.fail(access.error().text());
  const auto entries = issuer::waited<std::vector<AuditEntry>>(
      [&](auto done) { (*access)->store().audit().list_audit(std::move(query), std::move(done)); });
  if (!entries.has_value()) return console.fail(entries.error().message);
  if (options.as_json) {
    for (const AuditEntry& entry : *entries) console.out << issuer::as_json(entry).to_json() << '\n';
    return;
  }
  if (entries->empty()) console.out << "nothing\n";
  for (const AuditEntry& entry : *entries) console.out << line_of(entry) << '\n';
}

std::string head_text(const AuditHead& head) { return fmt::format("{}:{}", head.number, base64url::encode(head.hash)); }

std::optional<AuditHead> parse_head(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto number = parse_integer(text.substr(0, colon));
  AuditHead head{.number = number.value_or(0)};
  const std::string_view hash = text.substr(colon + 1);
  if (!number || hash.size() != base64url::encoded_size(head.hash.size()) || !base64url::decode(hash, head.hash.data()))
    return std::nullopt;
  return head;
}

// All of it, piece by piece. With a head that was kept elsewhere: whether the chain still goes through it.
struct Verdict {
  AuditCheck check;
  bool holds_kept_head = true;
};

store::Result<Verdict> verify_all(store::Store& store, const std::optional<AuditHead>& kept) {
  constexpr std::size_t piece = 2'000;
  Verdict verdict;
  bool passed = !kept || kept->number == 0;
  while (!verdict.check.is_done && verdict.check.broken_at == 0) {
    std::size_t entries = piece;
    if (!passed && kept->number > verdict.check.reached.number)  // stop exactly there once
      entries = std::min<std::size_t>(piece, static_cast<std::size_t>(kept->number - verdict.check.reached.number));
    auto next = issuer::waited<AuditCheck>(
        [&](auto done) { store.audit().verify_audit(verdict.check, entries, std::move(done)); });
    if (!next.has_value()) return std::unexpected(next.error());
    verdict.check = *std::move(next);
    if (!passed && verdict.check.reached == *kept) passed = true;
  }
  // Entries of before the oldest that is kept cannot be compared any more.
  verdict.holds_kept_head = passed || kept->number < verdict.check.first;
  return verdict;
}

void verify(Console& console, const AuditOptions& options) {
  std::optional<AuditHead> kept;
  if (options.head) {
    kept = parse_head(*options.head);
    if (!kept) return console.fail_usage("--head must be NUMBER:HASH, as an earlier jeton audit verify told it.");
  }
  const auto access = StoreAccess::open(options.store);
  if (!access.has_value()) return console.fail(access.error().text());
  const auto verdict = verify_all((*access)->store(), kept);
  if (!verdict.has_value()) return console.fail(verdict.error().message);
  const AuditCheck& check = verdict->check;
  const bool is_good = check.is_done && verdict->holds_kept_head;
  if (!is_good) console.exit_code = exit_bad;
  const std::int64_t broken_at = check.broken_at != 0 ? check.broken_at : is_good ? 0 : kept->number;
  const std::string what = check.broken_at != 0 ? check.what : is_good ? "" : "is not the one whose head was kept";
  if (options.as_json) {
    Value answer = Value::object().set("ok", is_good).set("first", check.first).set("erased", check.erased);
    answer.set("head", head_text(check.reached));
    if (!is_good) answer.set("broken_at", broken_at).set("what", what);
    console.out << answer.to_json() << '\n';
    return;
  }
  if (!is_good) {
    return console.fail(fmt::format(
        "entry {} {}. {}", broken_at, what,
        check.broken_at != 0 ? "Everything before it is as it was written." : "The chain was written anew."));
  }
  console.out << fmt::format("{} entries, {} to {}, each as it was written{}\nhead {}\n",
                             check.reached.number - check.first + 1, check.first, check.reached.number,
                             check.erased == 0 ? "" : fmt::format("; the data of {} was erased", check.erased),
                             head_text(check.reached));
}

void add_common(CLI::App& command, AuditOptions& options, const char* json_meaning) {
  add_store_options(command, options.store);
  add_switch(command, "--json", options.as_json, json_meaning)->group("For scripts");
}

}  // namespace

void add_audit_commands(CLI::App& app, Console& console) {
  CLI::App* audit = add_command(app, "audit", "Read the record of changes, and verify that nobody changed it",
                                "jeton audit list --data data\njeton audit verify --data data");
  const auto listing = std::make_shared<AuditOptions>();
  CLI::App* list_command = add_command(*audit, "list", "Show what has changed, the newest first",
                                       "jeton audit list --data data --kind refresh_token_reused\n"
                                       "jeton audit list --data data --session 5tqUx0Vd2k1nJ6mF0b9sWA --json");
  add_text(*list_command, "--kind", listing->kind, "KIND", "Of that kind alone: signed_in, signing_key_revoked, …");
  add_text(*list_command, "--sub", listing->sub, "SUB", "Of that user alone");
  add_text(*list_command, "--session", listing->session, "SID", "Of that session alone");
  add_text(*list_command, "--limit", listing->limit, "N", "At most so many entries (50)");
  add_text(*list_command, "--before", listing->before, "NUMBER", "Older than that entry, to go on from there");
  add_common(*list_command, *listing, "One JSON object a line");
  list_command->callback([&console, listing] { list(console, *listing); });

  const auto verifying = std::make_shared<AuditOptions>();
  CLI::App* verify_command =
      add_command(*audit, "verify", "Verify the chain of entries; names the first that is not as it was written",
                  "jeton audit verify --data data\njeton audit verify --data data --json");
  add_text(*verify_command, "--head", verifying->head, "NUMBER:HASH",
           "A head that was told earlier and kept elsewhere: the chain must still go through it");
  add_common(*verify_command, *verifying, "One JSON object");
  verify_command->callback([&console, verifying] { verify(console, *verifying); });
}

}  // namespace jeton::cli
