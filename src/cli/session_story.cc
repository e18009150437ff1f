#include "cli/session_story.h"

#include "cli/time_text.h"
#include "issuer/devices/user_agent.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace jeton::cli {
namespace {

using store::SessionEvent;
using store::SessionStory;

UnixTime seconds_of(store::StoreTime time) { return std::chrono::floor<std::chrono::seconds>(time); }

std::string text_in(const Value& object, std::string_view name) {
  const Value* member = object.find(name);
  const std::string* text = member == nullptr ? nullptr : member->if_string();
  return text == nullptr ? std::string() : *text;
}

std::int64_t number_in(const Value& object, std::string_view name) {
  const Value* member = object.find(name);
  const std::int64_t* number = member == nullptr ? nullptr : member->if_integer();
  return number == nullptr ? 0 : *number;
}

class Teller {
 public:
  Teller(const SessionStory& story, std::size_t others, const std::function<std::string(const std::string&)>& place_of)
      : story_(story), others_(others), place_of_(place_of) {}

  std::vector<StoryLine> tell() {
    for (const SessionEvent& event : story_.events) tell_event(event);
    if (story_.session.has_value()) tell_refreshes(*story_.session);
    return std::move(lines_);
  }

 private:
  void add(store::StoreTime at, std::string what, std::string text) {
    // Behind those of the same time: two of one moment stay in the order in which they are told.
    lines_.insert(std::ranges::upper_bound(lines_, at, {}, &StoryLine::at), {at, std::move(what), std::move(text)});
  }

  // "192.0.2.7 (Utrecht, NL)"
  std::string located(const std::string& address) const {
    if (address.empty()) return "an unknown address";
    const std::string place = place_of_(address);
    return place.empty() ? address : fmt::format("{} ({})", address, place);
  }

  // "from 203.0.113.9, curl"
  std::string presenter(const Value& detail) const {
    return fmt::format("from {}, {}", located(text_in(detail, "address")),
                       issuer::UserAgent::from_text(text_in(detail, "agent")).name());
  }

  std::string untouched() const {
    return others_ == 0 ? "" : fmt::format(", {} {} untouched", others_, others_ == 1 ? "other" : "others");
  }

  void tell_event(const SessionEvent& event) {
    const auto parsed = Value::parse(event.detail);
    const Value detail = parsed.has_value() ? *parsed : Value();
    if (event.kind == "signed_in") {
      const std::string from = story_.session.has_value() ? located(story_.session->first_address) : "";
      add(event.at, "signed in", from.empty() ? "by " + event.detail : fmt::format("{}, by {}", from, event.detail));
    } else if (event.kind == "refresh_token_reused") {
      const std::int64_t behind = number_in(detail, "stored") - number_in(detail, "presented");
      add(event.at, fmt::format("generation {}", number_in(detail, "presented")),
          fmt::format("{}: {} behind, reuse. Session ended{}", presenter(detail), behind, untouched()));
    } else if (event.kind == "store_went_back") {
      add(event.at, fmt::format("generation {}", number_in(detail, "presented")),
          fmt::format("{}: newer than the {} that is stored, so the database went back in time. Session ended{}",
                      presenter(detail), number_in(detail, "stored"), untouched()));
    } else if (event.kind == "session_suspected") {
      add(event.at, "suspected",
          fmt::format("{}: score {} ({}), {}", presenter(detail), number_in(detail, "score"), text_in(detail, "signs"),
                      followed_by(text_in(detail, "action"))));
    } else if (event.kind == "session_ended") {
      add(event.at, "ended", fmt::format("{}{}", event.detail, untouched()));
    } else {
      add(event.at, event.kind, event.detail);
    }
  }

  static std::string_view followed_by(std::string_view action) {
    if (action == "login") return "refused and told to sign in";
    if (action == "end") return "the session was ended";
    return "noted";
  }

  void tell_refreshes(const store::Session& session) {
    const std::string what = fmt::format("generation {}", session.generation);
    if (session.generation > 0) {
      add(session.rotated_at, what,
          fmt::format("{}, {}", issuer::UserAgent::from_text(session.user_agent).name(), located(session.address)));
    }
    if (session.repeats > 0) {
      add(session.repeated_at.value_or(session.rotated_at), what,
          fmt::format("repeated {}: same answer", session.repeats == 1
                                                      ? std::string("once")
                                                      : fmt::format("{} times, this the last", session.repeats)));
    }
  }

  const SessionStory& story_;
  std::size_t others_;
  const std::function<std::string(const std::string&)>& place_of_;
  std::vector<StoryLine> lines_;
};

}  // namespace

std::vector<StoryLine> tell_story(const SessionStory& story, std::size_t others,
                                  const std::function<std::string(const std::string&)>& place_of) {
  return Teller(story, others, place_of).tell();
}

std::string standing(const SessionStory& story) {
  if (!story.session.has_value()) return "forgotten: its row is gone, long after it ended";
  const store::Session& session = *story.session;
  if (session.ended_at.has_value())
    return fmt::format("ended {}, {}", date_text(seconds_of(*session.ended_at)), name_of(session.end_reason));
  if (!story.live) return "over: it expired, or its user was disabled or signed out everywhere";
  return fmt::format("live, until {} if it is not refreshed", date_text(seconds_of(session.idle_expires_at)));
}

std::string name_of(store::EndReason reason) {
  switch (reason) {
    case store::EndReason::logout: return "by logout";
    case store::EndReason::reuse: return "because its refresh token was reused";
    case store::EndReason::password_changed: return "because the password changed";
    case store::EndReason::user_disabled: return "because the user was disabled";
    case store::EndReason::revoked: return "revoked";
    case store::EndReason::expired: return "expired";
    case store::EndReason::store_went_back: return "because the database went back in time";
    case store::EndReason::suspicion: return "on suspicion";
    case store::EndReason::session_cap: return "to make room for a newer one";
    case store::EndReason::user_erased: return "because the user was erased";
  }
  std::unreachable();
}

}  // namespace jeton::cli
