// revocation_bench: what a look into a table of revoked tokens costs. One JSON object a line.
//
//   revocations/N/absent    find() of a token that nothing revokes (its kid, sub, sid and jti are looked up) among N
//                           live entries, 256 tokens in turn, as after a cache hit that has just read the token
//   revocations/N/absent_cold  with 20,000 tokens, which no cache holds; floor_ns: reading those four texts alone
//   revocations/N/revoked   of one whose session has ended
//   revocations/N/delta     applying one entry
//   revocations/N/snapshot  applying a snapshot, an entry
//   revocations/N/bytes     memory of the table, an entry (its unit is bytes, not nanoseconds)
#include "guard/feed/reader.h"
#include "jose/base64url.h"
#include "measure.h"

#include <jeton/jws.h>
#include <jeton/revocation_table.h>
#include <jeton/signer.h>
#include <jeton/verifier.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace jeton::bench {
namespace {

constexpr char issuer[] = "https://id.example.com";
constexpr std::int64_t now = 1'700'000'000;
constexpr std::size_t tokens_count = 20'000, hot_tokens_count = 256;

std::string bytes_of(std::mt19937_64& dice) {
  std::string bytes(16, '\0');
  for (char& byte : bytes) byte = static_cast<char>(dice());
  return bytes;
}

std::string id_of(std::mt19937_64& dice) { return jose::base64url::encode(bytes_of(dice)); }

std::vector<VerifiedToken> tokens(const std::vector<std::string>& sids) {
  const SigningKey key = SigningKey::generate(Algorithm::hs256);
  const Verifier verifier({.issuer = issuer,
                           .audience = AudienceRule::must_include("api"),
                           .keys = KeySet({key.verification_key()}),
                           .profile = Profile::jeton});
  const Signer signer(key, {.issuer = issuer, .audiences = {"api"}});
  std::vector<VerifiedToken> made;
  std::mt19937_64 dice(7);
  for (const std::string& sid : sids) {
    const auto claims = Claims{"usr_" + id_of(dice)}
                            .with("client_id", "app")
                            .with("sid", sid)
                            .with("gen", 0)
                            .with("ver", 3)
                            .with("roles", {"developer", "team_lead"})
                            .with("plan", "pro");
    const auto compact = signer.sign(claims, from_unix_seconds(now)).value();
    made.push_back(verifier.verify(compact, from_unix_seconds(now)).value());
  }
  return made;
}

// Three in four are sessions, the rest subjects and tokens, as after many logouts.
feed::Entry entry(std::size_t i, std::mt19937_64& dice) {
  Revocation revocation{.expires_at = now + 3600};
  if (i % 4 != 0) {
    revocation.kind = RevocationKind::session;
    revocation.subject = bytes_of(dice);
  } else if (i % 8 == 0) {
    revocation.kind = RevocationKind::subject;
    revocation.subject = "usr_" + id_of(dice);
    revocation.least = 4;
  } else {
    revocation.subject = id_of(dice);
  }
  return {.number = i + 1, .revocation = std::move(revocation)};
}

void run(std::size_t count) {
  RevocationTable table({.issuers = {{issuer}}});
  std::mt19937_64 dice(1);
  std::vector<feed::Entry> entries;
  for (std::size_t i = 0; i < count; ++i) entries.push_back(entry(i, dice));
  std::vector<std::string> ended, living;
  for (const feed::Entry& one : entries) {
    if (ended.size() < tokens_count && one.revocation.kind == RevocationKind::session) {
      ended.push_back(jose::base64url::encode(one.revocation.subject));
    }
  }
  for (std::size_t i = 0; i < tokens_count; ++i) living.push_back(id_of(dice));
  const auto absent = tokens(living), revoked = tokens(ended);
  const auto apply = [&](std::vector<feed::Entry> some, bool replaces) {
    table.apply(issuer,
                {.replaces = replaces,
                 .head = {.issuer = issuer, .time = now * 1000},
                 .entries = std::move(some),
                 .kids = {std::string(absent.front().key_id()), std::string(revoked.front().key_id())}},
                std::chrono::sys_seconds(std::chrono::seconds(now)), std::chrono::nanoseconds(0));
  };
  const std::string name = "revocations/" + std::to_string(count) + '/';
  const auto say = [&](const char* what, double ns) {
    std::printf("{\"name\":\"%s%s\",\"ns\":%.1f}\n", name.c_str(), what, ns);
    std::fflush(stdout);
  };
  const double before = thread_ns();
  apply(entries, true);
  const double snapshot_ns = (thread_ns() - before) / static_cast<double>(count);
  const auto find = [&](std::size_t tokens_used, const auto& in, std::optional<RevocationReason> expected) -> Loop {
    return [&, tokens_used, expected, next = std::size_t{0}](std::size_t times) mutable {
      for (std::size_t i = 0; i < times; ++i) {
        expect(table.find(in[next]) == expected, "a wrong answer");
        if (++next == tokens_used) next = 0;
      }
    };
  };
  const Loop read = [&, next = std::size_t{0}](std::size_t times) mutable {
    for (std::size_t i = 0; i < times; ++i) {
      const VerifiedToken& token = absent[next];
      for (const std::string_view text :
           {token.issuer(), token.key_id(), token.subject(), token.session_id(), token.token_id()}) {
        keep(text.front() + text.back());
      }
      if (++next == absent.size()) next = 0;
    }
  };
  say("absent", measure(find(hot_tokens_count, absent, std::nullopt)).ns);
  const Figure cold = measure(find(tokens_count, absent, std::nullopt), read);
  std::printf("%s\n", line_of(name + "absent_cold", cold).c_str());
  say("revoked", measure(find(hot_tokens_count, revoked, RevocationReason::revoked)).ns);
  say("snapshot", snapshot_ns);
  say("bytes", static_cast<double>(table.counts().bytes) / static_cast<double>(count));
  std::size_t number = count;
  say("delta", measure([&](std::size_t times) {
                 for (std::size_t i = 0; i < times; ++i) apply({entry(number++, dice)}, false);
               }).ns);
}

}  // namespace
}  // namespace jeton::bench

int main() {
  jeton::bench::stay_on_this_core();
  for (const std::size_t count : {10'000UL, 100'000UL, 1'000'000UL}) jeton::bench::run(count);
}
