// user import
#include "cli/user_import.h"
#include "cli/store_access.h"

#include "cli/commands.h"
#include "cli/line_reader.h"
#include "cli/terminal.h"
#include "crypto/foreign/foreign_hash.h"
#include "issuer/accounts/credentials.h"
#include "issuer/completion.h"
#include "store/sqlite/sqlite_store.h"

#include <jeton/claims.h>
#include <jeton/signer.h>
#include <jeton/value.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <ostream>
#include <utility>
#include <vector>

namespace jeton::cli {
namespace {

using Read = std::expected<store::ImportedUser, std::string>;

constexpr std::size_t batch_users = 200;
constexpr std::chrono::seconds progress_interval{2};

std::optional<std::string> unknown_member(const Value& object) {
  constexpr std::array<std::string_view, 6> known{"email",    "passwordHash",  "sub",
                                                  "disabled", "emailVerified", "claims"};
  for (const auto& member : *object.if_object()) {
    if (std::ranges::find(known, member.name) == known.end()) return member.name;
  }
  return std::nullopt;
}

bool is_sub(std::string_view sub) {
  constexpr std::size_t sub_bytes_max = 255;
  return !sub.empty() && sub.size() <= sub_bytes_max &&
         std::ranges::all_of(sub, [](char c) { return c > ' ' && c <= '~'; });
}

// The member if it is absent (false) or a truth value.
std::optional<bool> truth(const Value& object, std::string_view name) {
  const Value* member = object.find(name);
  if (member == nullptr) return false;
  return member->if_bool() == nullptr ? std::nullopt : std::optional(*member->if_bool());
}

std::expected<std::string, std::string> claims_of(const Value& object) {
  const Value* claims = object.find("claims");
  if (claims == nullptr) return std::string("{}");
  if (claims->if_object() == nullptr) return std::unexpected("claims is no object");
  if (!find_sensitive_name(*claims).empty())
    return std::unexpected("claims holds a name that looks like a secret, and whoever has a token can read it");
  return claims->to_json();
}

struct ImportArguments {
  std::string file, data = "data";
};

// One run of the command.
class Import {
 public:
  Import(Console& console, store::Store& store, std::istream& in, std::uintmax_t bytes)
      : console_(console), store_(store), lines_(in, import_line_bytes_max), bytes_(bytes) {}

  void run() {
    for (;;) {
      const LineReader::Got got = lines_.next();
      if (got == LineReader::Got::end) break;
      if (got == LineReader::Got::failed) return console_.fail("the file cannot be read to its end.");
      ++line_;
      if (got == LineReader::Got::too_long) {
        refuse(fmt::format("longer than {} bytes", import_line_bytes_max));
        continue;
      }
      read_bytes_ += lines_.line().size() + 1;
      take(lines_.line());
      if (batch_.size() >= batch_users && !write()) return;
      say_progress();
    }
    if (!write()) return;
    console_.out << fmt::format("{} added, {} there already, {} refused\n", added_, known_, refused_);
    if (refused_ > 0) console_.exit_code = exit_bad;
  }

 private:
  void take(std::string_view line) {
    if (line.empty()) return;
    auto user = read_import_line(line);
    if (user.has_value()) {
      batch_.push_back(*std::move(user));
    } else {
      refuse(user.error());
    }
  }

  void refuse(const std::string& why) {
    ++refused_;
    console_.err << harmless(fmt::format("line {}: {}", line_, why)) << '\n';
  }

  bool write() {
    if (batch_.empty()) return true;
    const auto added = issuer::waited<std::vector<bool>>([&](auto done) {
      store_.users().import_users(std::exchange(batch_, {}), std::move(done), command_line_actor());
    });
    if (!added.has_value()) {
      console_.fail(fmt::format("stopped before line {}: {} Run it again; who is there already is left as they are.",
                                line_, added.error().message));
      return false;
    }
    const auto count = static_cast<std::uint64_t>(std::ranges::count(*added, true));
    added_ += count;
    known_ += added->size() - count;
    return true;
  }

