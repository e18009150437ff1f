// guard_bench: what a decision costs once its token is in the cache. One JSON object a line.
//
//   guard/policy        one policy for all: a token, a scope
//   guard/route         the route found among 200 by host, path and method; the plan and a claim looked at
//   guard/route_query   the same where the query decides
//   guard/revocations   and nothing revokes it, among 100,000 entries
//   guard/limit         and a limit by the plan is charged
//   guard/pass          and two claims are passed on, of which one is longer than what a std::string holds by itself
//   guard/refused       a token that lacks the plan: the answer is written
//   guard/no_route      a path that nobody knows
//   guard/later         what an exchange that lasts costs a look: 10,000 of them, each asked about in turn
//   floor_ns is the cache's hit alone. allocs are calls of operator new, one decision.
#include "guard/feed/reader.h"
#include "measure.h"

#include <jeton/guard.h>
#include <jeton/path.h>
#include <jeton/signer.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jeton::bench {
namespace {

constexpr char issuer[] = "https://id.example.com";
constexpr std::int64_t start = 1'700'000'000;
constexpr UnixTime now = from_unix_seconds(start);
constexpr std::size_t tokens_count = 256;

const SigningKey& key() {
  static const SigningKey made = SigningKey::generate(Algorithm::es256);
  return made;
}

Verifier verifier() {
  return Verifier({.issuer = issuer,
                   .audience = AudienceRule::must_include("api"),
                   .keys = KeySet({key().verification_key()}),
                   .profile = Profile::jeton});
}

// Authorization headers of as many users.
std::vector<std::string> bearers(const std::string& plan, std::size_t count = tokens_count) {
  const Signer signer(key(), {.issuer = issuer, .audiences = {"api"}});
  std::vector<std::string> made;
  for (std::size_t i = 0; i < count; ++i) {
    const auto claims = Claims{"usr_0123456789abcdef" + std::to_string(i)}
                            .with("client_id", "app")
                            .with("sid", "AAAAAAAAAAAAAAAAAAAAAA")
                            .with("gen", 0)
                            .with("ver", 3)
                            .with("scope", "projects:read projects:write")
                            .with("roles", {"developer", "team_lead"})
                            .with("plan", plan)
                            .with("email", "dev@example.com");
    made.push_back("Bearer " + signer.sign(claims, now).value());
  }
  return made;
}

// 200 routes as an API has them, and the one that is met.
std::vector<Route> routes(const Policy& policy) {
  std::vector<Route> all;
  for (int i = 0; i < 199; ++i) {
    const std::string number = std::to_string(i % 20), group = std::to_string(i / 20);
    all.push_back({.name = "route " + std::to_string(i),
                   .match = {.hosts = {"api.example.com"},
                             .methods = {"GET", "POST"},
                             .path = "/v1/group" + group + "/things" + number + "/{id}/**"}});
  }
  all.push_back({.name = "stream",
                 .match = {.hosts = {"api.example.com"}, .methods = {"GET"}, .path = "/v1/tracks/{id}/stream"},
                 .policy = policy});
  all.push_back({.name = "high",
                 .match = {.hosts = {"api.example.com"},
                           .methods = {"GET"},
                           .path = "/v1/tracks/{id}/stream",
                           .query = {{"quality", {"high"}}}},
                 .policy = policy});
  return all;
}

Policy demanding() {
  return Policy{.audiences = {"api"},
                .scopes = {"projects:read"},
                .plans = {"family", "pro"},
                .conditions = {{{"ver"}, Condition::AtLeast{1}}}};
}

Loop deciding(const Guard& guard, const std::vector<std::string>& headers, bool is_allowed, std::string_view path,
              std::string_view query = {}) {
  return [&guard, &headers, is_allowed, path, query, next = std::size_t{0}](std::size_t times) mutable {
    static std::int64_t second = 0;  // time goes on from one figure to the next
    for (std::size_t i = 0; i < times; ++i) {
      const std::string_view authorization = headers[next];
      if (++next == headers.size()) next = 0;
      const Decision decision = guard.decide({.host = "api.example.com",
                                              .path = path,
                                              .query = query,
                                              .authorization = {&authorization, 1},
                                              .address = "192.0.2.7"},
                                             {now, std::chrono::seconds(++second)});
      expect((decision.allowed() != nullptr) == is_allowed, "a wrong decision");
    }
  };
}

void fill(RevocationTable& table) {
  feed::Proved proved{.replaces = true,
                      .begins_history = true,
                      .head = {.issuer = issuer, .epoch = "first", .time = start * 1000},
                      .entries = {},
                      .kids = {std::string(key().kid())}};
  for (std::uint64_t i = 1; i <= 100'000; ++i) {
    proved.entries.push_back(
        {.number = i,
         .revocation = {
             .kind = RevocationKind::subject, .subject = "usr_" + std::to_string(i), .expires_at = start + 3600}});
  }
  table.apply(issuer, proved, std::chrono::sys_time<std::chrono::milliseconds>(std::chrono::seconds(start)), {});
}

class Bench {
 public:
  void run() {
    const std::vector<std::string> pro = bearers("pro"), free = bearers("free");
    const Verifier verify = verifier();
    const Loop hit = [&, next = std::size_t{0}](std::size_t times) mutable {
      for (std::size_t i = 0; i < times; ++i) {
        expect(cache_.verify(verify, std::string_view(pro[next]).substr(7), now).has_value(), "a wrong verdict");
        if (++next == pro.size()) next = 0;
      }
    };
    const auto say = [&](const char* name, const Guard& guard, const std::vector<std::string>& headers, bool is_allowed,
                         std::string_view path, std::string_view query = {}) {
      const Loop work = deciding(guard, headers, is_allowed, path, query);
      work(2 * headers.size());  // into the cache
      std::printf("%s\n", line_of(name, measure(work, hit)).c_str());
      std::fflush(stdout);
    };
    constexpr std::string_view path = "/v1/tracks/7/stream";
    const Guard one(verify, Policy{.scopes = {"projects:read"}}, {.cache = &cache_});
    say("guard/policy", one, pro, true, path);
    const Guard routed(verify, Routes::build(routes(demanding())).value(), {.cache = &cache_});
    say("guard/route", routed, pro, true, path);
    say("guard/route_query", routed, pro, true, path, "a=1&quality=high");
    fill(revocations_);
    const Guard revoking(verify, routed.routes(), {.cache = &cache_, .revocations = &revocations_});
    say("guard/revocations", revoking, pro, true, path);
    Policy limited = demanding();
    limited.limits = {{.name = "stream",
                       .allowance = PlanRates{{{"free", Rate::per(std::chrono::seconds(60), 600).value()},
                                               {"pro", Rate::per(std::chrono::seconds(60), 6'000).value()}}}}};
    const Guard limiting(verify, Routes::build(routes(limited)).value(),
                         {.cache = &cache_, .revocations = &revocations_, .limiter = &limiter_});
    say("guard/limit", limiting, pro, true, path);
    limited.pass = {{{"sub"}, *HeaderName::of("X-Auth-User")}, {{"plan"}, *HeaderName::of("X-Auth-Plan")}};
    const Guard passing(verify, Routes::build(routes(limited)).value(),
                        {.cache = &cache_, .revocations = &revocations_, .limiter = &limiter_});
    say("guard/pass", passing, pro, true, path);
    say("guard/refused", routed, free, false, path);
    say("guard/no_route", routed, pro, false, "/v1/nobody/knows");
    look_again(verify, revoking, hit);
  }

  // Too many tokens for the nearer caches, as they are after a quarter of a second of other work.
  void look_again(const Verifier& verify, const Guard& guard, const Loop& hit) {
    std::vector<VerifiedToken> tokens;
    for (const std::string& bearer : bearers("pro", 10'000))
      tokens.push_back(verify.verify(std::string_view(bearer).substr(7), now).value());
    const Route& route = guard.routes().all().back();
    const Loop work = [&, next = std::size_t{0}](std::size_t times) mutable {
      for (std::size_t i = 0; i < times; ++i) {
        expect(!guard.objection_later(tokens[next], route, now).has_value(), "a wrong objection");
        if (++next == tokens.size()) next = 0;
      }
    };
    std::printf("%s\n", line_of("guard/later", measure(work, hit)).c_str());
  }

 private:
  TokenCache cache_;
  RevocationTable revocations_{{.issuers = {{issuer}}}};
  RateLimiter limiter_;
};

}  // namespace
}  // namespace jeton::bench

int main() {
  jeton::bench::stay_on_this_core();
  jeton::bench::Bench().run();
}
