#include "session_fill.h"

#include "../measure.h"
#include "crypto/digest.h"
#include "issuer/completion.h"
#include "issuer/foundation.h"
#include "jose/base64url.h"
#include "oauth/refresh_token.h"
#include "store/sqlite/session_key.h"
#include "store/sqlite/sqlite_store.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <memory>
#include <vector>

namespace jeton::bench {
namespace {

constexpr std::size_t sessions_per_user = 2;  // a telephone and a computer

class WallClock final : public store::Clock {
 public:
  store::StoreTime now() const override {
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  }
};

// The handle of the n-th session: no secret here, only different each time.
oauth::Handle handle_of(std::int64_t number) {
  const auto digest = crypto::sha256("session " + std::to_string(number));
  oauth::Handle handle;
  std::copy_n(digest.begin(), handle.size(), handle.begin());
  return handle;
}

void sql_sid(sqlite3_context* context, int, sqlite3_value** values) {
  const auto sid = oauth::sid_of(handle_of(sqlite3_value_int64(values[0])));
  sqlite3_result_blob(context, sid.data(), static_cast<int>(sid.size()), SQLITE_TRANSIENT);
}

void sql_session_key(sqlite3_context* context, int, sqlite3_value** values) {
  sqlite3_result_int64(context, store::sqlite::session_key(oauth::sid_of(handle_of(sqlite3_value_int64(values[0])))));
}

class Database {
 public:
  explicit Database(const std::string& path) {
    expect(sqlite3_open(path.c_str(), &handle_) == SQLITE_OK, "the database cannot be opened");
    sqlite3_create_function_v2(handle_, "bench_sid", 1, SQLITE_UTF8, nullptr, &sql_sid, nullptr, nullptr, nullptr);
    sqlite3_create_function_v2(handle_, "bench_session_key", 1, SQLITE_UTF8, nullptr, &sql_session_key, nullptr,
                               nullptr, nullptr);
  }
  ~Database() { sqlite3_close(handle_); }
  Database(const Database&) = delete;

  std::vector<std::string> run(const std::string& sql) {
    std::vector<std::string> first_columns;
    char* message = nullptr;
    const auto each = [](void* to, int, char** values, char**) {
      static_cast<std::vector<std::string>*>(to)->emplace_back(values[0] == nullptr ? "" : values[0]);
      return 0;
    };
    if (sqlite3_exec(handle_, sql.c_str(), each, &first_columns, &message) != SQLITE_OK) give_up(message);
    return first_columns;
  }

 private:
  sqlite3* handle_ = nullptr;
};

// The columns of a table as they stand in this version of the schema, some replaced by an expression.
std::string columns_of(Database& db, const std::string& table,
                       const std::vector<std::pair<std::string, std::string>>& replaced) {
  std::string list;
  for (const auto& column : db.run("SELECT name FROM pragma_table_info('" + table + "')")) {
    const auto found = std::ranges::find(replaced, column, [](const auto& pair) { return pair.first; });
    list += (list.empty() ? "" : ", ") + (found == replaced.end() ? "t." + column : found->second);
  }
  return list;
}

void write_tokens(const std::string& data, std::size_t count, std::size_t tokens, const std::string& tokens_path) {
  std::ifstream key_file(data + "/master.key");
  std::string key_text;
  std::getline(key_file, key_text);
  const auto key = jose::base64url::decode(key_text);
  expect(key.has_value(), "the master key cannot be read");
  const WallClock clock;
  auto store = store::open_sqlite({.path = data + "/jeton.db", .clock = clock});
  expect(store.has_value(), "the store cannot be opened");
  const auto foundation = issuer::lay_foundation(**store, SecretBytes{*key}, {});
  expect(foundation.has_value(), "the foundation cannot be laid");
  const auto added = issuer::waited<store::ClientAddition>([&](auto done) {
    (*store)->clients().add_client({.id = std::string(service_id),
                                    .name = "a service",
                                    .is_public = false,
                                    .secret_hash = crypto::sha256(service_secret),
                                    .grants = "client_credentials",
                                    .scopes = "read write",
                                    .audiences = "api"},
                                   std::move(done));
  });
  expect(added == store::ClientAddition::added, "the service cannot be added");
  std::ofstream file(tokens_path, std::ios::trunc);
  for (std::size_t i = 0; i < tokens; ++i) {
    const auto number = static_cast<std::int64_t>(i * count / tokens);
    file << foundation->refresh_tokens.encode({foundation->refresh_key_id, handle_of(number), 0}) << '\n';
  }
  expect(file.flush().good(), "the tokens cannot be written");
}

}  // namespace

void fill_sessions(const std::string& data, std::size_t count, std::size_t tokens, const std::string& tokens_path) {
  {
    Database db(data + "/jeton.db");
    db.run("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA cache_size = -2000000");
    const auto numbers_below = [](std::size_t end) {
      return "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < " + std::to_string(end) +
             ") ";
    };
    const auto first_user = db.run("SELECT max(id) + 1 FROM users").at(0);
    db.run("BEGIN");
    db.run("INSERT INTO users " + numbers_below((count + sessions_per_user - 1) / sessions_per_user) + "SELECT " +
           columns_of(db, "users",
                      {{"id", "i + " + first_user},
                       {"sub", "'usr_' || substr(hex(bench_sid(-1 - i)), 1, 22)"},
                       {"email_key", "'user' || i || '@example.com'"}}) +
           " FROM n, (SELECT * FROM users LIMIT 1) AS t");
    const std::string user = "i / " + std::to_string(sessions_per_user) + " + " + first_user;
    db.run("INSERT INTO sessions " + numbers_below(count) + "SELECT " +
           columns_of(db, "sessions",
                      {{"id", "bench_session_key(i)"},
                       {"sid", "bench_sid(i)"},
                       {"user_id", user},
                       {"generation", "0"},
                       {"owner_sub", "(SELECT sub FROM users WHERE users.id = " + user + ")"}}) +
           " FROM n, (SELECT * FROM sessions WHERE ended_at IS NULL LIMIT 1) AS t");
    db.run("COMMIT");
    db.run("PRAGMA journal_mode = WAL");
  }
  write_tokens(data, count, tokens, tokens_path);
}

double bytes_per_session(const std::string& data) {
  Database db(data + "/jeton.db");
  const auto bytes = db.run(
      "SELECT sum(pageno) * (SELECT page_size FROM pragma_page_size) FROM dbstat WHERE aggregate = 1 AND name IN"
      " (SELECT name FROM sqlite_schema WHERE tbl_name = 'sessions')");
  return std::stod(bytes.at(0)) / std::stod(db.run("SELECT count(*) FROM sessions").at(0));
}

}  // namespace jeton::bench
