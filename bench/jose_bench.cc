// jose_bench: what a token costs, beside the least that it could. Prints a JSON object a line; tools/bench reads them.
//
//   jose_bench ratios            verify/ and sign/ of each algorithm, verify/ES256-table, verify/cached
//   jose_bench growth            how verify grows with keys, token size, cached tokens and threads
//   jose_bench peer-input DIR    the keys and tokens that other libraries are measured with
//   jose_bench once NAME COUNT   does one of `ratios` COUNT times, for a profiler
#include "floors.h"
#include "growth.h"
#include "material.h"
#include "measure.h"

#include <sodium.h>

#include <charconv>
#include <cstdio>
#include <fstream>
#include <map>
#include <string>
#include <string_view>

namespace jeton::bench {
namespace {

constexpr Algorithm measured[] = {Algorithm::hs256, Algorithm::rs256, Algorithm::ps256, Algorithm::es256,
                                  Algorithm::eddsa};

struct Case {
  std::string name;
  Loop work, floor;
};

Loop verifying(const KeySet& keys, std::string token, UnixTime now) {
  return [verifier = Verifier(trusted(keys)), token = std::move(token), now](std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      const auto verified = verifier.verify(token, now);
      expect(verified.has_value(), "a good token is refused");
      keep(read_claims(*verified));
    }
  };
}

Loop signing(const Material& material, UnixTime now) {
  return [signer = Signer(*material.key, signer_options()), said = claims(), now](std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      const auto token = signer.sign(said, now);
      expect(token.has_value(), "no token");
      keep(token->data());
    }
  };
}

std::vector<Case> all_cases(UnixTime now) {
  std::vector<Case> verify, sign;
  for (const Algorithm algorithm : measured) {
    const Material material = make_material(algorithm);
    const std::string token = make_token(material, now);
    const std::string name(name_of(algorithm));
    const KeySet keys({material.key->verification_key()});
    verify.push_back({"verify/" + name, verifying(keys, token, now), floor_of_verifying(material, token)});
    if (algorithm == Algorithm::es256) {
      const KeySet fast = keys.precompute();
      expect(fast.precomputed() == 1, "no table");
      verify.push_back({"verify/ES256-table", verifying(fast, token, now), floor_of_verifying(material, token)});
    }
    sign.push_back({"sign/" + name, signing(material, now), floor_of_signing(material, token)});
  }
  std::ranges::move(sign, std::back_inserter(verify));
  return verify;
}

void print(const std::string& name, const Figure& figure) {
  std::puts(line_of(name, figure).c_str());
  std::fflush(stdout);
}

int ratios() {
  const UnixTime now = wall_clock();
  for (const Case& one : all_cases(now)) {
    std::fprintf(stderr, "%s\n", one.name.c_str());
    print(one.name, measure(one.work, one.floor));
  }
  std::fprintf(stderr, "verify/cached\n");
  print("verify/cached", measure_cached(now));
  return 0;
}

int peer_input(const std::string& directory) {
  const UnixTime now = wall_clock();
  const auto write = [&](const std::string& name, std::string_view text) {
    std::ofstream file(directory + "/" + name, std::ios::binary);
    file << text;
    expect(file.flush().good(), "cannot write what the peers need");
  };
  for (const Algorithm algorithm : measured) {
    const Material material = make_material(algorithm);
    const std::string name(name_of(algorithm));
    write(name + ".token", make_token(material, now));
    if (algorithm == Algorithm::hs256)
      write(name + ".secret", material.secret);
    else
      write(name + ".pem", material.public_pem);
  }
  return 0;
}

int once(std::string_view name, std::size_t count) {
  for (const Case& one : all_cases(wall_clock())) {
    if (one.name != name) continue;
    one.work(count);
    return 0;
  }
  if (name == "verify/cached") {
    profile_cached(wall_clock(), count);
    return 0;
  }
  std::fprintf(stderr, "jose_bench: there is no %s\n", std::string(name).c_str());
  return 2;
}

int run(const std::vector<std::string_view>& words) {
  expect(sodium_init() >= 0, "libsodium does not start");
  if (words.size() == 1 && words[0] == "ratios") {
    stay_on_this_core();
    return ratios();
  }
  if (words.size() == 1 && words[0] == "growth") return growth(print);
  if (words.size() == 2 && words[0] == "peer-input") return peer_input(std::string(words[1]));
  std::size_t count = 0;
  if (words.size() == 3 && words[0] == "once" &&
      std::from_chars(words[2].data(), words[2].data() + words[2].size(), count).ec == std::errc{}) {
    return once(words[1], count);
  }
  std::fputs("usage: jose_bench ratios | growth | peer-input DIR | once NAME COUNT\n", stderr);
  return 2;
}

}  // namespace
}  // namespace jeton::bench

int main(int argc, char** argv) { return jeton::bench::run({argv + 1, argv + argc}); }
