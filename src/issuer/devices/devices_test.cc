#include "issuer/devices/devices.h"

#include "issuer/running_issuer.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace jeton::issuer::testing {
namespace {

constexpr std::string_view chrome =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";
constexpr std::string_view safari =
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 "
    "Mobile/15E148 Safari/604.1";
constexpr std::string_view revoked = R"({"error":"Token revoked"})";
constexpr std::string_view not_found = R"({"error":"Not found"})";

// A device of a user: how it presents itself, and the answer it got last.
struct Device {
  std::string agent{chrome}, address{"192.0.2.7"}, fingerprint{};
  HttpAnswer last{};

  HeaderList headers() const {
    HeaderList list{{"User-Agent", agent}, {"X-Forwarded-For", address}};
    if (!fingerprint.empty()) list.emplace_back("X-Jeton-Fingerprint", fingerprint);
    return list;
  }
  HeaderList authorized() const {
    HeaderList list = headers();
    list.emplace_back("Authorization", "Bearer " + last.text("accessToken"));
    return list;
  }
};

class Devices : public ::testing::Test {
 protected:
  // Behind a proxy on this machine, which says where a request comes from.
  static RunningOptions options(const TemporaryDirectory& directory) {
    const std::string places = directory.file("places.mmdb");
    EXPECT_EQ(std::system(("python3 tests/places/make_places.py " + places).c_str()), 0);
    return {.database = directory.file("jeton.db"),
            .trusted_proxies = http::TrustedProxies({*http::parse_address_range("127.0.0.1")}),
            .places = platform::PlaceFile::open(places).value()};
  }
  Devices() : running_(clock_, options(directory_)) {
    running_.register_user(email, password);
    running_.register_user("other@example.com", password);
  }
  void log_in(Device& device, std::string_view address = email) const {
    Value body = Value::object();
    body.set("email", address);
    body.set("password", password);
    device.last = running_.post("/api/auth/login", body, device.headers());
  }
  const HttpAnswer& refresh(Device& device, const std::string& token) const {
    return device.last =
               running_.post("/api/auth/refresh", Value::object().set("refreshToken", token), device.headers());
  }
  HttpAnswer list(const Device& device) const { return running_.get("/api/auth/sessions", device.authorized()); }
  HttpAnswer end(const Device& device, std::string_view sid) const {
    return exchange(running_.port(), "DELETE", "/api/auth/sessions/" + std::string(sid), device.authorized());
  }
  std::string sid(const Device& device) const {
    return *running_.claims_of(device.last.text("accessToken")).find("sid")->if_string();
  }
  void set_rules(const std::function<void(Rules&)>& change) {
    Rules rules = *running_.issuer().rules();
    change(rules);
    running_.issuer().replace_rules(rules);
  }

