// limits_bench: what a limit costs. One JSON object a line.
//
//   limits/resolve        charge_for(): the rate by plan, the caller by sub
//   limits/charge         one rate, one caller
//   limits/charge_3       a rate, a day's quota and a concurrent place, given back
//   limits/both           charge_for() and charge(), as the guard does
//   limits/N/charge       one rate, N callers in an order that no cache foresees; floor_ns: the charge read there too,
//                         and one line of a table of that size read and written
//   limits/shared/charge  as limits/charge, noted for other gateways
//   limits/forged         FailureBudget::refuse() and count_failure() for one address
//   limits/fields         both header fields written for one rate
#include "guard/limits/exchange.h"
#include "measure.h"

#include <jeton/failure_budget.h>
#include <jeton/jws.h>
#include <jeton/rate_limit.h>
#include <jeton/verifier.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

namespace jeton::bench {
namespace {

using std::chrono::nanoseconds;

constexpr UnixTime wall = from_unix_seconds(1'700'000'000);

VerifiedToken token() {
  const SigningKey key = SigningKey::generate(Algorithm::hs256);
  const Verifier verifier({.issuer = "https://id.example.com",
                           .audience = AudienceRule::accept_any_because("limits are measured"),
                           .keys = KeySet({key.verification_key()}),
                           .typ = TypRule::accept_any_because("limits are measured"),
                           .time = TimeRule::expiry_optional_because("limits are measured")});
  const std::string payload =
      R"({"iss":"https://id.example.com","sub":"usr_3yZe7Qm0c1","client_id":"app","aud":"api","plan":"premium"})";
  return verifier.verify(jws_sign(key, payload).value(), wall).value();
}

Charge charge_of(std::uint64_t caller, const char* rate) {
  std::mt19937_64 dice(caller);
  return {.key = {dice(), dice()}, .rate = parse_rate(rate).value(), .name = "audio"};
}

void say(const std::string& name, const Figure& figure) {
  std::printf("%s\n", line_of(name, figure).c_str());
  std::fflush(stdout);
}

// Time goes on by what one request more regains, so that all of them are let through.
Loop charging(RateLimiter& limiter, std::vector<Charge> charges) {
  return [&limiter, charges = std::move(charges), now = nanoseconds(1)](std::size_t times) mutable {
    for (std::size_t i = 0; i < times; ++i) {
      now += nanoseconds(1'000);
      expect(limiter.charge(charges, now, wall).allowed(), "refused");
    }
  };
}

void run_one_caller() {
  RateLimiter limiter;
  const VerifiedToken caller = token();
  const LimitRule rule{.name = "audio",
                       .allowance = PlanRates{{{"family", parse_rate("1000000/s burst 2").value()},
                                               {"premium", parse_rate("1000000/s burst 3").value()}}}};
  say("limits/resolve", measure([&](std::size_t times) {
        for (std::size_t i = 0; i < times; ++i) keep(charge_for(rule, &caller, "192.0.2.1", limiter.seed())->key.low);
      }));
  say("limits/charge", measure(charging(limiter, {charge_of(1, "1000000/s")})));
  say("limits/charge_3", measure(charging(limiter, {charge_of(2, "1000000/s"), charge_of(3, "1000000000/day"),
                                                    charge_of(4, "4 concurrent")})));
  say("limits/both", measure([&, now = nanoseconds(1)](std::size_t times) mutable {
        for (std::size_t i = 0; i < times; ++i) {
          now += nanoseconds(1'000);
          const auto charge = charge_for(rule, &caller, "192.0.2.1", limiter.seed());
          expect(limiter.charge({&*charge, 1}, now, wall).allowed(), "refused");
        }
      }));
  const Charge charge = charge_of(5, "600/min");
  const auto result = limiter.charge({&charge, 1}, nanoseconds(1), wall);
  say("limits/fields", measure([&, text = std::string()](std::size_t times) mutable {
        for (std::size_t i = 0; i < times; ++i) {
          text.clear();
          result.append_rate_limit(text);
          result.append_policy(text);
          keep(text.size());
        }
      }));
  FailureBudget budget;
  say("limits/forged", measure([&, now = nanoseconds(1)](std::size_t times) mutable {
        for (std::size_t i = 0; i < times; ++i) {
          now += std::chrono::seconds(1);
          expect(!budget.refuse("192.0.2.1", now).has_value(), "refused");
          budget.count_failure("192.0.2.1", now);
        }
      }));
}

void run_many_callers(std::size_t count) {
  RateLimiter limiter({.entries_max = count * 2});
  std::vector<Charge> charges;
  for (std::size_t i = 0; i < count; ++i) charges.push_back(charge_of(i, "1000000/s"));
  // All of them known already: else it is the system that is measured, giving pages.
  for (const Charge& charge : charges) expect(limiter.charge({&charge, 1}, nanoseconds(0), wall).allowed(), "refused");
  struct alignas(64) Line {
    std::uint64_t word;
  };
  std::vector<Line> lines(count * 2);
  const Loop work = [&, now = nanoseconds(1), next = std::size_t{0}](std::size_t times) mutable {
    for (std::size_t i = 0; i < times; ++i) {
      now += nanoseconds(1'000);
      next = (next + 7'919) % charges.size();
      expect(limiter.charge({&charges[next], 1}, now, wall).allowed(), "refused");
    }
  };
  const Loop floor = [&, next = std::size_t{0}](std::size_t times) mutable {
    for (std::size_t i = 0; i < times; ++i) {
      next = (next + 7'919) % charges.size();
      const Charge& charge = charges[next];
      lines[charge.key.low % lines.size()].word += charge.key.high + charge.rate.burst();
    }
  };
  say("limits/" + std::to_string(count) + "/charge", measure(work, floor));
}

void run_shared() {
  RateLimiter limiter;
  LimitExchange exchange(limiter, [] {});
  say("limits/shared/charge", measure(charging(limiter, {charge_of(1, "1000000/s")})));
}

}  // namespace
}  // namespace jeton::bench

int main() {
  jeton::bench::stay_on_this_core();
  jeton::bench::run_one_caller();
  for (const std::size_t count : {10'000UL, 1'000'000UL}) jeton::bench::run_many_callers(count);
  jeton::bench::run_shared();
}
