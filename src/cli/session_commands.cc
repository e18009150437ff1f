// session list|why|end: an operator's look at sessions, beside a running server or without one.
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/session_story.h"
#include "cli/store_access.h"
#include "cli/terminal.h"
#include "cli/time_text.h"
#include "issuer/completion.h"
#include "issuer/devices/user_agent.h"
#include "jose/base64url.h"
#include "oauth/refresh_token.h"
#include "platform/place_file.h"

#include <jeton/value.h>

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace jeton::cli {
namespace {

using issuer::waited;

struct Common {
  StoreOptions store;
  std::optional<std::string> subject{};  // the session, or the user
  bool as_json = false;
};

std::unique_ptr<StoreAccess> opened(Console& console, const StoreOptions& options) {
  auto access = StoreAccess::open(options);
  if (access.has_value()) return *std::move(access);
  console.fail(access.error().text());
  return nullptr;
}

std::optional<store::Sid> sid_in(Console& console, const std::string& text) {
  store::Sid sid{};
  if (text.size() == jose::base64url::encoded_size(sid.size()) && jose::base64url::decode(text, sid.data())) return sid;
  console.fail_usage(fmt::format("{} is not the id of a session: 22 characters, as in the claim sid.", harmless(text)));
  return std::nullopt;
}

UnixTime seconds_of(store::StoreTime time) { return std::chrono::floor<std::chrono::seconds>(time); }
std::int64_t number_of(store::StoreTime time) { return seconds_of(time).time_since_epoch().count(); }

std::optional<std::string> sub_of(Console& console, StoreAccess& access, const std::string& who) {
  const auto user = waited<std::optional<store::User>>([&](auto done) {
    if (who.find('@') == std::string::npos) return access.store().users().find_by_sub(who, std::move(done));
    std::string key = who;
    std::ranges::transform(key, key.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    access.store().users().find_by_email(std::move(key), std::move(done));
  });
  if (!user.has_value()) {
    console.fail(user.error().message);
  } else if (!user->has_value()) {
    console.fail(fmt::format("there is no user {}.", harmless(who)));
  } else {
    return (*user)->sub;
  }
  return std::nullopt;
}

Value json_of(const store::Session& session) {
  Value one = Value::object();
  one.set("sid", oauth::sid_text(session.sid)).set("sub", session.sub).set("client_id", session.client_id);
  one.set("generation", session.generation);
  one.set("device", issuer::UserAgent::from_text(session.user_agent).name());
  one.set("first_address", session.first_address).set("last_address", session.address);
  one.set("signed_in_at", number_of(session.auth_time)).set("rotated_at", number_of(session.rotated_at));
  one.set("idle_expires_at", number_of(session.idle_expires_at));
  if (session.ended_at.has_value())
    one.set("ended_at", number_of(*session.ended_at)).set("end_reason", name_of(session.end_reason));
  return one;
}

void list(Console& console, const Common& options) {
  const auto access = opened(console, options.store);
  if (!access) return;
  const auto sub = sub_of(console, *access, *options.subject);
  if (!sub) return;
  const auto live = waited<std::vector<store::Session>>(
      [&](auto done) { access->store().sessions().live_sessions_of(*sub, std::move(done)); });
  if (!live.has_value()) return console.fail(live.error().message);
  if (options.as_json) {
    Value all = Value::array();
    for (const store::Session& session : *live) all.push(json_of(session));
    console.out << Value::object().set("sessions", std::move(all)).to_json() << '\n';
    return;
  }
  if (live->empty()) console.out << "no live sessions\n";
  for (const store::Session& session : *live) {
    console.out << fmt::format("{}  {:<24}  {:<15}  signed in {}, last refresh {}\n", oauth::sid_text(session.sid),
                               harmless(issuer::UserAgent::from_text(session.user_agent).name()), session.address,
                               date_text(seconds_of(session.auth_time)), date_text(seconds_of(session.rotated_at)));
  }
}

std::size_t others_of(StoreAccess& access, const store::SessionStory& story) {
  if (!story.session.has_value()) return 0;
  const auto live = waited<std::vector<store::Session>>(
      [&](auto done) { access.store().sessions().live_sessions_of(story.session->sub, std::move(done)); });
  if (!live.has_value()) return 0;
  return static_cast<std::size_t>(
      std::ranges::count_if(*live, [&](const store::Session& one) { return one.sid != story.session->sid; }));
}

void why(Console& console, const Common& options) {
  const auto sid = sid_in(console, *options.subject);
  if (!sid) return;
  const auto access = opened(console, options.store);
  if (!access) return;
  std::unique_ptr<platform::PlaceFile> places;
  if (const std::string& path = access->config().places; !path.empty()) {
    auto file = platform::PlaceFile::open(path);
    if (!file.has_value()) return console.fail(file.error().text());
    places = *std::move(file);
  }
  const auto story =
      waited<store::SessionStory>([&](auto done) { access->store().sessions().story_of(*sid, std::move(done)); });
  if (!story.has_value()) return console.fail(story.error().message);
  if (!story->session.has_value() && story->events.empty())
    return console.fail(fmt::format("there is no session {}.", *options.subject));
  const auto lines = tell_story(*story, others_of(*access, *story), [&](const std::string& address) {
    return places ? places->place_of(address) : std::string();
  });
  if (options.as_json) {
    Value events = Value::array();
    for (const StoryLine& line : lines)
      events.push(Value::object().set("at", number_of(line.at)).set("what", line.what).set("text", line.text));
    Value whole = story->session.has_value() ? json_of(*story->session) : Value::object();
    whole.set("sid", *options.subject).set("live", story->live).set("email", story->email);
    whole.set("story", std::move(events));
    console.out << whole.to_json() << '\n';
    return;
  }
  for (const StoryLine& line : lines) {
    const std::string date = date_text(seconds_of(line.at));
    console.out << fmt::format("{}  {:<14}  {}\n", date.substr(0, 19), harmless(line.what), harmless(line.text));
  }
  console.out << standing(*story) << '\n';
}

void end(Console& console, const Common& options) {
  const auto sid = sid_in(console, *options.subject);
  if (!sid) return;
  const auto access = opened(console, options.store);
  if (!access) return;
  const auto ended = waited<bool>([&](auto done) {
    access->store().sessions().end_session(*sid, store::EndReason::revoked, std::move(done), command_line_actor());
  });
  if (!ended.has_value()) return console.fail(ended.error().message);
  if (options.as_json) {
    console.out << Value::object().set("sid", *options.subject).set("ended", *ended).to_json() << '\n';
  } else if (*ended) {
    console.out << fmt::format("ended {}, and its access tokens with it\n", *options.subject);
  }
  if (!*ended) console.fail(fmt::format("{} is not a live session; nothing was changed.", *options.subject));
}

}  // namespace

void add_session_commands(CLI::App& app, Console& console) {
  CLI::App* session =
      add_command(app, "session", "Look at people's sessions, and end them", "jeton session why 5tqU… --data data");
  const auto add = [&](const std::string& name, const std::string& description, const std::string& example,
                       const std::string& subject, const std::string& placeholder, const std::string& meaning,
                       void (*run)(Console&, const Common&)) {
    const auto options = std::make_shared<Common>();
    CLI::App* command = add_command(*session, name, description, example);
    add_text(*command, subject, options->subject, placeholder, meaning)->required();
    add_store_options(*command, options->store);
    add_switch(*command, "--json", options->as_json, "Write JSON");
    command->callback([&console, options, run] { run(console, *options); });
  };
  add("list", "List a user's live sessions", "jeton session list dev@example.com --data data", "user", "USER",
      "Email address or sub of the user", list);
  add("why", "Tell what happened to a session", "jeton session why 5tqU… --data data", "sid", "SID",
      "The session: the claim sid of its access tokens", why);
  add("end", "End a session, and its access tokens with it", "jeton session end 5tqU… --data data", "sid", "SID",
      "The session: the claim sid of its access tokens", end);
}

}  // namespace jeton::cli
