// feed_bench SECONDS-PER-PART: what the revocation feed costs, and how fast it is: a real store on this disk, a hub, an
// HTTP server on loopback, and verifiers that read what they are sent. One JSON object a line.
//
//   feed/revocation          CPU time of the whole process for one revocation, a hundred and more to a commit
//   feed/head                CPU time of reading the head and signing it: a heartbeat
//   feed/wire/N/p50|p99|max  from the acknowledgement of a revocation to its event in the hands of one of N verifiers,
//                            1,000 one after another; 0 where the event was first
//   feed/fanout/N            CPU time of the whole process for one revocation sent to N verifiers
#include "../measure.h"

#include "guard/feed/entry.h"
#include "guard/feed/event_stream.h"
#include "http/chunk_reader.h"
#include "http/server.h"
#include "issuer/completion.h"
#include "issuer/feed/feed_hub.h"
#include "platform/clock.h"
#include "store/sqlite/sqlite_store.h"

#include <jeton/signer.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace jeton::bench {
namespace {

using Steady = std::chrono::steady_clock;
using issuer::FeedHub;

constexpr std::size_t wire_rounds = 1000;

double cpu_ns() {
  timespec used{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) * 1e9 + static_cast<double>(used.tv_nsec);
}

void say(const std::string& name, double ns) {
  std::printf("{\"name\":\"%s\",\"ns\":%.0f}\n", name.c_str(), ns);
  std::fflush(stdout);
}

class WallClock final : public store::Clock {
 public:
  store::StoreTime now() const override { return clock_.now(); }

 private:
  platform::SystemClock clock_;
};

// One verifier's connection. Its bytes are read by whoever owns it.
class Verifier {
 public:
  explicit Verifier(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    expect(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0, "no connection");
    const std::string_view request = "GET /api/feed HTTP/1.1\r\nHost: bench\r\n\r\n";
    expect(::send(fd_, request.data(), request.size(), MSG_NOSIGNAL) > 0, "the request cannot be sent");
  }
  ~Verifier() { ::close(fd_); }
  Verifier(const Verifier&) = delete;
  Verifier& operator=(const Verifier&) = delete;

  int fd() const { return fd_; }
  // Reads once; the number of entries in what came.
  std::size_t read() {
    char bytes[65536];
    const auto size = ::recv(fd_, bytes, sizeof bytes, 0);
    expect(size > 0, "the stream has ended");
    received_.append(bytes, static_cast<std::size_t>(size));
    if (!began_) {
      const auto end = received_.find("\r\n\r\n");
      if (end == std::string::npos) return 0;
      expect(received_.starts_with("HTTP/1.1 200"), "the feed is refused");
      received_.erase(0, end + 4);
      began_ = true;
    }
    std::string body;
    const auto taken = chunks_.take(received_, body);
    expect(taken.has_value(), "bad chunks");
    received_.erase(0, *taken);
    std::vector<feed::Event> events;
    expect(parser_.take(body, events), "bad events");
    std::size_t entries = 0;
    for (const auto& event : events) {
      if (event.type == "entries") entries += event.data.size();
      ready_ = ready_ || event.type == "snapshot";
    }
    return entries;
  }
  bool is_ready() const { return ready_; }

 private:
  int fd_;
  bool began_ = false, ready_ = false;
  std::string received_;
  http::ChunkReader chunks_{std::size_t{1} << 40};
  feed::EventParser parser_{std::size_t{1} << 26};
};

struct World {
  WallClock clock;
  std::string folder;
  std::unique_ptr<store::Store> store;
  platform::Metrics metrics;
  std::unique_ptr<FeedHub> hub;
  std::unique_ptr<http::Server> server;
  std::thread thread;

