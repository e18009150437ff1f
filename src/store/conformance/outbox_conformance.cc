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

// What the outbox has told of ends since it was asked last: "sid reason", in order.
std::vector<std::string> ends_told(Waiting db) {
  std::vector<std::string> told;
  for (const auto& event : db.claim(Channel::event, 100, 30s).value()) {
    if (event.kind == "session.started") continue;
    told.push_back(event.kind);
    if (!event.sid) continue;
    for (int sid = 0; sid < 20; ++sid) {
      if (event.sid == sid_of(sid)) told.back() = std::to_string(sid) + " " + event.detail;
    }
    EXPECT_EQ(event.sub, "usr_ada");
  }
  return told;
}
std::string end_of(int sid, const std::string& reason) {
  return std::to_string(sid) + R"( {"reason":")" + reason + R"("})";
}
using Told = std::vector<std::string>;

TEST_P(StoreConformance, EveryEndOfOneSessionIsAnEvent) {
  begin(db());
  for (int sid = 1; sid <= 7; ++sid) {
    ASSERT_EQ(db().sign_in(sign_in_of("ada", sid, now())), SignInOutcome::signed_in);
    move_clock(1s);
  }
  EXPECT_EQ(db().end_session(sid_of(1), EndReason::logout), true);
  EXPECT_EQ(db().end_session(sid_of(1), EndReason::logout), false);  // it had ended: no second event
  EXPECT_EQ(ends_told(db()), Told{end_of(1, "logout")});
  EXPECT_EQ(db().end_own_session("usr_ada", sid_of(2), EndReason::revoked), true);
  EXPECT_EQ(db().end_own_session("usr_eve", sid_of(3), EndReason::revoked), false);
  EXPECT_EQ(ends_told(db()), Told{end_of(2, "revoked")});
  auto eighth = sign_in_of("ada", 8, now());
  eighth.sessions_max = 4;
  ASSERT_EQ(db().sign_in(eighth), SignInOutcome::signed_in);
  EXPECT_EQ(ends_told(db()), (Told{end_of(3, "session_cap"), end_of(4, "session_cap")}));
  EXPECT_EQ(db().end_other_sessions("usr_ada", sid_of(5), EndReason::revoked), 3);
  EXPECT_EQ(ends_told(db()), (Told{end_of(6, "revoked"), end_of(7, "revoked"), end_of(8, "revoked")}));
  auto ahead = rotation_of(5, 7, now());
  EXPECT_EQ(db().rotate(ahead).value().outcome, RotateOutcome::went_back);
  EXPECT_EQ(ends_told(db()), Told{end_of(5, "store_went_back")});
}

TEST_P(StoreConformance, WhateverEndsAllSessionsOfAUserIsAnEventForEach) {
  begin(db());
  const auto sign_in = [&](std::initializer_list<int> sids) {
    for (const int sid : sids) {
      auto request = sign_in_of("ada", sid, now());
      request.security_epoch = ada().security_epoch;
      ASSERT_EQ(db().sign_in(request), SignInOutcome::signed_in);
    }
  };
  const auto sorted = [&] {
    auto told = ends_told(db());
    std::ranges::sort(told);
    return told;
  };
  sign_in({1, 2});
  EXPECT_EQ(db().end_all_sessions("usr_ada", EndReason::revoked), 2);
  EXPECT_EQ(sorted(), (Told{end_of(1, "revoked"), end_of(2, "revoked")}));
  sign_in({3, 4});
  ASSERT_EQ(db().change_password("usr_ada", "$argon2id$1", sid_of(4)), true);
  EXPECT_EQ(sorted(), (Told{end_of(3, "password_changed"), "user.password_changed"}));
  ASSERT_EQ(db().change_password("usr_ada", "$argon2id$2"), true);
  EXPECT_EQ(sorted(), (Told{end_of(4, "password_changed"), "user.password_changed"}));
  sign_in({5, 6});
  ASSERT_EQ(db().set_disabled("usr_ada", true), true);
  EXPECT_EQ(sorted(), (Told{end_of(5, "user_disabled"), end_of(6, "user_disabled"), "user.disabled"}));
  ASSERT_EQ(db().set_disabled("usr_ada", false), true);
  sign_in({7});
  ASSERT_EQ(db().end_session(sid_of(7), EndReason::logout), true);
  sign_in({8, 9});
  ASSERT_EQ(db().erase_user("usr_ada"), true);
  EXPECT_EQ(sorted(), (Told{end_of(8, "user_erased"), end_of(9, "user_erased"), "user.erased"}))
      << "what waited before is forgotten with the user";
}

TEST_P(StoreConformance, RestoredStoreIsOneEventForAllItsSessions) {
  begin(db());
  for (const int sid : {1, 2}) ASSERT_EQ(db().sign_in(sign_in_of("ada", sid, now())), SignInOutcome::signed_in);
  ASSERT_TRUE(db().begin_history("another").has_value());
  EXPECT_EQ(ends_told(db()), Told{"store.restored"});
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
