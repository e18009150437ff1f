#include "walk.h"

#include "crypto/digest.h"

#include <algorithm>
#include <cstring>
#include <tuple>
#include <utility>

namespace jeton::model {
namespace {

using std::chrono_literals::operator""s;

const char* name_of(Action action) {
  switch (action) {
    case Action::refresh: return "refresh";
    case Action::refresh_without_key: return "refresh without key";
    case Action::refresh_answer_lost: return "refresh, answer lost";
    case Action::refresh_request_lost: return "refresh, request lost";
    case Action::retry: return "retry";
    case Action::retry_without_key: return "retry without key";
    case Action::hold_up: return "refresh, held up";
    case Action::arrive: return "it arrives";
    case Action::log_out: return "log out";
    case Action::clock_on_6s: return "clock +6 s";
    case Action::clock_on_11s: return "clock +11 s";
    case Action::clock_back_5s: return "clock -5 s";
    case Action::kill_server: return "kill the server";
    case Action::put_copy_back: return "put the copy back";
    case Action::restore: return "restore the copy";
    case Action::change_password: return "change the password";
    case Action::change_password_and_keep: return "change the password, keep this session";
    case Action::read_password: return "sign in: password checked";
    case Action::sign_in: return "sign in";
  }
  std::unreachable();
}

constexpr int generation_shown = 3;
constexpr int steps_each_max = 100;

int session_number(int index) { return index == 0 ? shared_session : first_own_session + index - 1; }

template <class T>
void append(std::string& text, T value) {
  text.append(reinterpret_cast<const char*>(&value), sizeof value);
}

}  // namespace

Count Walk::all(int clients, int steps) { return walks_from(beginning(clients, steps)); }

Point Walk::beginning(int clients, int steps) const {
  Point point{.oracle = Oracle(age_kept_)};
  point.content = world_.initial();
  for (int i = 0; i < clients; ++i)
    point.clients[static_cast<std::size_t>(i)].steps_left = static_cast<std::int8_t>(steps);
  return point;
}

Count Walk::walks_from(const Point& as_reached) {
  if (fault_) return 0;
  const Point point = simplified(as_reached);
  const Name name = digest_of(point);
  if (const auto known = counts_.find(name); known != counts_.end()) return known->second;
  Count count = 0;
  bool is_over = true;
  for (std::size_t i = 0; i < point.clients.size(); ++i) {
    if (point.clients[i].steps_left == 0) continue;
    is_over = false;
    for (const Action action : menu_) {
      if (!is_possible(point.clients[i], action)) continue;
      Point next = point;
      if (!take(next, i, action)) return 0;
      count += walks_from(next);
      if (fault_) return 0;
      path_.pop_back();
    }
  }
  if (is_over) {
    if (!ends_well(point)) return 0;
    count = 1;
  }
  counts_.emplace(name, count);
  return count;
}

bool Walk::one(std::mt19937_64& chance, int clients, int steps, bool is_plain) {
  path_.clear();
  steps_.clear();
  fault_.reset();
  Point point = beginning(clients, steps_each_max);
  for (int i = 0; i < steps; ++i) {
    std::vector<Step> choices;
    for (std::size_t client = 0; client < static_cast<std::size_t>(clients); ++client) {
      for (const Action action : menu_) {
        if (is_possible(point.clients[client], action)) choices.push_back({client, action});
      }
    }
    steps_.push_back(choices[chance() % choices.size()]);
    if (!take(point, steps_.back().client, steps_.back().action)) return false;
    if (!is_plain) point = simplified(point);
  }
  return ends_well(point);
}

bool Walk::again(const std::vector<Step>& steps, int clients) {
  path_.clear();
  fault_.reset();
  Point point = beginning(clients, steps_each_max);
  for (const Step& step : steps) {
    if (!is_possible(point.clients[step.client], step.action)) continue;
    if (!take(point, step.client, step.action)) return false;
  }
  return ends_well(point);
}

std::vector<Step> Walk::fewest(std::vector<Step> steps, int clients) {
  for (bool is_shorter = true; is_shorter;) {
    is_shorter = false;
    for (std::size_t i = steps.size(); i-- > 0;) {
      auto without = steps;
      without.erase(without.begin() + static_cast<std::ptrdiff_t>(i));
      if (again(without, clients)) continue;
      steps = std::move(without);
      is_shorter = true;
    }
  }
  again(steps, clients);  // for the fault's text
  return steps;
}

bool Walk::is_possible(const Client& client, Action action) const {
  switch (action) {
    case Action::retry:
    case Action::retry_without_key: return client.unanswered >= 0;
    case Action::hold_up: return client.held_up < 0;
    case Action::arrive: return client.held_up >= 0;
    case Action::read_password: return client.epoch_read < 0 && client.session == 0;
    case Action::sign_in: return client.epoch_read >= 0;
    default: return true;
  }
}

bool Walk::take(Point& point, std::size_t client, Action action) {
  Client& who = point.clients[client];
  path_.push_back("client " + std::to_string(client + 1) + ": " + name_of(action));
  --who.steps_left;
  const auto wrong = act(point, who, static_cast<int>(client), action);
  if (!wrong) return true;
  fault_ = *wrong;
  for (const auto& line : path_) *fault_ += "\n  " + line;
  return false;
}

std::optional<std::string> Walk::act(Point& point, Client& client, int number, Action action) {
  const auto clock = [&](Milliseconds by) {
    point.content = world_.move_clock(point.content, by);
    point.oracle.clock_moved(by);
  };
  const auto unanswered = [&](bool carried_out) {
    client.unanswered = client.token;
    client.unanswered_key = static_cast<std::int8_t>(new_key(point));
    if (carried_out) {
      const int session = session_number(client.session);
      point.content = world_.apply(point.content, {Deed::rotate, session, client.token, client.unanswered_key}).first;
    }
    point.oracle.rotation_unanswered(client.session, client.token, client.unanswered_key);
  };
  switch (action) {
    case Action::refresh: return request(point, client, client.token, new_key(point));
    case Action::refresh_without_key: return request(point, client, client.token, 0);
    case Action::refresh_answer_lost: unanswered(true); return std::nullopt;
    case Action::refresh_request_lost: unanswered(false); return std::nullopt;
    case Action::retry: return request(point, client, client.unanswered, client.unanswered_key);
    case Action::retry_without_key: return request(point, client, client.unanswered, 0);
    case Action::hold_up:
      client.held_up = client.token;
      client.held_up_key = static_cast<std::int8_t>(new_key(point));
      client.held_up_was_current = world_.plant() == Plant::check_before_write &&
                                   world_.generation_in(point.content, session_number(client.session)) == client.token;
      return std::nullopt;
    case Action::arrive: return arrive(point, client);
    case Action::log_out: {
      const auto [to, answer] = world_.apply(point.content, {Deed::log_out, session_number(client.session)});
      point.content = to;
      return point.oracle.logged_out(client.session, answer);
    }
    case Action::clock_on_6s: clock(6s); return std::nullopt;
    case Action::clock_on_11s: clock(11s); return std::nullopt;
    case Action::clock_back_5s: clock(-5s); return std::nullopt;
    case Action::kill_server: kill_server(point); return std::nullopt;
    case Action::put_copy_back:
      point.content = world_.put_back(point.content);
      point.oracle.put_back();
      return std::nullopt;
    case Action::restore:
      point.content = world_.restored(point.content);
      point.oracle.restored();
      return std::nullopt;
    case Action::change_password: return change_password(point, client, false);
    case Action::change_password_and_keep: return change_password(point, client, true);
    case Action::read_password:
      client.epoch_read = static_cast<std::int16_t>(world_.security_epoch_in(point.content));
      return std::nullopt;
    case Action::sign_in: return sign_in(point, client, number);
  }
  std::unreachable();
}

std::optional<std::string> Walk::request(Point& point, Client& client, int generation, int key) {
  const auto [to, answer] =
      world_.apply(point.content, {Deed::rotate, session_number(client.session), generation, key});
  point.content = to;
  auto wrong = point.oracle.rotated(client.session, generation, key, answer);
  if (wrong) return wrong;
  if (answer.kind == Answer::Kind::tokens) client.token = static_cast<std::int16_t>(answer.generation);
  client.unanswered = -1;
  client.unanswered_key = 0;
  return std::nullopt;
}

std::optional<std::string> Walk::arrive(Point& point, Client& client) {
  const int session = session_number(client.session);
  const int generation = std::exchange(client.held_up, std::int16_t{-1});
  const int key = std::exchange(client.held_up_key, std::int8_t{0});
  int compared = generation;
  // The planted server has compared already, and now writes whatever there is.
  if (std::exchange(client.held_up_was_current, false)) compared = world_.generation_in(point.content, session);
  const auto [to, answer] = world_.apply(point.content, {Deed::rotate, session, compared, key});
  point.content = to;
  auto wrong = point.oracle.rotated(client.session, generation, key, answer);
  // An answer that comes late does not take back a newer token.
  if (answer.kind == Answer::Kind::tokens) {
    client.token = std::max(client.token, static_cast<std::int16_t>(answer.generation));
  }
  return wrong;
}

std::optional<std::string> Walk::change_password(Point& point, const Client& client, bool keep) {
  const auto deed = keep ? Deed::change_password_and_keep : Deed::change_password;
  const auto [to, answer] = world_.apply(point.content, {deed, session_number(client.session)});
  point.content = to;
  return point.oracle.password_changed(keep ? std::optional{static_cast<int>(client.session)} : std::nullopt, answer);
}

std::optional<std::string> Walk::sign_in(Point& point, Client& client, int number) {
  const int epoch_read = std::exchange(client.epoch_read, std::int16_t{-1});
  const int index = number + 1;
  const int compared =
      world_.plant() == Plant::epoch_not_compared ? world_.security_epoch_in(point.content) : epoch_read;
  const auto [to, answer] = world_.apply(point.content, {Deed::sign_in, session_number(index), compared, 0});
  point.content = to;
  if (answer.kind == Answer::Kind::done) {
    client.session = static_cast<std::int8_t>(index);
    client.token = 0;
    client.unanswered = client.held_up = -1;
    client.unanswered_key = client.held_up_key = 0;
    client.held_up_was_current = false;
  }
  return point.oracle.signed_in(index, epoch_read, answer);
}

// The database stays; whoever waits for an answer gets none.
void Walk::kill_server(Point& point) {
  for (Client& client : point.clients) {
    if (client.held_up < 0) continue;
    client.unanswered = std::exchange(client.held_up, std::int16_t{-1});
    client.unanswered_key = std::exchange(client.held_up_key, std::int8_t{0});
    client.held_up_was_current = false;
  }
}

// Whoever still waits asks once more, and then everybody refreshes what they hold: an answer, not silence; and the
// session of the same user that nobody touched goes on unless the password was changed or a new history has begun.
bool Walk::ends_well(Point point) {
  const auto epoch = world_.security_epoch_in(point.content);
  const auto others = world_.apply(point.content, {Deed::rotate, bystander_session, 0, 0}).second;
  if ((others.kind == Answer::Kind::tokens) != (epoch == 0 && !point.oracle.was_restored())) {
    fault_ = "another session of the user was answered: " + text_of(others);
    return false;
  }
  for (std::size_t i = 0; i < point.clients.size(); ++i) {
    const auto before = path_.size();
    if (point.clients[i].unanswered >= 0 && !take(point, i, Action::retry)) return false;
    if (!take(point, i, Action::refresh)) return false;
    path_.resize(before);
  }
  return true;
}

// The smallest that nobody can mean but this request: not stored, not waiting, in no history. So the number says
// nothing about the way that led here.
int Walk::new_key(const Point& point) {
  for (int key = 1;; ++key) {
    const auto has_it = [key](const Client& client) {
      return client.unanswered_key == key || client.held_up_key == key;
    };
    if (!point.oracle.has_key(key) && std::ranges::none_of(point.clients, has_it)) return key;
  }
}

Point Walk::simplified(Point point) {
  const bool is_shared_alone = std::ranges::all_of(
      point.clients, [](const Client& client) { return client.session == 0 && client.epoch_read < 0; });
  if (!is_shared_alone || names_ == Names::kept || world_.plant() != Plant::nothing) return point;
  const bool is_over = point.oracle.is_surely_over() && !menu_.contains(Action::put_copy_back);
  const int shift = world_.generation_in(point.content, shared_session) - generation_shown;
  const int stored_key = world_.key_in(point.content);
  for (Client& client : point.clients) {
    for (auto* generation : {&client.token, &client.unanswered, &client.held_up}) {
      if (*generation < 0) continue;
      *generation = static_cast<std::int16_t>(is_over ? 0 : std::max(*generation - shift, 0));
    }
    if (is_over) client.unanswered_key = client.held_up_key = 0;
  }
  const auto without_names = [&](const Client& client) {
    return std::tuple{client.steps_left,
                      client.token,
                      client.unanswered,
                      client.held_up,
                      client.unanswered_key != 0 && client.unanswered_key == stored_key,
                      client.held_up_key != 0 && client.held_up_key == stored_key};
  };
  std::ranges::sort(point.clients, {}, without_names);
  if (is_over) {
    point.content = world_.with_ended_session(point.content);
    point.oracle.forget_session();
    return point;
  }
  std::array<std::int8_t, 16> names{};
  std::int8_t last = 0;
  for (Client& client : point.clients) {
    for (auto* key : {&client.unanswered_key, &client.held_up_key}) {
      auto& name = names.at(static_cast<std::size_t>(*key));
      if (*key != 0 && name == 0) name = ++last;
      *key = name;
    }
  }
  point.content = world_.with(point.content, generation_shown, names.at(static_cast<std::size_t>(stored_key)));
  point.oracle.rename(shift, names);
  return point;
}

Name Walk::digest_of(const Point& point) {
  std::string key;
  append(key, point.content);
  for (const Client& client : point.clients) {
    append(key, client.session);
    append(key, client.token);
    append(key, client.unanswered);
    append(key, client.unanswered_key);
    append(key, client.held_up);
    append(key, client.held_up_key);
    append(key, client.held_up_was_current);
    append(key, client.epoch_read);
    append(key, client.steps_left);
  }
  point.oracle.append_to(key);
  const auto digest = crypto::sha256(key);
  Name name;
  std::memcpy(name.data(), digest.data(), sizeof name);
  return name;
}

std::string text_of(Count count) {
  std::string digits;
  do {
    digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(count % 10)));
    count /= 10;
  } while (count != 0);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), ",");
  }
  return digits;
}

}  // namespace jeton::model
