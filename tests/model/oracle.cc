#include "oracle.h"

#include <algorithm>

namespace jeton::model {
namespace {

Answer refused_and_ended(Believed& session) {
  session.is_live = false;
  return {Answer::Kind::refused};
}

// Rule 4.3, written down once more from its text.
Answer rotate(Believed& session, int presented, int key) {
  if (!session.is_live) return {Answer::Kind::refused};
  const auto within = [](std::int32_t age) { return std::max(age, 0) < static_cast<std::int32_t>(grace.count()); };
  const bool same_key = key != 0 && key == session.key;
  switch (session.generation - presented) {
    case 0:
      if (same_key) return {Answer::Kind::key_reused};
      ++session.generation;
      session.previous_age = session.age;
      session.age = 0;
      session.key = static_cast<std::int8_t>(key);
      return {Answer::Kind::tokens, session.generation};
    case 1:
      if (within(session.age) || same_key) return {Answer::Kind::tokens, session.generation};
      return refused_and_ended(session);
    case 2:
      if (within(session.previous_age)) return {Answer::Kind::superseded};
      return refused_and_ended(session);
    default: return refused_and_ended(session);
  }
}

void change_password(History& history, std::optional<int> kept) {
  ++history.security_epoch;
  for (int i = 0; i < sessions_max; ++i) {
    if (kept != i) history.sessions[static_cast<std::size_t>(i)].is_live = false;
  }
}

void settle(std::vector<History>& all) {
  std::ranges::sort(all);
  const auto rest = std::ranges::unique(all);
  all.erase(rest.begin(), rest.end());
}

bool says_the_same(const Answer& one, const Answer& other) {
  return one.kind == other.kind && (one.kind != Answer::Kind::tokens || one.generation == other.generation);
}

}  // namespace

std::string text_of(const Answer& answer) {
  switch (answer.kind) {
    case Answer::Kind::tokens: return "tokens of generation " + std::to_string(answer.generation);
    case Answer::Kind::superseded: return "superseded";
    case Answer::Kind::key_reused: return "Idempotency-Key reused";
    case Answer::Kind::refused: return "refused";
    case Answer::Kind::done: return "done";
    case Answer::Kind::failed: return "an error of the store";
  }
  std::unreachable();
}

Oracle::Oracle(Milliseconds age_kept) : age_max_(static_cast<std::int32_t>(age_kept.count())) {
  History beginning;
  beginning.sessions[0] = {.generation = 0, .is_live = true};
  possible_.push_back(beginning);
}

// Keeps the histories that the answer fits.
template <class Deed>
std::optional<std::string> Oracle::explain(const char* what, const Answer& answer, Deed deed) {
  std::vector<History> left;
  for (History history : possible_) {
    if (says_the_same(deed(history), answer)) left.push_back(history);
  }
  if (left.empty()) return std::string{what} + " was answered: " + text_of(answer) + "; no history explains that";
  possible_ = std::move(left);
  settle(possible_);
  return std::nullopt;
}

std::optional<std::string> Oracle::check_successor(Seen& seen, int presented, const Answer& answer) {
  if (answer.kind != Answer::Kind::tokens) return std::nullopt;
  if (seen.end_acknowledged) return "I2: tokens for a session whose end was acknowledged";
  if (seen.was_put_back) return std::nullopt;
  if (answer.generation == presented) return "I1: a token is its own successor";
  const int last = static_cast<int>(seen.successor.size()) - 2;
  if (answer.generation < 0 || answer.generation > last) return "I1: a token that no rotation can have made";
  const auto successor_of = [&](int generation) -> std::int16_t& {
    return seen.successor.at(static_cast<std::size_t>(generation));
  };
  std::int16_t& successor = successor_of(presented);
  if (successor != 0 && successor != answer.generation + 1) return "I1: a token has two successors";
  if (successor != 0 && successor_of(successor - 1) != 0) return "I2: a rotation that was acknowledged is undone";
  successor = static_cast<std::int16_t>(answer.generation + 1);
  return std::nullopt;
}

std::optional<std::string> Oracle::rotated(int index, int presented, int key, const Answer& answer) {
  const auto at = static_cast<std::size_t>(index);
  if (auto wrong = check_successor(seen_[at], presented, answer)) return wrong;
  return explain("a refresh", answer, [&](History& history) { return rotate(history.sessions[at], presented, key); });
}

void Oracle::rotation_unanswered(int index, int presented, int key) {
  const auto before = possible_.size();
  for (std::size_t i = 0; i < before; ++i) {
    History carried_out = possible_[i];
    rotate(carried_out.sessions[static_cast<std::size_t>(index)], presented, key);
    possible_.push_back(carried_out);
  }
  settle(possible_);
}

std::optional<std::string> Oracle::logged_out(int index, const Answer& answer) {
  const auto at = static_cast<std::size_t>(index);
  seen_[at].end_acknowledged = true;
  return explain("a logout", answer, [&](History& history) {
    history.sessions[at].is_live = false;
    return Answer{Answer::Kind::done};
  });
}

std::optional<std::string> Oracle::password_changed(std::optional<int> kept, const Answer& answer) {
  ++changes_acknowledged_;
  for (int i = 0; i < sessions_max; ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (kept != i) seen_[at].end_acknowledged = true;
  }
  return explain("a change of password", answer, [&](History& history) {
    change_password(history, kept);
    return Answer{Answer::Kind::done};
  });
}

std::optional<std::string> Oracle::signed_in(int index, int epoch_read, const Answer& answer) {
  const auto at = static_cast<std::size_t>(index);
  if (answer.kind == Answer::Kind::done && epoch_read < changes_acknowledged_) {
    return "I2: a session by a password that was changed before";
  }
  if (answer.kind == Answer::Kind::done) seen_[at] = {};
  return explain("a sign-in", answer, [&](History& history) {
    if (history.security_epoch != epoch_read) return Answer{Answer::Kind::refused};
    history.sessions[at] = {.generation = 0, .is_live = true};
    return Answer{Answer::Kind::done};
  });
}

void Oracle::clock_moved(Milliseconds by) {
  const auto moved = [&](std::int32_t age) { return std::min(age + static_cast<std::int32_t>(by.count()), age_max_); };
  for (History& history : possible_) {
    for (Believed& session : history.sessions) {
      if (session.generation < 0) continue;
      session.age = moved(session.age);
      session.previous_age = moved(session.previous_age);
    }
  }
  settle(possible_);
}

// The copy was made at the beginning: everybody's tokens but the first are ahead of it.
void Oracle::put_back() {
  History beginning;
  beginning.sessions[0] = {.generation = 0, .is_live = true, .age = age_max_, .previous_age = age_max_};
  possible_ = {beginning};
  for (Seen& seen : seen_) seen = {.was_put_back = true};
  changes_acknowledged_ = 0;
  was_restored_ = false;
}

// What was acknowledged of the old history is void with it: nobody goes on without signing in again.
void Oracle::restored() {
  put_back();
  for (History& history : possible_) history.sessions[0].is_live = false;
  for (Seen& seen : seen_) seen = {.end_acknowledged = true};
  was_restored_ = true;
}

void Oracle::rename(int shift, const std::array<std::int8_t, 16>& key_names) {
  for (History& history : possible_) {
    Believed& session = history.sessions[0];
    session.generation = static_cast<std::int16_t>(session.generation - shift);
    session.key = key_names.at(static_cast<std::size_t>(session.key));
  }
  settle(possible_);
  auto& successor = seen_[0].successor;
  const auto before = successor;
  for (int i = 0; i < static_cast<int>(successor.size()); ++i) {
    const int was = i + shift;
    const bool is_kept =
        was >= 0 && was < static_cast<int>(before.size()) && before[static_cast<std::size_t>(was)] != 0;
    successor[static_cast<std::size_t>(i)] =
        is_kept ? static_cast<std::int16_t>(before[static_cast<std::size_t>(was)] - shift) : std::int16_t{0};
  }
}

bool Oracle::is_surely_over() const {
  return std::ranges::none_of(possible_, [](const History& history) { return history.sessions[0].is_live; });
}

void Oracle::forget_session() {
  for (History& history : possible_) {
    history.sessions[0] = {.generation = 3, .is_live = false, .age = age_max_, .previous_age = age_max_};
  }
  settle(possible_);
  seen_[0] = {.end_acknowledged = seen_[0].end_acknowledged, .was_put_back = seen_[0].was_put_back};
}

bool Oracle::has_key(int key) const {
  return std::ranges::any_of(possible_, [&](const History& history) {
    return std::ranges::any_of(history.sessions, [&](const Believed& session) { return session.key == key; });
  });
}

void Oracle::append_to(std::string& text) const {
  const auto append = [&](auto value) { text.append(reinterpret_cast<const char*>(&value), sizeof value); };
  for (const History& history : possible_) {
    append(history.security_epoch);
    for (const Believed& session : history.sessions) {
      append(session.generation);
      if (session.generation < 0) continue;
      append(session.is_live);
      append(session.age);
      append(session.previous_age);
      append(session.key);
    }
  }
  for (const Seen& seen : seen_) {
    if (seen == Seen{}) {
      text += '-';
      continue;
    }
    for (const auto successor : seen.successor) append(successor);
    append(seen.end_acknowledged);
    append(seen.was_put_back);
  }
  append(changes_acknowledged_);
  append(was_restored_);
}

}  // namespace jeton::model
