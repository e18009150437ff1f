#include "cli/session_story.h"

#include <gtest/gtest.h>

namespace jeton::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const store::StoreTime start{milliseconds(1'700'000'000'000)};

store::SessionStory story() {
  store::SessionStory told;
  told.session.emplace();
  told.session->generation = 41;
  told.session->user_agent = "Chrome/126;Linux";
  told.session->first_address = told.session->address = "192.0.2.7";
  told.session->auth_time = start;
  told.session->rotated_at = start + seconds(60);
  told.session->repeats = 2;
  told.session->repeated_at = start + seconds(61);
  told.session->idle_expires_at = start + seconds(1000);
  told.live = true;
  told.events.push_back({start, "signed_in", "first-party"});
  return told;
}

std::vector<std::string> lines(const store::SessionStory& told, std::size_t others = 3) {
  std::vector<std::string> all;
  const auto place = [](const std::string& address) { return address == "192.0.2.7" ? "Utrecht, NL" : ""; };
  for (const StoryLine& line : tell_story(told, others, place)) all.push_back(line.what + ": " + line.text);
  return all;
}

TEST(SessionStory, IsToldInOrder) {
  auto told = story();
  told.events.push_back({start + seconds(90), "refresh_token_reused",
                         R"({"presented":0,"stored":41,"address":"203.0.113.9","agent":"curl/8"})"});
  told.live = false;
  told.session->ended_at = start + seconds(90);
  told.session->end_reason = store::EndReason::reuse;
  EXPECT_EQ(lines(told),
            (std::vector<std::string>{
                "signed in: 192.0.2.7 (Utrecht, NL), by first-party",
                "generation 41: Chrome on Linux, 192.0.2.7 (Utrecht, NL)",
                "generation 41: repeated 2 times, this the last: same answer",
                "generation 0: from 203.0.113.9, curl: 41 behind, reuse. Session ended, 3 others untouched",
            }));
  EXPECT_EQ(standing(told), "ended 2023-11-14 22:14:50 UTC, because its refresh token was reused");
}

TEST(SessionStory, SaysWhatSuspicionDid) {
  auto told = story();
  told.events.push_back({start + seconds(70), "session_suspected",
                         R"({"score":80,"signs":"agent, network","action":"login","address":"203.0.113.9"})"});
  EXPECT_EQ(lines(told).back(),
            "suspected: from 203.0.113.9, an unknown device: score 80 (agent, network), refused and told to sign in");
  EXPECT_EQ(standing(told), "live, until 2023-11-14 22:30:00 UTC if it is not refreshed");
}

TEST(SessionStory, OneThatIsForgottenHasWhatTheAuditHas) {
  store::SessionStory told;
  told.events = {{start, "signed_in", "first-party"}, {start + seconds(5), "session_ended", "logout"}};
  EXPECT_EQ(lines(told, 0), (std::vector<std::string>{"signed in: by first-party", "ended: logout"}));
  EXPECT_EQ(standing(told), "forgotten: its row is gone, long after it ended");
}

TEST(SessionStory, DetailsThatAreNoneDoNotBreakIt) {
  auto told = story();
  for (const char* kind : {"refresh_token_reused", "session_suspected", "store_went_back", "something_new"})
    told.events.push_back({start + seconds(200), kind, "{]"});
  EXPECT_EQ(lines(told).size(), 7U);
}

}  // namespace
}  // namespace jeton::cli
