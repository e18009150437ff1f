#include "gateway/introspection/introspector.h"

#include "crypto/digest.h"
#include "gateway/introspection/introspection_answer.h"
#include "http/awaited.h"
#include "http/form.h"
#include "http/streaming_client.h"
#include "platform/log.h"

#include <jeton/agent.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>

namespace jeton::gateway {
namespace {

namespace asio = boost::asio;
using std::chrono::nanoseconds;

constexpr std::size_t shard_count = 16;
constexpr std::size_t body_bytes_more = 256;  // of a question, beside the token and the client's id and secret
constexpr nanoseconds warning_interval = std::chrono::seconds(10);

struct DigestHash {
  std::size_t operator()(const crypto::Sha256& digest) const noexcept {
    std::size_t value = 0;
    std::memcpy(&value, digest.data(), sizeof value);
    return value;
  }
};

// An endpoint, and how it has fared lately.
struct Issuer {
  IntrospectionEndpoint endpoint;
  platform::Counter &active, &inactive, &failed;
  std::uint32_t failures = 0;  // in a row; of the loop alone, like next_warning
  nanoseconds next_warning{0};
  std::atomic<std::int64_t> paused_until = 0;  // nanoseconds, monotonic

  bool is_paused(nanoseconds now) const noexcept { return now.count() < paused_until.load(std::memory_order_relaxed); }
};

struct Told {
  Introspection said;
  nanoseconds asked_at;
};
using Bell = std::move_only_function<void(Told)>;

// One question. Its bells are its shard's to guard, the rest the loop's.
struct Flight {
  crypto::Sha256 digest;
  VerifiedToken token;
  std::string compact;
  std::shared_ptr<Issuer> issuer;
  std::uint64_t generation;  // of the endpoints
  nanoseconds began;
  std::vector<Bell> bells{};
};

struct Failure {
  platform::Fault fault;
  bool is_issuers = true;  // not about this token alone
};
using Asked = std::expected<IntrospectionAnswer, Failure>;

struct Kept {
  Introspection said;
  nanoseconds asked_at;
  UnixTime good_until;
};

struct Shard {
  std::mutex mutex;
  std::unordered_map<crypto::Sha256, Kept, DigestHash> kept;
  std::deque<crypto::Sha256> order;  // of `kept`, the oldest first
  std::unordered_map<crypto::Sha256, std::shared_ptr<Flight>, DigestHash> flights;
};

std::string_view text_of(const SecretBytes& secret) {
  const auto bytes = secret.reveal(InsecureSecretAccess::get());
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

std::string_view name_of(Introspection said) noexcept {
  switch (said) {
    case Introspection::active: return "active";
    case Introspection::inactive: return "inactive";
    case Introspection::failed: break;
  }
  return "failed";
}

struct Introspector::State {
  State(const platform::ClockSource& source, platform::Metrics& counters, IntrospectionLimits numbers,
        std::string ca_file)
      : clock(source),
        metrics(counters),
        limits(numbers),
        http(loop.get_executor(), std::move(ca_file)),
        reused(not_asked("known")),
        shared(not_asked("under_way")),
        busy(not_asked("waiting_requests_max")),
        paused(not_asked("failure_pause")) {}

  platform::Counter& not_asked(const char* reason) {
    return metrics.counter("jeton_gateway_introspections_not_asked_total",
                           "Requests for which an issuer would have been asked about a token and was not, by reason.",
                           {{"reason", reason}});
  }
  platform::Counter& answers(const std::string& issuer, Introspection said) {
    return metrics.counter("jeton_gateway_introspections_total",
                           "Questions to issuers about tokens (RFC 7662), by what was said.",
                           {{"issuer", issuer}, {"answer", std::string(name_of(said))}});
  }
  Shard& shard_of(const crypto::Sha256& digest) {
    return shards[static_cast<std::size_t>(digest.back()) % shard_count];
  }
  std::shared_ptr<Issuer> issuer_named(std::string_view name) {
    const std::scoped_lock lock(mutex);
    const auto found = issuers.find(name);
    return found != issuers.end() ? found->second : nullptr;
  }

  void use(std::vector<IntrospectionEndpoint> endpoints);
  std::optional<Introspection> recall(const crypto::Sha256& digest, const VerifiedToken& token, nanoseconds age_max);
  bool join(const crypto::Sha256& digest, const VerifiedToken& token, const std::string& compact, Bell bell);
  void start_next();
  asio::awaitable<void> fly(std::shared_ptr<Flight> flight);
  asio::awaitable<Asked> question(const Flight& flight);
  void end(Flight& flight, Told told);
  void keep(const Flight& flight, const Kept& said);
  void count(Issuer& issuer, const Asked& answer);

  const platform::ClockSource& clock;
  platform::Metrics& metrics;
  const IntrospectionLimits limits;
  std::array<Shard, shard_count> shards;
  std::mutex mutex;
  std::map<std::string, std::shared_ptr<Issuer>, std::less<>> issuers;
  std::atomic<std::uint64_t> generation = 0;
  std::atomic<std::uint32_t> waiting = 0;  // requests
  asio::io_context loop{1};
  http::StreamingClient http;
  std::deque<std::shared_ptr<Flight>> queue;  // of the loop alone, like under_way
  std::uint32_t under_way = 0;
  platform::Counter &reused, &shared, &busy, &paused;
  std::thread thread;
};

void Introspector::State::use(std::vector<IntrospectionEndpoint> endpoints) {
  decltype(issuers) fresh;
  for (IntrospectionEndpoint& one : endpoints) {
    std::string name = one.issuer;
    auto& active = answers(name, Introspection::active);
    auto& inactive = answers(name, Introspection::inactive);
    auto& failed = answers(name, Introspection::failed);
    fresh.emplace(std::move(name), std::shared_ptr<Issuer>(new Issuer{std::move(one), active, inactive, failed}));
  }
  const std::scoped_lock lock(mutex);
  issuers = std::move(fresh);
  generation.fetch_add(1, std::memory_order_relaxed);  // what is under way is not kept
  for (Shard& shard : shards) {
    const std::scoped_lock inner(shard.mutex);
    shard.kept.clear();
    shard.order.clear();
  }
  if (issuers.empty() || thread.joinable()) return;
  thread = std::thread([this] {
    const auto work = asio::make_work_guard(loop);
    loop.run();
  });
}

std::optional<Introspection> Introspector::State::recall(const crypto::Sha256& digest, const VerifiedToken& token,
                                                         nanoseconds age_max) {
  const auto issuer = issuer_named(token.issuer());
  if (issuer == nullptr) return std::nullopt;
  Shard& shard = shard_of(digest);
  const std::scoped_lock lock(shard.mutex);
  const auto found = shard.kept.find(digest);
  if (found == shard.kept.end()) return std::nullopt;
  const nanoseconds age = Agent::monotonic() - found->second.asked_at;
  if (age >= std::min<nanoseconds>(age_max, issuer->endpoint.answer_age_max)) return std::nullopt;
  if (clock.now_seconds() >= found->second.good_until) return std::nullopt;
  reused.add();
  return found->second.said;
}

// Either the question that is under way, or a new one: true. The bell is rung in any case.
bool Introspector::State::join(const crypto::Sha256& digest, const VerifiedToken& token, const std::string& compact,
                               Bell bell) {
  const nanoseconds now = Agent::monotonic();
  const std::uint64_t endpoints = generation.load(std::memory_order_acquire);  // before the issuer, so never too new
  const std::shared_ptr<Issuer> issuer = issuer_named(token.issuer());
  const bool is_paused = issuer != nullptr && issuer->is_paused(now);
  const bool is_busy = waiting.load(std::memory_order_relaxed) >= limits.waiting_requests_max;
  if (issuer == nullptr || is_paused || is_busy) {
    if (issuer != nullptr) (is_paused ? paused : busy).add();
    bell({Introspection::failed, now});
    return false;
  }
  Shard& shard = shard_of(digest);
  std::shared_ptr<Flight> flight;
  {
    const std::scoped_lock lock(shard.mutex);
    waiting.fetch_add(1, std::memory_order_relaxed);
    if (const auto known = shard.flights.find(digest); known != shard.flights.end()) {
      known->second->bells.push_back(std::move(bell));
      shared.add();
      return false;
    }
    flight = std::make_shared<Flight>(Flight{digest, token, compact, issuer, endpoints, now});
    flight->bells.push_back(std::move(bell));
    shard.flights.emplace(digest, flight);
  }
  asio::post(loop, [this, flight] {
    queue.push_back(flight);
    start_next();
  });
  return true;
}

void Introspector::State::start_next() {
  while (!queue.empty()) {
    const std::shared_ptr<Flight> next = queue.front();
    const nanoseconds now = Agent::monotonic();
    const bool is_late = now - next->began > next->issuer->endpoint.answer_time_max;
    if (is_late || next->issuer->is_paused(now)) {
      queue.pop_front();
      (is_late ? busy : paused).add();
      end(*next, {Introspection::failed, now});
      continue;
    }
    if (under_way >= limits.asked_at_once_max) return;
    queue.pop_front();
    ++under_way;
    asio::co_spawn(loop, fly(next), asio::detached);
  }
}

asio::awaitable<void> Introspector::State::fly(std::shared_ptr<Flight> flight) {
  const nanoseconds asked_at = Agent::monotonic();
  Asked answer = std::unexpected(Failure{{"no memory", ""}});
  try {
    answer = co_await question(*flight);
  } catch (const std::exception& error) {
    answer = std::unexpected(Failure{{error.what(), ""}});
  }
  --under_way;
  count(*flight->issuer, answer);
  if (answer.has_value()) keep(*flight, {answer->said, asked_at, answer->good_until});
  end(*flight, {answer.has_value() ? answer->said : Introspection::failed, asked_at});
  start_next();
}

asio::awaitable<Asked> Introspector::State::question(const Flight& flight) {
  const IntrospectionEndpoint& endpoint = flight.issuer->endpoint;
  http::FetchRequest request{.method = http::Method::post,
                             .url = endpoint.url,
                             .time_max = endpoint.answer_time_max,
                             .body_bytes_max = limits.answer_bytes_max};
  request.headers.add("Content-Type", "application/x-www-form-urlencoded");
  request.headers.add("Accept", "application/json");
  request.wipes_body = true;
  // Room at once: what grows leaves copies behind.
  request.body.reserve(body_bytes_more + flight.compact.size() +
                       3 * (endpoint.client_id.size() + endpoint.client_secret.size()));
  http::append_form(request.body, "token", flight.compact);
  http::append_form(request.body, "token_type_hint", "access_token");
  http::append_form(request.body, "client_id", endpoint.client_id);
  http::append_form(request.body, "client_secret", text_of(endpoint.client_secret));
  auto response = co_await http.fetch(std::move(request));
  if (!response.has_value()) co_return std::unexpected(Failure{std::move(response.error())});
  if (response->status != 200)
    co_return std::unexpected(
        Failure{.fault = {endpoint.url + ": it answers with status " + std::to_string(response->status), ""},
                .is_issuers = response->status >= 500});
  const auto answer = read_introspection(response->body, flight.token, clock.now_seconds(), endpoint.leeway);
  if (!answer.has_value())
    co_return std::unexpected(
        Failure{.fault = {endpoint.url + ": " + std::string(answer.error()), ""}, .is_issuers = false});
  co_return *answer;
}

void Introspector::State::count(Issuer& issuer, const Asked& answer) {
  if (answer.has_value()) {
    (answer->said == Introspection::active ? issuer.active : issuer.inactive).add();
    issuer.failures = 0;
    issuer.paused_until.store(0, std::memory_order_relaxed);
    return;
  }
  issuer.failed.add();
  const nanoseconds now = Agent::monotonic();
  if (answer.error().is_issuers && ++issuer.failures >= limits.failures_max)
    issuer.paused_until.store((now + limits.failure_pause).count(), std::memory_order_relaxed);
  if (now < issuer.next_warning) return;
  issuer.next_warning = now + warning_interval;
  platform::log_warning("introspection failed",
                        {{"issuer", issuer.endpoint.issuer}, {"reason", answer.error().fault.text()}});
}

void Introspector::State::keep(const Flight& flight, const Kept& said) {
  Shard& shard = shard_of(flight.digest);
  const std::scoped_lock lock(shard.mutex);
  if (flight.generation != generation.load(std::memory_order_relaxed)) return;
  if (shard.kept.insert_or_assign(flight.digest, said).second) shard.order.push_back(flight.digest);
  if (shard.kept.size() <= std::max<std::size_t>(limits.answers_max / shard_count, 1)) return;
  shard.kept.erase(shard.order.front());
  shard.order.pop_front();
}

void Introspector::State::end(Flight& flight, Told told) {
  std::vector<Bell> bells;
  {
    Shard& shard = shard_of(flight.digest);
    const std::scoped_lock lock(shard.mutex);
    bells = std::move(flight.bells);
    const auto known = shard.flights.find(flight.digest);
    if (known != shard.flights.end() && known->second.get() == &flight) shard.flights.erase(known);
  }
  waiting.fetch_sub(static_cast<std::uint32_t>(bells.size()), std::memory_order_relaxed);
  for (Bell& bell : bells) bell(told);
}

Introspector::Introspector(const platform::ClockSource& clock, platform::Metrics& metrics, IntrospectionLimits limits,
                           std::string ca_file)
    : state_(std::make_shared<State>(clock, metrics, limits, std::move(ca_file))) {}

Introspector::~Introspector() {
  state_->loop.stop();
  if (state_->thread.joinable()) state_->thread.join();
  std::vector<std::shared_ptr<Flight>> left;
  for (Shard& shard : state_->shards) {
    const std::scoped_lock lock(shard.mutex);
    for (const auto& [digest, flight] : shard.flights) left.push_back(flight);
  }
  for (const auto& flight : left) state_->end(*flight, {Introspection::failed, Agent::monotonic()});
}

void Introspector::use(std::vector<IntrospectionEndpoint> endpoints) { state_->use(std::move(endpoints)); }

std::optional<Introspection> Introspector::recall(const VerifiedToken& token, std::string_view compact,
                                                  nanoseconds age_max) const {
  return state_->recall(crypto::sha256(compact), token, age_max);
}

asio::awaitable<Introspection> Introspector::ask(VerifiedToken token, std::string compact, nanoseconds age_max) {
  const auto state = state_;
  const crypto::Sha256 digest = crypto::sha256(compact);
  const nanoseconds arrived = Agent::monotonic();
  // What was under way may have been asked too long before; what is asked after that is not.
  for (int i = 0; i < 2; ++i) {
    if (const auto known = state->recall(digest, token, age_max)) co_return *known;
    bool is_later = i > 0;  // asked after this request came
    const auto told = co_await http::awaited<Told>([&](auto bell) {
      if (state->join(digest, token, compact, Bell(std::move(bell)))) is_later = true;
    });
    if (!told.has_value()) co_return Introspection::failed;
    if (is_later || told->said == Introspection::failed || arrived - told->asked_at < age_max) co_return told->said;
  }
  co_return Introspection::failed;
}

}  // namespace jeton::gateway
