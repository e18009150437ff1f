// rotation_soak: all walks of three clients with four steps each over a bad network, and of two with three steps where
// the server or the account change; then long ones by chance.
//
//   rotation_soak COUNT [SEED] [--by-chance]     the last: only those by chance
//
// Of those by chance one in 16 is of everything at once, the others over a bad network; one in 64 is plain (walk.h).
// A fault is printed with its seed and in the fewest steps; the exit status is 1 then.
#include "menus.h"

#include <cstdio>
#include <cstdlib>
#include <string>

namespace jeton::model {
namespace {

constexpr int clients = 3;
constexpr int steps_min = 13, steps_max = 40;
constexpr std::uint64_t plain_every = 64, everything_every = 16;
constexpr std::size_t contents_max = 20'000;  // before the database is begun anew: they are all kept

bool walk_all(const char* name, const Menu& menu, int who, int steps, Milliseconds age_kept) {
  World world(Plant::nothing, age_kept);
  Walk walk(world, menu, age_kept);
  const Count count = walk.all(who, steps);
  if (walk.fault()) {
    std::printf("%s: %s\n", name, walk.fault()->c_str());
    return false;
  }
  std::printf("%s, %d clients, %d steps each, %zu kinds: %s walks, no fault; %zu points, %zu operations on the store\n",
              name, who, steps, menu.size(), text_of(count).c_str(), walk.points(), world.operations_done());
  std::fflush(stdout);
  return true;
}

// A database, and the walks on it.
struct Ground {
  explicit Ground(const Menu& menu, Milliseconds age_kept)
      : world(Plant::nothing, age_kept), walk(world, menu, age_kept) {}
  World world;
  Walk walk;
};

// As many as the databases hold well. False at a fault.
bool walk_by_chance(std::uint64_t& seed, std::uint64_t end, std::size_t& operations) {
  Ground network(bad_network, grace);
  Ground whole(everything, age_with_steps_back);
  for (; seed < end && network.world.contents() + whole.world.contents() < contents_max; ++seed) {
    Walk& walk = seed % everything_every == 0 ? whole.walk : network.walk;
    std::mt19937_64 chance{seed};
    const int steps = steps_min + static_cast<int>(chance() % (steps_max - steps_min + 1));
    if (walk.one(chance, clients, steps, seed % plain_every == 1)) continue;
    std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed), walk.fault()->c_str());
    const auto fewest = walk.fewest(walk.steps_taken(), clients);
    std::printf("in %zu steps: %s\n", fewest.size(), walk.fault().value_or("gone when walked alone").c_str());
    return false;
  }
  operations += network.world.operations_done() + whole.world.operations_done();
  return true;
}

int run(std::uint64_t count, std::uint64_t first, bool with_all) {
  if (with_all &&
      !(walk_all("bad network", bad_network, 3, 4, grace) &&
        walk_all("bad server", bad_server, 2, 3, age_with_steps_back) && walk_all("accounts", accounts, 2, 3, grace))) {
    return 1;
  }
  std::size_t operations = 0;
  for (std::uint64_t seed = first; seed < first + count;) {
    if (!walk_by_chance(seed, first + count, operations)) return 1;
    std::fprintf(stderr, "%llu walks\n", static_cast<unsigned long long>(seed - first));
  }
  std::printf("%llu walks by chance from seed %llu, of %d to %d steps: no fault; %zu operations on the store\n",
              static_cast<unsigned long long>(count), static_cast<unsigned long long>(first), steps_min, steps_max,
              operations);
  return 0;
}

}  // namespace
}  // namespace jeton::model

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: rotation_soak COUNT [SEED] [--by-chance]\n", stderr);
    return 2;
  }
  const bool by_chance_alone = std::string(argv[argc - 1]) == "--by-chance";
  const std::uint64_t seed = argc > 2 && argv[2][0] != '-' ? std::strtoull(argv[2], nullptr, 10) : 1;
  return jeton::model::run(std::strtoull(argv[1], nullptr, 10), seed, !by_chance_alone);
}