  // Rate and time left, by the share of the file that has been read.
  void say_progress() {
    const auto now = std::chrono::steady_clock::now();
    if (now - said_ < progress_interval) return;
    said_ = now;
    const double elapsed = std::chrono::duration<double>(now - begun_).count();
    const double share = bytes_ == 0 ? 0 : static_cast<double>(read_bytes_) / static_cast<double>(bytes_);
    const std::string left =
        share > 0 && share <= 1 ? fmt::format(", {:.0f} s left", elapsed / share - elapsed) : std::string();
    console_.err << fmt::format("{} lines, {:.0f}/s{}\n", line_, static_cast<double>(line_) / elapsed, left)
                 << std::flush;
  }

  Console& console_;
  store::Store& store_;
  LineReader lines_;
  const std::uintmax_t bytes_;
  std::vector<store::ImportedUser> batch_;
  std::uint64_t line_ = 0, read_bytes_ = 0, added_ = 0, known_ = 0, refused_ = 0;
  const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point said_ = begun_;
};

void import_users(const ImportArguments& arguments, Console& console, const platform::ClockSource& clock) {
  const std::string database = arguments.data + "/jeton.db";
  std::error_code missing;
  if (!std::filesystem::exists(database, missing))
    return console.fail(
        fmt::format("{} is not there. Start jeton serve once, or name the directory with --data.", harmless(database)));
  std::ifstream file;
  const bool is_standard_input = arguments.file == "-";
  if (!is_standard_input) {
    file.open(arguments.file, std::ios::binary);
    if (!file) return console.fail(fmt::format("{} cannot be read.", harmless(arguments.file)));
  }
  std::error_code unknown;
  const auto size = is_standard_input ? 0 : std::filesystem::file_size(arguments.file, unknown);
  const StoreClock store_clock(clock);
  const auto store = store::open_sqlite({.path = database, .clock = store_clock});
  if (!store.has_value()) return console.fail(store.error().message);
  Import import(console, **store, is_standard_input ? console.in : file, unknown ? 0 : size);
  import.run();
}

}  // namespace

Read read_import_line(std::string_view line) {
  const auto value = Value::parse(line);
  if (!value.has_value() || value->if_object() == nullptr) return std::unexpected("not one JSON object");
  if (const auto unknown = unknown_member(*value))
    return std::unexpected(fmt::format("{} is not a member of a user", *unknown));
  const auto text = [&](std::string_view name) {
    const Value* member = value->find(name);
    return member == nullptr ? nullptr : member->if_string();
  };
  const std::string *email = text("email"), *hash = text("passwordHash"), *sub = text("sub");
  if (email == nullptr) return std::unexpected("email is missing");
  const auto key = issuer::email_key(*email);
  if (!key.has_value()) return std::unexpected("email is no address");
  if (hash == nullptr) return std::unexpected("passwordHash is missing");
  if (const std::string objection = crypto::objection_to_hash(*hash); !objection.empty())
    return std::unexpected("passwordHash: " + objection);
  if (value->find("sub") != nullptr && (sub == nullptr || !is_sub(*sub)))
    return std::unexpected("sub must be 1 to 255 visible ASCII characters");
  const auto verified = truth(*value, "emailVerified"), disabled = truth(*value, "disabled");
  if (!verified.has_value() || !disabled.has_value())
    return std::unexpected("emailVerified and disabled must be true or false");
  auto claims = claims_of(*value);
  if (!claims.has_value()) return std::unexpected(claims.error());
  return store::ImportedUser{.user = {.sub = sub != nullptr ? *sub : "usr_" + random_id(),
                                      .email = *email,
                                      .email_key = *key,
                                      .password_hash = *hash,
                                      .claims_json = *std::move(claims)},
                             .email_verified = *verified,
                             .disabled = *disabled};
}

void add_user_commands(CLI::App& app, Console& console, const platform::ClockSource& clock) {
  auto* user = app.add_subcommand("user", "Bring users of another system along")->require_subcommand(1);
  auto* command = user->add_subcommand("import", "Add users of another system, with the password hashes they have");
  const auto arguments = std::make_shared<ImportArguments>();
  command->add_option("file", arguments->file, "JSON lines: {\"email\", \"passwordHash\", …}; - is standard input")
      ->type_name("FILE")
      ->required();
  command->add_option("--data", arguments->data, "Directory of the database (data)")->type_name("DIR");
  command->footer("jeton user import --data data users.jsonl");
  command->callback([arguments, &console, &clock] { import_users(*arguments, console, clock); });
}

}  // namespace jeton::cli