  TemporaryDirectory directory_;
  MovedClock clock_;
  RunningIssuer running_;
};

TEST_F(Devices, OnesOwnSessionsAreListedWithDeviceAddressesAndPlace) {
  Device laptop, phone{.agent = std::string(safari), .address = "203.0.113.9"}, stranger;
  log_in(laptop);
  log_in(stranger, "other@example.com");
  clock_.move(std::chrono::seconds(60));
  log_in(phone);
  const HttpAnswer answer = list(phone);
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.header("cache-control"), "no-store");
  const Value json = answer.json();
  const Value::Array& sessions = *json.find("sessions")->if_array();
  ASSERT_EQ(sessions.size(), 2U) << answer.body;
  EXPECT_EQ(*sessions[0].find("sid"), Value(sid(phone)));
  EXPECT_EQ(*sessions[0].find("current"), Value(true));
  EXPECT_EQ(sessions[0].find("device")->to_json(),
            R"({"name":"Safari on iOS","client":"Safari","version":"17","platform":"iOS"})");
  EXPECT_EQ(*sessions[0].find("place"), Value("BR"));
  EXPECT_EQ(*sessions[1].find("current"), Value(false));
  EXPECT_EQ(*sessions[1].find("place"), Value("Utrecht, NL"));
  EXPECT_EQ(*sessions[1].find("firstSeen"), Value(1'700'000'000));
  EXPECT_EQ(*sessions[1].find("lastAddress"), Value("192.0.2.7"));
}

TEST_F(Devices, FirstAndLastSeenFollowTheRefreshes) {
  Device laptop;
  log_in(laptop);
  clock_.move(std::chrono::seconds(100));
  laptop.address = "198.51.100.4";
  ASSERT_EQ(refresh(laptop, laptop.last.text("refreshToken")).status, 200);
  const Value json = list(laptop).json();
  const Value& one = json.find("sessions")->if_array()->front();
  EXPECT_EQ(*one.find("firstSeen"), Value(1'700'000'000));
  EXPECT_EQ(*one.find("lastSeen"), Value(1'700'000'100));
  EXPECT_EQ(*one.find("firstAddress"), Value("192.0.2.7"));
  EXPECT_EQ(*one.find("lastAddress"), Value("198.51.100.4"));
}

TEST_F(Devices, ASessionThatIsEndedFromAnotherDeviceIsRevokedAtOnce) {
  Device laptop, phone;
  log_in(laptop);
  log_in(phone);
  EXPECT_EQ(end(laptop, sid(phone)).status, 204);
  EXPECT_EQ(running_.me(phone.last.text("accessToken")).body, revoked);
  EXPECT_EQ(list(phone).status, 401);
  EXPECT_EQ(list(phone).body, revoked);
  EXPECT_EQ(running_.refresh(phone.last.text("refreshToken")).status, 401);
  EXPECT_EQ(running_.me(laptop.last.text("accessToken")).status, 200);
  EXPECT_EQ(end(laptop, sid(phone)).body, not_found) << "it has ended already";
  EXPECT_EQ(end(laptop, sid(laptop)).status, 204) << "one's own, as a logout";
  EXPECT_EQ(list(laptop).body, revoked);
}

TEST_F(Devices, SomebodyElsesSessionIsUnknown) {
  Device mine, theirs;
  log_in(mine);
  log_in(theirs, "other@example.com");
  const HttpAnswer foreign = end(mine, sid(theirs));
  for (const std::string& unknown :
       {std::string(22, 'A'), std::string("x"), std::string(500, 'A'), sid(theirs) + "A"}) {
    const HttpAnswer answer = end(mine, unknown);
    EXPECT_EQ(answer.status, foreign.status) << unknown;
    EXPECT_EQ(answer.body, foreign.body);
  }
  EXPECT_EQ(foreign.status, 404);
  EXPECT_EQ(foreign.body, not_found);
  EXPECT_EQ(list(theirs).status, 200);
}

TEST_F(Devices, AllOthersEndAndThisOneGoesOn) {
  Device mine, second, third, theirs;
  for (Device* device : {&mine, &second, &third}) log_in(*device);
  log_in(theirs, "other@example.com");
  const HttpAnswer answer = exchange(running_.port(), "POST", "/api/auth/sessions/revoke-others", mine.authorized());
  EXPECT_EQ(answer.body, R"({"ended":2})");
  EXPECT_EQ(list(second).body, revoked);
  EXPECT_EQ(list(third).body, revoked);
  EXPECT_EQ(list(mine).status, 200);
  EXPECT_EQ(list(theirs).status, 200);
  EXPECT_EQ(refresh(mine, mine.last.text("refreshToken")).status, 200);
}

// mission row 19: refresh tokens carry device fingerprint and addresses; on suspicion exactly that one is revoked.
TEST_F(Devices, AStolenTokenEndsThatSessionAndNoOther) {
  Device laptop{.fingerprint = "fp-1"}, phone{.agent = std::string(safari), .fingerprint = "fp-2"};
  log_in(laptop);
  log_in(phone);
  Device thief{.agent = "curl/8.5.0", .address = "203.0.113.9", .fingerprint = "fp-3"};
  const HttpAnswer answer = refresh(thief, laptop.last.text("refreshToken"));
  EXPECT_EQ(answer.status, 401);
  EXPECT_EQ(answer.body, R"({"error":"Invalid refresh token"})");
  EXPECT_EQ(running_.me(laptop.last.text("accessToken")).body, revoked);
  EXPECT_EQ(running_.me(phone.last.text("accessToken")).status, 200);
  EXPECT_EQ(refresh(phone, phone.last.text("refreshToken")).status, 200);
  EXPECT_EQ(running_.metric("jeton_refreshes_total{outcome=\"suspected\"}"), "1");
  EXPECT_EQ(running_.metric("jeton_suspicions_total"), "1");
}

TEST_F(Devices, AnUnlikeDeviceMustSignInAndItsOwnerIsToldToRefresh) {
  Device laptop;
  log_in(laptop);
  Device thief{.agent = "curl/8.5.0", .address = "203.0.113.9"};
  EXPECT_EQ(refresh(thief, laptop.last.text("refreshToken")).body,
            R"({"error":"Invalid refresh token","reason":"login_required"})");
  EXPECT_EQ(running_.me(laptop.last.text("accessToken")).body, R"({"error":"Token expired","reason":"stale_claims"})")
      << "the thief may have had one too";
  ASSERT_EQ(refresh(laptop, laptop.last.text("refreshToken")).status, 200);
  EXPECT_EQ(running_.me(laptop.last.text("accessToken")).status, 200);
}

TEST_F(Devices, HonestPeopleUpdateTravelAndOpenTabs) {
  Device laptop{.fingerprint = "fp-1"};
  log_in(laptop);
  const std::string first = laptop.last.text("refreshToken");
  laptop.agent.replace(laptop.agent.find("126"), 3, "127");
  ASSERT_EQ(refresh(laptop, first).status, 200);
  ASSERT_EQ(refresh(laptop, first).status, 200) << "another tab";
  laptop.address = "203.0.113.9";
  ASSERT_EQ(refresh(laptop, laptop.last.text("refreshToken")).status, 200);
  EXPECT_EQ(running_.metric("jeton_suspicions_total"), "0");
}

TEST_F(Devices, ThresholdsAreTheOperators) {
  Device laptop;
  log_in(laptop);
  Device other{.agent = "curl/8.5.0", .address = "203.0.113.9"};
  set_rules([](Rules& rules) { rules.suspicion = {}; });
  ASSERT_EQ(refresh(other, laptop.last.text("refreshToken")).status, 200);
  set_rules([](Rules& rules) { rules.suspicion = {.end = 10}; });
  Device back;
  back.address = "198.51.100.1";
  EXPECT_EQ(refresh(back, other.last.text("refreshToken")).status, 401);
  EXPECT_EQ(running_.metric("jeton_refreshes_total{outcome=\"suspected\"}"), "1");
}

TEST_F(Devices, AFingerprintIsKeptAsAKeyedHashAndRefusedIfItIsNone) {
  for (const std::string& bad : {std::string(), std::string(257, 'a'), std::string("a b"), std::string("\xC3\xA9")}) {
    Device device;
    Value body = Value::object();
    body.set("email", email);
    body.set("password", password);
    HeaderList headers{{"X-Jeton-Fingerprint", bad}};
    EXPECT_EQ(running_.post("/api/auth/login", body, headers).status, 400) << bad;
  }
  Device twice{.fingerprint = "a"};
  log_in(twice);
  HeaderList headers = twice.headers();
  headers.emplace_back("X-Jeton-Fingerprint", "a");
  const Value body = Value::object().set("refreshToken", twice.last.text("refreshToken"));
  EXPECT_EQ(running_.post("/api/auth/refresh", body, headers).status, 400);
  EXPECT_EQ(refresh(twice, twice.last.text("refreshToken")).status, 200);
}

TEST_F(Devices, TheCapIsThatOfThePlan) {
  set_rules([](Rules& rules) {
    rules.sessions_max = 5;
    rules.sessions_max_by_plan = {{"free", 2}};
  });
  Device first, second, third;
  log_in(first);
  clock_.move(std::chrono::seconds(1));
  log_in(second);
  clock_.move(std::chrono::seconds(1));
  log_in(third);
  EXPECT_EQ(list(first).body, revoked) << "the oldest goes";
  EXPECT_EQ(list(second).status, 200);
  set_rules([](Rules& rules) { rules.at_cap = store::AtCap::new_is_refused; });
  Device fourth;
  log_in(fourth);
  EXPECT_EQ(fourth.last.status, 409);
  EXPECT_EQ(fourth.last.body, R"({"error":"Too many sessions"})");
  EXPECT_EQ(sessions_max_of(*running_.issuer().rules(), R"({"plan":"pro"})"), 5U);
  EXPECT_EQ(sessions_max_of(*running_.issuer().rules(), "{}"), 5U);
}

// Two servers on one database and many logins at once: never more sessions than the cap.
TEST_F(Devices, TheCapHoldsWhenTwoProcessesSignInAtOnce) {
  RunningOptions same{.database = directory_.file("jeton.db")};
  RunningIssuer second(clock_, std::move(same));
  ASSERT_TRUE(second.is_running()) << second.fault();
  for (RunningIssuer* one : {&running_, &second}) {
    Rules rules = *one->issuer().rules();
    rules.sessions_max = 3;
    one->issuer().replace_rules(rules);
  }
  std::vector<std::thread> people;
  for (int i = 0; i < 8; ++i) {
    people.emplace_back([&, i] {
      for (int n = 0; n < 3; ++n) EXPECT_EQ((i % 2 == 0 ? running_ : second).login(email, password).status, 200);
    });
  }
  for (std::thread& one : people) one.join();
  Device last;
  log_in(last);
  const Value json = list(last).json();
  EXPECT_EQ(json.find("sessions")->if_array()->size(), 3U);
}

}  // namespace
}  // namespace jeton::issuer::testing
