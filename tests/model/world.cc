#include "world.h"

#include "store/sqlite/sqlite_store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace jeton::model {
namespace {

using store::conformance::key_of;
using store::conformance::new_user;
using store::conformance::rotation_of;
using store::conformance::sid_of;
using store::conformance::sign_in_of;
using store::conformance::Waiting;

constexpr std::size_t restart_every = 97;  // operations

// What no decision of a walk depends on.
bool is_left_out(const std::string& column) {
  static const std::vector<std::string> names{
      "access_expires_max", "idle_expires_at", "absolute_expires_at", "auth_time", "created_at",
      "user_agent",         "address"};
  return std::ranges::find(names, column) != names.end();
}

bool is_time(const std::string& column) { return column.ends_with("_at"); }

Answer::Kind kind_of(store::RotateOutcome outcome) {
  using enum store::RotateOutcome;
  switch (outcome) {
    case rotated:
    case repeated: return Answer::Kind::tokens;
    case superseded: return Answer::Kind::superseded;
    case key_reused: return Answer::Kind::key_reused;
    case reused:
    case went_back:
    case ended:
    case unknown: return Answer::Kind::refused;
    default: return Answer::Kind::failed;  // nobody here asks for what is answered so
  }
}

}  // namespace

World::World(Plant plant, Milliseconds age_kept) : plant_(plant), age_kept_(age_kept) {
  open();
  begin();
}

void World::open() {
  store_.reset();
  store_ = store::open_sqlite({.path = folder_.database(), .clock = clock_}).value();
}

void World::begin() {
  Waiting db{*store_};
  EXPECT_EQ(db.register_user(new_user("ada")), store::Registration::registered);
  for (const int sid : {shared_session, bystander_session}) {
    EXPECT_EQ(db.sign_in(sign_in_of("ada", sid, clock_.now())), store::SignInOutcome::signed_in);
  }
  raw_ = std::make_unique<store::sqlite::RawDatabase>(folder_.database());
  raw_->run("PRAGMA synchronous = OFF");
  if (plant_ == Plant::sliding_grace || plant_ == Plant::generation_by_seconds) {
    raw_->run("CREATE TABLE planted_clock(now INTEGER); INSERT INTO planted_clock VALUES(0)");
  }
  if (plant_ == Plant::sliding_grace) {
    raw_->run(
        "CREATE TRIGGER planted AFTER UPDATE ON sessions WHEN NEW.generation = OLD.generation AND NEW.ended_at IS NULL"
        " BEGIN UPDATE sessions SET rotated_at = (SELECT now FROM planted_clock) WHERE sid = NEW.sid; END");
  }
  if (plant_ == Plant::generation_by_seconds) {
    raw_->run(
        "CREATE TRIGGER planted AFTER UPDATE ON sessions WHEN NEW.generation <> OLD.generation"
        " BEGIN UPDATE sessions SET generation = (SELECT now / 1000 - 1700000000 FROM planted_clock)"
        " WHERE sid = NEW.sid; END");
  }
  here();
}

std::vector<std::string> World::columns_of(const std::string& table) {
  return raw_->run("SELECT name FROM pragma_table_info('" + table + "')");
}

std::string World::row_expression(const std::string& table) {
  std::string text = "'('";
  for (const auto& column : columns_of(table)) text += (text.size() == 3 ? "||quote(" : "||','||quote(") + column + ")";
  return text + "||')'";
}

std::string World::canonical_rows(const std::string& table, std::int64_t clock) {
  std::string text = "''";
  for (const auto& column : columns_of(table)) {
    if (is_left_out(column)) continue;
    const auto now = std::to_string(clock);
    text += "||','||quote(" +
            (is_time(column) ? "max(" + column + "-" + now + ",-" + std::to_string(age_kept_.count()) + ")" : column) +
            ")";
  }
  std::string all;
  for (const auto& row : raw_->run("SELECT " + text + " FROM " + table + " ORDER BY 1")) all += row + ";";
  return all;
}

StateId World::here() {
  static std::map<std::string, std::string> expressions;
  Content content;
  content.clock = clock_.now().time_since_epoch().count();
  for (const auto* table : {"sessions", "users"}) {
    auto& expression = expressions[table];
    if (expression.empty()) expression = row_expression(table);
    auto rows = raw_->run("SELECT " + expression + " FROM " + table + " ORDER BY 1");
    (std::string_view{table} == "users" ? content.users : content.sessions) = std::move(rows);
  }
  for (const auto& row : raw_->run("SELECT hex(substr(sid, 1, 1)) || ' ' || generation FROM sessions")) {
    content.generations[std::stoi(row.substr(0, 2), nullptr, 16)] = std::stoi(row.substr(3));
  }
  content.security_epoch = std::stoi(raw_->run("SELECT security_epoch FROM users").at(0));
  const auto shared = raw_->run(
      "SELECT (ended_at IS NULL AND security_epoch = (SELECT security_epoch FROM users)) || ' ' ||"
      " hex(coalesce(substr(idempotency_key, 1, 1), x'00')) FROM sessions WHERE substr(sid, 1, 1) = x'01'");
  content.is_live = shared.at(0)[0] == '1';
  content.key = std::stoi(shared.at(0).substr(2), nullptr, 16);
  const auto canonical = canonical_rows("sessions", content.clock) + canonical_rows("users", content.clock);
  return number_of(std::move(content), canonical);
}

StateId World::number_of(Content content, const std::string& canonical) {
  const auto [found, is_new] = numbers_.try_emplace(canonical, static_cast<StateId>(states_.size()));
  if (is_new) states_.push_back(std::move(content));
  return found->second;
}

