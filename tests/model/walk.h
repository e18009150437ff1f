// Walk: all orders in which a few clients can take their steps, and all choices of a step at each point.
//
// A step is of one client: it sends a request and has its answer, or one of both is lost, or the request is
// held up and arrives later, or it is tried again with or without its Idempotency-Key; it logs out, changes
// the password, signs in; the clock jumps, the server is killed, a copy of the database is put back.
//
// Two points of different walks count as one, and what follows is walked once, if the content of the database, what
// every client holds, and what the oracle holds for possible are the same, or the same but for names:
//   who is who      clients begin alike and the store does not know them apart (unless somebody has signed in by
//                   himself: then the session bears his number)
//   generations     only differences of them count, and three behind is as far as any more
//   keys            they are compared for being the same and nothing else; one that nobody holds is as good as none
//   what has ended  a session that is over in every history never comes back (unless a copy is put back)
// The walks themselves are counted in full.
#pragma once

#include "oracle.h"
#include "world.h"

#include <array>
#include <cstdint>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace jeton::model {

enum class Action : std::uint8_t {
  refresh,  // with a new Idempotency-Key; answered
  refresh_without_key,
  refresh_answer_lost,   // carried out
  refresh_request_lost,  // never arrives
  retry,                 // of what has no answer, with the same key
  retry_without_key,
  hold_up,  // a refresh is sent, and arrives at a later step
  arrive,   // the one that was held up
  log_out,
  clock_on_6s,
  clock_on_11s,  // beyond the grace
  clock_back_5s,
  kill_server,      // what is held up never arrives
  put_copy_back,    // of the database, as it was at the beginning
  restore,          // that copy, by jeton restore: a new history begins
  change_password,  // ends all sessions
  change_password_and_keep,
  read_password,  // the first half of a sign-in
  sign_in,        // the second
};

struct Client {
  std::int8_t session = 0;  // index: 0 is shared
  std::int16_t token = 0;   // the generation of the newest it was given
  std::int16_t unanswered = -1;
  std::int8_t unanswered_key = 0;
  std::int16_t held_up = -1;
  std::int8_t held_up_key = 0;
  bool held_up_was_current = false;  // what a server sees that checks when a request comes in
  std::int16_t epoch_read = -1;
  std::int8_t steps_left = 0;
  friend auto operator<=>(const Client&, const Client&) = default;
};

struct Point {
  StateId content = 0;
  std::array<Client, clients_max> clients{};
  Oracle oracle;
  friend auto operator<=>(const Point&, const Point&) = default;
};

struct Step {
  std::size_t client;
  Action action;
};

using Menu = std::set<Action>;
using Count = unsigned __int128;
using Name = std::array<std::uint64_t, 2>;  // of a point: a digest of all that it is

class Walk {
 public:
  enum class Names : std::uint8_t { changed, kept };  // kept: points count as one only if they are the same
  Walk(World& world, Menu menu, Milliseconds age_kept, Names names = Names::changed)
      : world_(world), menu_(std::move(menu)), age_kept_(age_kept), names_(names) {}

  // The number of walks from the beginning. Ends at the first fault.
  Count all(int clients, int steps);
  // One walk by chance, of `steps` steps in all; false: it found a fault. `is_plain`: no names are changed on the way,
  // so that every content is one that the store itself has made.
  bool one(std::mt19937_64& chance, int clients, int steps, bool is_plain);
  // The steps of the last walk by chance.
  const std::vector<Step>& steps_taken() const { return steps_; }
  // Walks these steps, leaving out what cannot be done. False if it found a fault.
  bool again(const std::vector<Step>& steps, int clients);
  // The fewest of these steps that still lead to a fault: leaving out any one of them finds none.
  std::vector<Step> fewest(std::vector<Step> steps, int clients);

  const std::optional<std::string>& fault() const { return fault_; }  // with the walk that led there
  std::size_t points() const { return counts_.size(); }

 private:
  Point beginning(int clients, int steps) const;
  Count walks_from(const Point& as_reached);
  bool is_possible(const Client& client, Action action) const;
  // Does it; false if the oracle objects.
  bool take(Point& point, std::size_t client, Action action);
  std::optional<std::string> act(Point& point, Client& client, int number, Action action);
  std::optional<std::string> request(Point& point, Client& client, int generation, int key);
  std::optional<std::string> arrive(Point& point, Client& client);
  std::optional<std::string> change_password(Point& point, const Client& client, bool keep);
  std::optional<std::string> sign_in(Point& point, Client& client, int number);
  static void kill_server(Point& point);
  bool ends_well(Point point);
  static int new_key(const Point& point);
  Point simplified(Point point);
  static Name digest_of(const Point& point);

  World& world_;
  const Menu menu_;
  const Milliseconds age_kept_;
  const Names names_;
  struct HashOfName {
    std::size_t operator()(const Name& name) const { return name[0]; }
  };
  std::unordered_map<Name, Count, HashOfName> counts_;
  std::vector<std::string> path_;
  std::vector<Step> steps_;
  std::optional<std::string> fault_;
};

std::string text_of(Count count);

}  // namespace jeton::model
