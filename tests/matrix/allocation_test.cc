// How often memory is asked for: never where the cache knows the token, once at most (the error's own text) where
// the size alone refuses it, and no more than three times else. Counted by an operator new of our own.
#include "bound_key.h"

#include <jeton/claims.h>
#include <jeton/guard.h>
#include <jeton/key_set.h>
#include <jeton/signer.h>
#include <jeton/token_cache.h>
#include <jeton/verifier.h>

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::size_t> allocations{0};

void* counted(std::size_t size, std::size_t alignment) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  const std::size_t rounded = (size + alignment - 1) / alignment * alignment;
  void* const memory =
      alignment > alignof(std::max_align_t) ? std::aligned_alloc(alignment, rounded) : std::malloc(size ? size : 1);
  if (!memory) throw std::bad_alloc();
  return memory;
}

}  // namespace

void* operator new(std::size_t size) { return counted(size, 1); }
void* operator new[](std::size_t size) { return counted(size, 1); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return counted(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return counted(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace jeton {
namespace {

constexpr UnixTime now = from_unix_seconds(1'700'000'000);

std::size_t allocations_of(const auto& work) {
  const std::size_t before = allocations.load();
  work();
  return allocations.load() - before;
}

Verifier verifier_for(const SigningKey& key) {
  return Verifier{{.issuer = "https://id.example",
                   .audience = AudienceRule::must_include("api"),
                   .keys = KeySet{{key.verification_key()}}}};
}

std::string token_by(const SigningKey& key) {
  return Signer{key, {.issuer = "https://id.example", .audiences = {"api"}}}
      .sign(Claims{"dev_12847"}
                .with("email", "dev@example.com")
                .with("roles", {"developer", "team_lead"})
                .with("plan", "pro"),
            now)
      .value();
}

class Allocations : public testing::TestWithParam<int> {
 protected:
  const SigningKey& key() const { return matrix::bound_keys()[static_cast<std::size_t>(GetParam())].signing; }
};

TEST(AllocationCount, CountsWhatIsAskedFor) {
  // By the functions themselves: a compiler may leave out what a new-expression asks for and gives back.
  EXPECT_EQ(allocations_of([] { ::operator delete(::operator new(1)); }), 1u);
  std::string text;
  EXPECT_EQ(allocations_of([&text] { text.assign(1000, 'a'); }), 1u);
}

TEST_P(Allocations, VerifyingAsksForMemoryThreeTimesAtMost) {
  const Verifier verifier = verifier_for(key());
  const std::string token = token_by(key());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(verifier.verify(token, now).has_value());  // the thread's buffers are warm
  bool good = false;
  EXPECT_LE(allocations_of([&] { good = verifier.verify(token, now).has_value(); }), 3u) << name_of(key().algorithm());
  EXPECT_TRUE(good);
}

TEST_P(Allocations, HitInTheCacheAsksForNone) {
  const Verifier verifier = verifier_for(key());
  const std::string token = token_by(key());
  TokenCache cache;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(cache.verify(verifier, token, now).has_value());
  bool good = false;
  EXPECT_EQ(allocations_of([&] { good = cache.verify(verifier, token, now).has_value(); }), 0u)
      << name_of(key().algorithm());
  EXPECT_TRUE(good);
  EXPECT_EQ(cache.counts().hits, 3u);
}

// Reading the common claims of a token asks for none either.
TEST_P(Allocations, ReadingClaimsAsViewsAsksForNone) {
  const auto token = verifier_for(key()).verify(token_by(key()), now);
  ASSERT_TRUE(token.has_value());
  bool good = false;
  EXPECT_EQ(allocations_of([&] {
              good = token->get<std::string_view>("plan") == "pro" && token->claim_holds("roles", "developer") &&
                     token->has("email") && token->get<std::int64_t>("exp").has_value() && !token->subject().empty() &&
                     !token->issuer().empty();
            }),
            0u);
  EXPECT_TRUE(good);
}

INSTANTIATE_TEST_SUITE_P(All, Allocations, testing::Range(0, algorithm_count), [](const auto& instance) {
  return std::string(name_of(static_cast<Algorithm>(instance.param)));
});

// A whole decision, but for the claims that it passes on.
TEST(AllocationCount, ADecisionAboutAKnownTokenNeverAsksForMemory) {
  const auto key = matrix::bound_key(Algorithm::es256).signing;
  TokenCache cache;
  RateLimiter limiter;
  const auto routes = [](std::vector<PassedClaim> pass) {
    return Routes::build({{.name = "all", .match = {.path = "/**"}},
                          {.name = "stream",
                           .match = {.hosts = {"api.example.com"},
                                     .methods = {"GET"},
                                     .path = "/v1/tracks/{id}/stream",
                                     .query = {{"quality", {"high"}}}},
                           .policy = {.audiences = {"api"},
                                      .roles = {"team_lead"},
                                      .plans = {"family", "pro"},
                                      .conditions = {{{"sub"}, Condition::Equals{"dev_12847"}},
                                                     {{"roles"}, Condition::Contains{"developer"}}},
                                      .limits = {{.name = "stream",
                                                  .allowance = Rate::per(std::chrono::seconds(1), 1'000).value()}},
                                      .pass = std::move(pass)}}})
        .value();
  };
  const std::string bearer = "Bearer " + token_by(key);
  const std::string_view authorization = bearer;
  const RequestFacts facts{.host = "API.example.com:443",
                           .path = "/v1/tracks/7/stream",
                           .query = "a=b&quality=high",
                           .authorization = {&authorization, 1},
                           .address = "192.0.2.7"};
  const auto count = [&](const Guard& guard) {
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(guard.decide(facts, now).allowed());
    return allocations_of([&] { (void)guard.decide(facts, now).allowed(); });
  };
  EXPECT_EQ(count(Guard{verifier_for(key), routes({}), {.cache = &cache, .limiter = &limiter}}), 0u);
  const HeaderName header = HeaderName::of("X-User").value();
  // The list of headers; short texts lie in it.
  EXPECT_EQ(count(Guard{verifier_for(key), routes({{{"sub"}, header}}), {.cache = &cache, .limiter = &limiter}}), 1u);
}

// A token that is refused for its size alone costs no more than the words of the error, however large it is.
TEST(AllocationCount, OversizedTokenAsksForNoMoreThanTheErrorsText) {
  const auto key = matrix::bound_key(Algorithm::es256).signing;
  const Verifier verifier = verifier_for(key);
  TokenCache cache;
  const std::string huge(1 << 20, '.');
  Errc code{};
  EXPECT_EQ(allocations_of([&] { code = verifier.verify(huge, now).error().code; }), 0u);
  EXPECT_EQ(code, Errc::token_too_large);
  EXPECT_EQ(allocations_of([&] { code = cache.verify(verifier, huge, now).error().code; }), 0u);
  EXPECT_EQ(code, Errc::token_too_large);
}

// What is not well formed is refused with no more than the error's own texts.
TEST(AllocationCount, RefusalsAskForFewToo) {
  const auto key = matrix::bound_key(Algorithm::es256).signing;
  const Verifier verifier = verifier_for(key);
  const std::string token = token_by(key);
  std::string forged = token;
  forged[forged.size() - 10] = forged[forged.size() - 10] == 'A' ? 'B' : 'A';
  const std::string inputs[] = {
      "", "..", std::string(8000, '.'), std::string(8000, 'A'), token.substr(0, 40), forged, token + "=", "a.b.c"};
  for (const std::string& input : inputs) {
    for (int i = 0; i < 2; ++i) ASSERT_FALSE(verifier.verify(input, now).has_value());
    EXPECT_LE(allocations_of([&] { (void)verifier.verify(input, now).has_value(); }), 3u) << input.substr(0, 20);
  }
  for (int i = 0; i < 2; ++i) ASSERT_FALSE(verifier.verify(token, now + std::chrono::hours(1)).has_value());
  EXPECT_LE(allocations_of([&] { (void)verifier.verify(token, now + std::chrono::hours(1)).has_value(); }), 3u);
}

// What is kept for a thread is kept once.
TEST(AllocationCount, RepeatedVerificationDoesNotGrow) {
  const auto key = matrix::bound_key(Algorithm::es256).signing;
  const Verifier verifier = verifier_for(key);
  const std::string token = token_by(key);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(verifier.verify(token, now).has_value());
  const auto once = allocations_of([&] { (void)verifier.verify(token, now).has_value(); });
  const auto many = allocations_of([&] {
    for (int i = 0; i < 50; ++i) (void)verifier.verify(token, now).has_value();
  });
  EXPECT_EQ(many, 50 * once);
}

}  // namespace
}  // namespace jeton
