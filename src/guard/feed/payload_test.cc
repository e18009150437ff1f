// What a signed payload or an entry must hold, member by member and field by field: each absent, of another type, or
// impossible.
#include "guard/feed/entry.h"
#include "guard/feed/head.h"
#include "jose/base64url.h"

#include <jeton/value.h>

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <string_view>

namespace jeton::feed {
namespace {

Snapshot good_snapshot() {
  return {.head = {"https://as.example", "first", 7, {std::byte{1}}, 1'700'000'000'000},
          .digest = {std::byte{2}},
          .entries = 5,
          .kids = {"a", "b"}};
}

// The payload with one member replaced, or left out where `json` is empty.
std::string with(std::string_view payload, std::string_view name, std::string_view json) {
  const Value good = Value::parse(payload).value();
  Value changed = Value::object();
  for (const auto& member : *good.if_object()) {
    if (member.name != name) {
      changed.set(member.name, member.value);
    } else if (!json.empty()) {
      changed.set(member.name, Value::parse(json).value());
    }
  }
  return changed.to_json();
}

struct Wrong {
  std::string_view name;
  std::initializer_list<std::string_view> values;
};

const std::initializer_list<Wrong> wrong_in_a_head{
    {"iss", {"", "7", "null", "\"\"", R"(["https://as.example"])"}},
    {"epoch", {"", "7", "null", "\"\""}},
    {"n", {"", "\"7\"", "null", "-1", "7.5"}},
    {"h", {"", "7", "null", "\"\"", "\"AAAA\"", R"("AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB")"}},
    {"t", {"", "\"0\"", "null", "-1", "[]"}}};

TEST(FeedPayload, OfAHeadMustHoldEachMemberAsItIs) {
  const std::string good = payload_of(good_snapshot().head);
  ASSERT_TRUE(parse_head(good));
  ASSERT_EQ(with(good, "n", "7"), good);
  for (const auto& [name, values] : wrong_in_a_head) {
    for (const std::string_view json : values) EXPECT_FALSE(parse_head(with(good, name, json))) << name << " " << json;
  }
  EXPECT_FALSE(parse_head("no JSON"));
}

TEST(FeedPayload, OfASnapshotMustHoldEachMemberAsItIs) {
  const std::string good = payload_of(good_snapshot());
  ASSERT_EQ(parse_snapshot(good), good_snapshot());
  const auto refuses = [&](std::string_view name, std::string_view json) {
    EXPECT_FALSE(parse_snapshot(with(good, name, json))) << name << " " << json;
  };
  for (const auto& [name, values] : wrong_in_a_head) {
    for (const std::string_view json : values) refuses(name, json);
  }
  for (const std::string_view json : {"", "7", "\"AAAA\""}) refuses("digest", json);
  for (const std::string_view json : {"", "\"5\"", "-1"}) refuses("entries", json);
  for (const std::string_view json : {"", "\"a\"", "{}", "[7]", "[\"\"]", "[null]"}) refuses("kids", json);
  EXPECT_FALSE(parse_snapshot("no JSON"));
  EXPECT_FALSE(parse_snapshot(' ' + good));
  EXPECT_FALSE(parse_snapshot(payload_of(good_snapshot().head)));

  Snapshot many = good_snapshot();
  many.kids.assign(snapshot_kids_max, "k");
  EXPECT_TRUE(parse_snapshot(payload_of(many)));
  many.kids.push_back("k");
  EXPECT_FALSE(parse_snapshot(payload_of(many)));
}

TEST(FeedPayload, OfAnotherHeadIsAnotherInEachMember) {
  const Snapshot one = good_snapshot();
  Snapshot other = one;
  const auto differs = [&] {
    const bool is_another = other != one && parse_snapshot(payload_of(other)) == other;
    other = one;
    return is_another;
  };
  other.head.issuer += 'x';
  EXPECT_TRUE(differs());
  other.head.epoch = "second";
  EXPECT_TRUE(differs());
  ++other.head.number;
  EXPECT_TRUE(differs());
  other.head.hash.back() = std::byte{1};
  EXPECT_TRUE(differs());
  ++other.head.time;
  EXPECT_TRUE(differs());
  other.digest.back() = std::byte{1};
  EXPECT_TRUE(differs());
  ++other.entries;
  EXPECT_TRUE(differs());
  other.kids.pop_back();
  EXPECT_TRUE(differs());
}

// Bytes 10 to 17 hold expires_at, 18 whether there is a least, 19 to 26 that, 27 and 28 the length of the subject.
TEST(FeedEntry, FieldsThatCannotBeAreRefused) {
  const Revocation revocation{.subject = "jti", .expires_at = 1'700'000'900};
  const std::string good = canonical_bytes(7, revocation);
  const auto reads = [](const std::string& bytes) { return parse_entry(jose::base64url::encode(bytes)).has_value(); };
  ASSERT_TRUE(reads(good));
  const auto with_byte = [&](std::size_t at, char byte) {
    std::string bytes = good;
    bytes[at] = byte;
    return bytes;
  };
  EXPECT_FALSE(reads(with_byte(10, '\x80')));  // an end beyond 63 bits
  EXPECT_FALSE(reads(with_byte(18, '\1')));    // a least where a token can have none
  EXPECT_FALSE(reads(with_byte(18, '\2')));    // neither yes nor no
  EXPECT_FALSE(reads(with_byte(26, '\1')));    // a least that is said not to be there
  EXPECT_FALSE(reads(with_byte(19, '\x80')));  // one beyond 63 bits
  EXPECT_FALSE(reads(with_byte(28, '\2')));    // another length than the subject's
  EXPECT_FALSE(reads(with_byte(28, '\4')));
  EXPECT_FALSE(reads(good.substr(0, 28)));
  EXPECT_FALSE(parse_entry(jose::base64url::encode(good)) == (Entry{8, revocation}));
  EXPECT_FALSE(parse_entry(jose::base64url::encode(good)) == (Entry{7, {.subject = "other"}}));
}

}  // namespace
}  // namespace jeton::feed