void World::show(StateId id) {
  const Content& content = states_[static_cast<std::size_t>(id)];
  clock_.set(content.clock);
  std::string sql = "BEGIN IMMEDIATE; DELETE FROM sessions; DELETE FROM users;";
  for (const auto& row : content.users) sql += "INSERT INTO users VALUES" + row + ";";
  for (const auto& row : content.sessions) sql += "INSERT INTO sessions VALUES" + row + ";";
  if (plant_ == Plant::sliding_grace || plant_ == Plant::generation_by_seconds) {
    sql += "UPDATE planted_clock SET now = " + std::to_string(content.clock) + ";";
  }
  raw_->run(sql + "COMMIT");
}

std::size_t World::HashOfAsked::operator()(const Asked& asked) const {
  std::uint64_t hash = static_cast<std::uint64_t>(asked.from);
  for (const int part : {static_cast<int>(asked.operation.deed), asked.operation.session, asked.operation.generation,
                         asked.operation.key}) {
    hash = (hash ^ static_cast<std::uint64_t>(static_cast<std::uint32_t>(part))) * 0x9E37'79B9'7F4A'7C15U;
    hash ^= hash >> 29;
  }
  return hash;
}

std::pair<StateId, Answer> World::apply(StateId from, const Operation& operation) {
  const auto known = known_.find({from, operation});
  if (known != known_.end()) return known->second;
  show(from);
  if (++operations_done_ % restart_every == 0) {
    open();
    ++restarts_;
  }
  const Answer answer = carry_out(operation);
  const auto result = std::pair{here(), answer};
  known_.emplace(Asked{from, operation}, result);
  return result;
}

StateId World::move_clock(StateId from, Milliseconds by) {
  const Operation remembered{Deed::move_clock, 0, static_cast<int>(by.count()), 0};
  if (const auto known = known_.find({from, remembered}); known != known_.end()) return known->second.first;
  show(from);
  clock_.set(states_[static_cast<std::size_t>(from)].clock + by.count());
  const auto to = here();
  known_.emplace(Asked{from, remembered}, std::pair{to, Answer{}});
  return to;
}

StateId World::put_back(StateId from) {
  const auto clock = states_[static_cast<std::size_t>(from)].clock;
  show(initial());
  clock_.set(clock);
  return here();
}

StateId World::restored(StateId from) {
  const Operation remembered{Deed::restore};
  if (const auto known = known_.find({from, remembered}); known != known_.end()) return known->second.first;
  put_back(from);
  if (plant_ != Plant::restore_without_new_history)
    EXPECT_TRUE(Waiting{*store_}.begin_history("history-" + std::to_string(++histories_)).has_value());
  const auto to = here();
  known_.emplace(Asked{from, remembered}, std::pair{to, Answer{}});
  return to;
}

StateId World::changed(StateId from, int name, const std::string& sql) {
  const Operation remembered{Deed::rename, 0, name, 0};
  const auto known = known_.find({from, remembered});
  if (known != known_.end()) return known->second.first;
  show(from);
  raw_->run("UPDATE sessions SET " + sql + " WHERE substr(sid, 1, 1) = x'01'");
  const auto to = here();
  known_.emplace(Asked{from, remembered}, std::pair{to, Answer{}});
  return to;
}

StateId World::with(StateId from, int generation, int key) {
  static constexpr std::string_view digits = "0123456789ABCDEF";
  std::string blob = "NULL";
  if (key != 0) {
    blob = "x'";
    for (const auto byte : key_of(key)) {
      blob += digits[static_cast<std::size_t>(byte) >> 4];
      blob += digits[static_cast<std::size_t>(byte) & 15];
    }
    blob += "'";
  }
  return changed(from, generation * 100 + key,
                 "generation = " + std::to_string(generation) + ", idempotency_key = " + blob);
}

StateId World::with_ended_session(StateId from) {
  const auto clock = states_[static_cast<std::size_t>(from)].clock;
  const auto long_ago = std::to_string(clock - age_kept_.count());
  return changed(from, -1,
                 "generation = 3, idempotency_key = NULL, rotated_at = " + long_ago +
                     ", previous_rotated_at = " + long_ago + ", ended_at = " + long_ago + ", end_reason = 0");
}

int World::generation_in(StateId id, int session) const {
  const auto& all = states_[static_cast<std::size_t>(id)].generations;
  const auto found = all.find(session);
  return found == all.end() ? -1 : found->second;
}

Answer World::carry_out(const Operation& operation) {
  Waiting db{*store_};
  const auto done = [](bool was) { return Answer{was ? Answer::Kind::done : Answer::Kind::refused}; };
  switch (operation.deed) {
    case Deed::rotate: {
      auto request = rotation_of(operation.session, operation.generation, clock_.now());
      request.grace = grace;
      if (operation.key != 0) request.idempotency_key = key_of(operation.key);
      const auto rotation = db.rotate(request);
      if (!rotation) return {};
      return {kind_of(rotation->outcome), static_cast<int>(rotation->session.generation)};
    }
    case Deed::log_out: return done(db.end_session(sid_of(operation.session), store::EndReason::logout).has_value());
    case Deed::change_password: return done(db.change_password("usr_ada", "$new").value());
    case Deed::change_password_and_keep:
      return done(db.change_password("usr_ada", "$new", sid_of(operation.session)).value());
    case Deed::sign_in: {
      auto request = sign_in_of("ada", operation.session, clock_.now());
      request.security_epoch = operation.generation;
      return done(db.sign_in(request).value() == store::SignInOutcome::signed_in);
    }
    case Deed::move_clock:
    case Deed::rename:
    case Deed::restore: break;  // nothing that one asks a store for
  }
  std::unreachable();
}

}  // namespace jeton::model