  World() {
    std::string name = "feed-bench-XXXXXX";
    expect(::mkdtemp(name.data()) != nullptr, "no folder");
    folder = name;
    auto opened = store::open_sqlite({.path = folder + "/jeton.db", .clock = clock, .queue_groups_max = 100'000});
    expect(opened.has_value(), "no store");
    store = *std::move(opened);
    const auto count = [this](const char* counter) -> platform::Counter& { return metrics.counter(counter, ""); };
    hub = std::make_unique<FeedHub>(
        FeedHub::Parts{.store = *store,
                       .issuer = "https://bench.example",
                       .epoch = random_id(),
                       .key = SigningKey::generate(feed::feed_algorithm),
                       .live_kids = [] { return std::vector<std::string>{"kid"}; },
                       .went_back = [](const std::string&) { give_up("the database went back"); },
                       .counts = {.subscribers = metrics.gauge("subscribers", ""),
                                  .refused = count("refused"),
                                  .slow = count("slow"),
                                  .heartbeats = count("heartbeats"),
                                  .entries = count("entries"),
                                  .snapshots = count("snapshots"),
                                  .faults = count("faults")}},
        issuer::FeedLimits{});
    http::Router router;
    router.add(http::Method::get, "/api/feed", [this](const http::Request&) -> boost::asio::awaitable<http::Response> {
      http::Response response;
      response.stream = hub->subscribe({}, {}, Steady::now() + std::chrono::hours{1});
      co_return response;
    });
    auto listening = http::Server::listen({.threads = 2}, std::move(router));
    expect(listening.has_value(), "no server");
    server = *std::move(listening);
    hub->start();
    thread = std::thread([this] { server->run(); });
  }
  ~World() {
    hub->stop();
    server->stop();
    thread.join();
    server.reset();
    hub.reset();
    store.reset();
    std::filesystem::remove_all(folder);
  }

  Revocation revocation() {
    return {.subject = random_id(), .expires_at = store::revocation_expiry(clock.now() + std::chrono::minutes{15})};
  }
  // Revokes that many at once, and waits for all.
  void revoke(std::size_t count) {
    std::atomic<std::size_t> left = count;
    std::promise<void> all;
    for (std::size_t i = 0; i < count; ++i) {
      store->revocations().revoke(revocation(), [&](const store::Result<std::uint64_t>& number) {
        expect(number.has_value() && *number > 0, "a revocation failed");
        if (--left == 0) all.set_value();
      });
    }
    all.get_future().get();
  }
};

double cost_of_revocations(World& world, double seconds) {
  world.revoke(1000);
  const auto end = Steady::now() + std::chrono::duration<double>(seconds);
  const double before = cpu_ns();
  std::size_t done = 0;
  for (; Steady::now() < end; done += 2000) world.revoke(2000);
  return (cpu_ns() - before) / static_cast<double>(done);
}

double cost_of_heads(World& world, double seconds) {
  const auto key = SigningKey::generate(feed::feed_algorithm);
  const auto end = Steady::now() + std::chrono::duration<double>(seconds);
  const double before = cpu_ns();
  std::size_t done = 0;
  for (; Steady::now() < end; ++done) {
    const auto page = issuer::waited<store::FeedPage>(
        [&](auto call) { world.store->revocations().read_entries(feed::number_max, std::move(call)); });
    expect(page.has_value(), "the head cannot be read");
    keep(feed::sign(key, feed::Head{.issuer = "https://bench.example",
                                    .epoch = "epoch",
                                    .number = page->head.number,
                                    .hash = page->head.hash,
                                    .time = page->head.now.time_since_epoch().count()}));
  }
  return (cpu_ns() - before) / static_cast<double>(done);
}

// Reads what all but the first are sent, so that none of them is slow.
class Crowd {
 public:
  Crowd(std::uint16_t port, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) all_.push_back(std::make_unique<Verifier>(port));
    thread_ = std::thread([this] { run(); });
  }
  ~Crowd() {
    stopping_ = true;
    thread_.join();
  }
  std::size_t entries() const { return entries_; }
  bool is_ready() const { return ready_ == all_.size(); }

 private:
  void run() {
    std::vector<pollfd> waiting;
    for (const auto& one : all_) waiting.push_back({one->fd(), POLLIN, 0});
    while (!stopping_) {
      if (::poll(waiting.data(), waiting.size(), 50) <= 0) continue;
      for (std::size_t i = 0; i < all_.size(); ++i) {
        if ((waiting[i].revents & POLLIN) == 0) continue;
        const bool was_ready = all_[i]->is_ready();
        const auto read = all_[i]->read();
        if (was_ready) entries_ += read;
        if (!was_ready && all_[i]->is_ready()) ++ready_;
      }
    }
  }
  std::vector<std::unique_ptr<Verifier>> all_;
  std::atomic<std::size_t> entries_ = 0, ready_ = 0;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

void measure_wire(World& world, std::size_t verifiers) {
  Verifier first(world.server->port());
  Crowd others(world.server->port(), verifiers - 1);
  while (!first.is_ready()) first.read();
  while (!others.is_ready()) std::this_thread::sleep_for(std::chrono::milliseconds{5});
  std::vector<double> took;
  for (std::size_t i = 0; i < wire_rounds; ++i) {
    std::promise<Steady::time_point> acknowledged;
    auto known = acknowledged.get_future();
    world.store->revocations().revoke(world.revocation(), [&](const store::Result<std::uint64_t>& number) {
      expect(number.has_value(), "a revocation failed");
      acknowledged.set_value(Steady::now());
    });
    while (first.read() == 0) {
    }
    const auto arrived = Steady::now();
    took.push_back(std::max(0.0, std::chrono::duration<double, std::nano>(arrived - known.get()).count()));
  }
  std::ranges::sort(took);
  const std::string name = "feed/wire/" + std::to_string(verifiers);
  say(name + "/p50", took[took.size() / 2]);
  say(name + "/p99", took[took.size() * 99 / 100]);
  say(name + "/max", took.back());
}

double cost_of_fanout(World& world, std::size_t verifiers, double seconds) {
  Crowd all(world.server->port(), verifiers);
  while (!all.is_ready()) std::this_thread::sleep_for(std::chrono::milliseconds{5});
  const auto end = Steady::now() + std::chrono::duration<double>(seconds);
  const double before = cpu_ns();
  std::size_t done = 0;
  const std::size_t entries = all.entries();
  while (Steady::now() < end) {
    world.revoke(1);
    ++done;
    while (all.entries() - entries < done * verifiers) std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  return (cpu_ns() - before) / static_cast<double>(done);
}

}  // namespace
}  // namespace jeton::bench

int main(int count, char** words) {
  namespace bench = jeton::bench;
  const double seconds = count > 1 ? std::atof(words[1]) : 3;
  {
    bench::World world;
    bench::say("feed/revocation", bench::cost_of_revocations(world, seconds));
    bench::say("feed/head", bench::cost_of_heads(world, seconds));
  }
  for (const std::size_t verifiers : {1, 1000}) {
    bench::World world;
    bench::measure_wire(world, verifiers);
    bench::say("feed/fanout/" + std::to_string(verifiers), bench::cost_of_fanout(world, verifiers, seconds));
  }
}
