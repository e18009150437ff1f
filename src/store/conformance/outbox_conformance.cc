// Outbox: an event is kept in the transaction of its change, and is one node's to deliver at a time.
#include "store/conformance/harness.h"

#include <algorithm>
#include <set>

namespace jeton::store::conformance {
namespace {

using namespace std::chrono_literals;

// A registered user, and somebody who wants events.
void begin(Waiting db) {
  ASSERT_EQ(db.register_user(new_user("ada")), Registration::registered);
  ASSERT_TRUE(db.want_events(true));
}
void make_event(Waiting db) { ASSERT_EQ(db.change_password("usr_ada", "$argon2id$new"), true); }
std::vector<OutboxMessage> claim(Waiting db) { return db.claim(Channel::event, 10, 30s).value(); }

TEST_P(StoreConformance, ChangedPasswordIsAnEventThatTellsWhoAndWhen) {
  begin(db());
  make_event(db());
  const auto events = claim(db());
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].kind, "user.password_changed");
  EXPECT_EQ(events[0].sub, "usr_ada");
  EXPECT_EQ(events[0].created_at, now());
  EXPECT_EQ(events[0].attempts, 1);
  EXPECT_EQ(events[0].message_id.size(), 32U);
  EXPECT_TRUE(events[0].sealed.empty());
}

TEST_P(StoreConformance, DisablingAndReuseAreEventsOfTheOutbox) {
  begin(db());
  ASSERT_EQ(db().sign_in(sign_in_of("ada", 1, now())), SignInOutcome::signed_in);
  rotate_up_to(2);
  move_clock(1min);
  ASSERT_EQ(rotate_outcome(0), RotateOutcome::reused);
  ASSERT_EQ(db().set_disabled("usr_ada", true), true);
  ASSERT_EQ(db().set_disabled("usr_ada", true), true);  // it was so already: no second event
  const auto events = claim(db());
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[0].kind, "session.started");
  EXPECT_EQ(events[1].kind, "session.ended");
  EXPECT_EQ(events[1].sid, sid_of(1));
  EXPECT_EQ(events[1].detail, R"({"reason":"reuse"})");
  EXPECT_EQ(events[2].kind, "user.disabled");
}

TEST_P(StoreConformance, SignInIsAnEventThatTellsWhetherTheDeviceIsNew) {
  begin(db());
  for (const int sid : {1, 2}) ASSERT_EQ(db().sign_in(sign_in_of("ada", sid, now())), SignInOutcome::signed_in);
  auto elsewhere = sign_in_of("ada", 3, now());
  elsewhere.user_agent = "curl/8";
  ASSERT_EQ(db().sign_in(elsewhere), SignInOutcome::signed_in);
  const auto events = claim(db());
  ASSERT_EQ(events.size(), 3U);
  for (const auto& event : events) {
    EXPECT_EQ(event.kind, "session.started");
    EXPECT_EQ(event.detail, event.sid == sid_of(2) ? R"({"newDevice":false})" : R"({"newDevice":true})");
  }
}

TEST_P(StoreConformance, WithoutAListenerNoEventIsKept) {
  begin(db());
  ASSERT_TRUE(db().want_events(false));
  make_event(db());
  EXPECT_FALSE(db().next_due(Channel::event).value());
  EXPECT_EQ(db().outbox_counts(Channel::event).value().waiting, 0);
}

TEST_P(StoreConformance, RefusedChangeLeavesNoEventInTheOutbox) {
  begin(db());
  ASSERT_EQ(db().change_password("usr_nobody", "$argon2id$new"), false);
  EXPECT_TRUE(claim(db()).empty());
}

TEST_P(StoreConformance, ClaimedMessageIsNobodyElsesUntilTheLeaseHasEnded) {
  begin(db());
  auto other = subject_->open_another();
  make_event(db());
  EXPECT_EQ(db().next_due(Channel::event), now());
  const auto first = claim(db());
  ASSERT_EQ(first.size(), 1U);
  move_clock(30s - 1ms);
  EXPECT_TRUE(Waiting{*other}.claim(Channel::event, 10, 30s).value().empty());
  move_clock(1ms);
  const auto second = Waiting{*other}.claim(Channel::event, 10, 30s).value();
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(second[0].message_id, first[0].message_id) << "the same message, for the receiver to tell repeats";
  EXPECT_EQ(second[0].attempts, 2);
  EXPECT_EQ(db().delivered(first[0]), false) << "its claim has passed to another";
  EXPECT_EQ(db().put_off(first[0], 1s), false);
  EXPECT_EQ(db().delivered(second[0]), true);
  EXPECT_FALSE(db().next_due(Channel::event).value());
}

TEST_P(StoreConformance, PutOffMessageComesBackAndOldOnesAreGivenUp) {
  begin(db());
  make_event(db());
  ASSERT_EQ(db().put_off(claim(db()).at(0), 5min), true);
  EXPECT_EQ(db().next_due(Channel::event), now() + 5min);
  EXPECT_TRUE(claim(db()).empty());
  move_clock(5min);
  EXPECT_EQ(claim(db()).size(), 1U);
  EXPECT_EQ(db().give_up_older_than(Channel::event, 5min + 1ms), 0);
  EXPECT_EQ(db().give_up_older_than(Channel::mail, 1min), 0);
  EXPECT_EQ(db().give_up_older_than(Channel::event, 5min), 1);
  EXPECT_EQ(db().outbox_counts(Channel::event).value().waiting, 0);
}

TEST_P(StoreConformance, EventsOutliveARestart) {
  begin(db());
  make_event(db());
  subject_->restart();
  make_event(db());
  EXPECT_EQ(claim(db()).size(), 2U);
}

TEST_P(StoreConformance, ManyWhoClaimAtOnceGetEachMessageOnce) {
  begin(db());
  auto other = subject_->open_another();
  for (int i = 0; i < 40; ++i) make_event(db());
  std::vector<std::future<Result<std::vector<OutboxMessage>>>> claims;
  for (int i = 0; i < 20; ++i) {
    auto promise = std::make_shared<std::promise<Result<std::vector<OutboxMessage>>>>();
    claims.push_back(promise->get_future());
    (i % 2 == 0 ? subject_->store() : *other)
        .outbox()
        .claim(Channel::event, 3, 30s,
               [promise](Result<std::vector<OutboxMessage>> result) { promise->set_value(std::move(result)); });
  }
  std::multiset<std::string> seen;
  for (auto& one : claims) {
    for (const auto& message : one.get().value()) seen.insert(message.message_id);
  }
  EXPECT_EQ(seen.size(), 40U);
  EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), 40U);
}

}  // namespace
}  // namespace jeton::store::conformance
