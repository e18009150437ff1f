// A destroyed private key is in no byte of the database, its log or its free room, sealed as it was.
#include "store/conformance/harness.h"
#include "store/sqlite/raw_database.h"
#include "store/sqlite/sqlite_store.h"
#include "store/sqlite/test_folder.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace jeton::store::sqlite {
namespace {

using conformance::Waiting;

// As long as a sealed RSA key: more than a page keeps in one piece.
std::vector<std::byte> long_secret() {
  std::vector<std::byte> bytes;
  while (bytes.size() < 6000) {
    for (const char c : std::string("sealed private part ")) bytes.push_back(static_cast<std::byte>(c));
  }
  return bytes;
}

bool is_anywhere(const TestFolder& folder) {
  for (const auto& [name, content] : contents_of(folder.path())) {
    if (content.find("sealed private part") != std::string::npos) return true;
  }
  return false;
}

StoredKey key(const std::string& kid, KeyState state) {
  return {.kid = kid, .algorithm = "RS256", .state = state, .public_jwk = "{}", .sealed = long_secret()};
}

TEST(KeyErasure, RetiredPrivatePartIsInNoFile) {
  TestFolder folder;
  StandingClock clock;
  auto store = open_sqlite({.path = folder.database(), .clock = clock}).value();
  Waiting db{*store};
  ASSERT_EQ(db.advance_keys(0, {AddKey{key("old", KeyState::active)}}), KeyChange::done);
  EXPECT_TRUE(is_anywhere(folder)) << "the test sees what it looks for";
  auto next = key("new", KeyState::pending);
  next.sealed = {std::byte{1}};
  ASSERT_EQ(db.advance_keys(1, {AddKey{next}, MatureKey{"new"}, ActivateKey{"new"}, RetireKey{"old"}}),
            KeyChange::done);
  ASSERT_TRUE(db.check().has_value());
  ASSERT_TRUE(db.read_keys().has_value());  // served after the commit before it was tended to the end
  EXPECT_FALSE(is_anywhere(folder));
}

TEST(KeyErasure, RevokedPrivatePartIsInNoFile) {
  TestFolder folder;
  StandingClock clock;
  auto store = open_sqlite({.path = folder.database(), .clock = clock}).value();
  Waiting db{*store};
  ASSERT_EQ(db.advance_keys(0, {AddKey{key("old", KeyState::active)}}), KeyChange::done);
  ASSERT_EQ(db.revoke_key("old"), KeyChange::no_standby);
  ASSERT_TRUE(db.read_keys().has_value());
  EXPECT_FALSE(is_anywhere(folder));
}

}  // namespace
}  // namespace jeton::store::sqlite
