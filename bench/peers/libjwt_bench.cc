// libjwt_bench DIR: how long libjwt takes to verify the tokens in DIR and to read their claims. Prints `ALG ns`.
#include <jwt.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace {

double cpu_ns() {
  timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

std::string file(const std::string& name) {
  std::ostringstream text;
  text << std::ifstream(name, std::ios::binary).rdbuf();
  return text.str();
}

void verify(const std::string& token, const std::string& key) {
  jwt_t* jwt = nullptr;
  bool good = jwt_decode(&jwt, token.c_str(), reinterpret_cast<const unsigned char*>(key.data()),
                         static_cast<int>(key.size())) == 0;
  for (const char* name : {"iss", "sub", "aud", "jti", "email", "plan"})
    good = good && jwt_get_grant(jwt, name) != nullptr;
  for (const char* name : {"exp", "iat"}) good = good && jwt_get_grant_int(jwt, name) > 0;
  char* roles = good ? jwt_get_grants_json(jwt, "roles") : nullptr;
  if (roles == nullptr) {
    std::fputs("libjwt_bench: a good token is refused\n", stderr);
    std::exit(1);
  }
  std::free(roles);
  jwt_free(jwt);
}

double time_of(const std::string& token, const std::string& key, int count) {
  const double before = cpu_ns();
  for (int i = 0; i < count; ++i) verify(token, key);
  return (cpu_ns() - before) / count;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::string directory = std::string(argv[1]) + '/';
  for (const char* algorithm : {"HS256", "RS256", "PS256", "ES256", "EdDSA"}) {
    if (jwt_str_alg(algorithm) == JWT_ALG_INVAL) continue;  // not known to this version
    const std::string token = file(directory + algorithm + ".token");
    const std::string key = file(directory + algorithm + (std::string(algorithm) == "HS256" ? ".secret" : ".pem"));
    const int count = std::max(1, static_cast<int>(25e6 / time_of(token, key, 20)));
    std::vector<double> rounds;
    for (int round = 0; round < 7; ++round) rounds.push_back(time_of(token, key, count));
    std::sort(rounds.begin(), rounds.end());
    std::printf("%s %.1f\n", algorithm, rounds[rounds.size() / 2]);
  }
  return 0;
}
