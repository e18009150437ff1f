#include <jeton/agent.h>

#include "agent/feed_client.h"
#include "agent/key_source.h"
#include "agent/parts.h"
#include "agent/unknown_keys.h"
#include "agent/upkeep.h"
#include "platform/log.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <future>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace jeton {
namespace agent {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

RevocationTableOptions table_options(const AgentOptions& options) {
  RevocationTableOptions made{.entries_max = options.agent_limits.feed_entries_max};
  for (const AgentIssuer& one : options.issuers) {
    if (one.feed) made.issuers.push_back({one.trust.issuer.accepted().front(), one.feed->numbers});
  }
  return made;
}

// A file that is not written stops nothing.
std::function<void()> guarded(std::function<void()> job) {
  return [job = std::move(job)] {
    try {
      job();
    } catch (const std::exception& error) {
      platform::log_error("the agent's state is not stored", {{"reason", error.what()}});
    }
  };
}

}  // namespace

// All of one issuer.
struct Upkeep::Member {
  const AgentIssuer& issuer;
  std::string name;
  std::optional<FeedClient> feed{};
  std::optional<KeySource> keys{};
};

Upkeep::Upkeep(AgentOptions options, const platform::ClockSource& clock, const platform::MonotonicSource& monotonic,
               platform::Metrics& metrics)
    : options_(std::move(options)),
      clock_(clock),
      monotonic_(monotonic),
      metrics_(metrics),
      table_(table_options(options_)),
      unknown_(options_.agent_limits.unknown_key_cooldown, options_.agent_limits.unknown_keys_max),
      http_(loop_.get_executor(), options_.ca_file),
      parts_{.executor = loop_.get_executor(),
             .http = http_,
             .clock = clock_,
             .monotonic = monotonic_,
             .metrics = metrics_,
             .options = options_,
             .on_disk = [this](std::function<void()> job) {
               if (stores_) asio::post(disk_, guarded(std::move(job)));
               return stores_;
             }} {
  for (const AgentIssuer& one : options_.issuers) add(one);
  show();
}

Upkeep::~Upkeep() { stop(); }

void Upkeep::stop() noexcept {
  loop_.stop();
  if (thread_.joinable()) thread_.join();
  disk_.join();  // what is to be kept is kept
}

bool Upkeep::leave_state(milliseconds time_max) {
  if (!thread_.joinable()) {
    disk_.join();
    return true;
  }
  const auto written = std::make_shared<std::promise<void>>();  // who waits may have gone
  asio::post(loop_, [this, written] {
    stores_ = false;
    asio::post(disk_, [written] { written->set_value(); });  // behind all that was posted before
  });
  if (written->get_future().wait_for(time_max) == std::future_status::ready) return true;
  take_state();
  return false;
}

void Upkeep::take_state() {
  asio::post(loop_, [this] {
    stores_ = true;
    for (const auto& member : members_) {
      if (member->feed) member->feed->take_state();
      member->keys->take_state();
    }
  });
}

void Upkeep::add(const AgentIssuer& issuer) {
  Member& member = *members_.emplace_back(std::make_unique<Member>(issuer, issuer.trust.issuer.accepted().front()));
  if (issuer.feed) {
    member.feed.emplace(
        parts_, member.name, *issuer.feed, table_,
        FeedClient::Events{
            .keys_changed = [this, &member](const std::vector<std::string>* live) { take_live_keys(member, live); },
            .changed = [this] { tell(); }});
  }
  member.keys.emplace(
      parts_, issuer,
      KeySource::Events{.changed = [this] { rebuild(); },
                        .confirmed = [this, &member](const std::vector<std::string>& kids,
                                                     std::uint64_t asked_after) { admit(member, kids, asked_after); },
                        .snapshots = [&member] { return member.feed ? member.feed->snapshots() : 0; },
                        .feed_epoch = [&member] { return member.feed ? member.feed->epoch() : ""; },
                        .looked = [this] { tell(); }});
}

void Upkeep::start() {
  for (const auto& member : members_) {
    if (member->feed) member->feed->load();
    member->keys->load();
  }
  tell();
  for (const auto& member : members_) {
    const auto keep_going = [this](std::string_view what, std::function<asio::awaitable<void>()> begin) {
      asio::co_spawn(loop_, kept_going(loop_.get_executor(), what, std::move(begin)), asio::detached);
    };
    keep_going("keys", [one = member.get()] { return one->keys->run(); });
    if (member->feed) keep_going("feed", [one = member.get()] { return one->feed->run(); });
  }
  thread_ = std::thread([this] {
    const auto work = asio::make_work_guard(loop_);
    loop_.run();
  });
}

// A key that was published after the snapshot is as good as those that it names.
void Upkeep::admit(Member& member, const std::vector<std::string>& kids, std::uint64_t asked_after) {
  unknown_.found(kids);
  if (!member.feed) return;
  if (member.feed->snapshots() == asked_after) {
    table_.admit_keys(member.name, kids);
  } else if (member.keys) {
    member.keys->ask(FetchReason::feed);  // a snapshot came meanwhile: which of the two is later nobody knows
  }
}

void Upkeep::take_live_keys(Member& member, const std::vector<std::string>* live) {
  if (!member.keys) return;  // read from disk at the start, when the keys are not known yet
  if (live != nullptr) {
    std::vector<std::string> known = member.keys->kids(), named = *live;
    std::ranges::sort(known);
    std::ranges::sort(named);
    if (known == named) return;
  }
  member.keys->ask(FetchReason::feed);
}

void Upkeep::rebuild() {
  std::vector<TrustedIssuer> issuers;
  for (const auto& member : members_) {
    if (!member->keys || !member->keys->keys()) continue;
    issuers.push_back(member->issuer.trust);
    issuers.back().keys = *member->keys->keys();
  }
  const bool has_all = issuers.size() == members_.size();
  auto made = issuers.empty() ? nullptr : std::make_shared<const Verifier>(std::move(issuers), options_.limits);
  {
    const std::lock_guard lock(mutex_);
    verifier_ = std::move(made);
    has_all_sets_ = has_all;
    generation_.fetch_add(1, std::memory_order_release);
  }
  told_.notify_all();
}

void Upkeep::tell() {
  const auto has_asked = [](const auto& member) { return member->keys->looks() > 0; };
  has_all_keys_ = has_all_sets_ && std::ranges::all_of(members_, has_asked);
  std::vector<AgentStatus> all;
  for (const auto& member : members_) {
    AgentStatus& one = all.emplace_back();
    one.issuer = member->name;
    one.has_keys = member->keys->keys().has_value();
    one.keys = one.has_keys ? member->keys->keys()->size() : 0;
    if (one.has_keys) one.keys_age = std::chrono::floor<std::chrono::seconds>(member->keys->age());
    one.keys_looks = member->keys->looks();
    one.keys_problem = member->keys->problem();
    one.has_feed = member->feed.has_value();
    if (!member->feed) continue;
    one.feed_connected = member->feed->connected();
    one.feed_epoch = member->feed->epoch();
    one.feed_entry = member->feed->entry();
    one.feed_problem = member->feed->problem();
  }
  {
    const std::lock_guard lock(mutex_);
    status_ = std::move(all);
    status_at_ = monotonic_.ticks();
  }
  told_.notify_all();
}

std::shared_ptr<const Verifier> Upkeep::verifier() const {
  const std::lock_guard lock(mutex_);
  return verifier_;
}

std::vector<AgentStatus> Upkeep::status() const {
  const std::lock_guard lock(mutex_);
  std::vector<AgentStatus> all = status_;
  const milliseconds now = monotonic_.ticks();
  for (AgentStatus& one : all) {
    if (one.has_keys) one.keys_age += std::chrono::floor<std::chrono::seconds>(now - status_at_);
    if (one.has_feed) one.feed_staleness = table_.staleness(one.issuer, now).value_or(nanoseconds::max());
  }
  return all;
}

bool Upkeep::is_ready() const {
  return has_all_sets_ && std::ranges::all_of(members_, [this](const auto& member) {
           return !member->issuer.feed || table_.staleness(member->name, monotonic_.ticks()) != nanoseconds::max();
         });
}

// A gauge that is written when something is heard would stand still just when nothing is heard any more.
std::string Upkeep::feed_metrics() const {
  const auto escaped = [](const std::string& text) {
    std::string out;
    for (const char c : text) {
      if (c == '"' || c == '\\') out += '\\';
      out += c == '\n' ? ' ' : c;
    }
    return out;
  };
  std::string lines;
  for (const auto& member : members_) {
    const auto staleness = table_.staleness(member->name, monotonic_.ticks());
    if (!staleness.has_value()) continue;
    const auto age = std::chrono::duration_cast<milliseconds>(*staleness).count();
    const std::string text = *staleness == nanoseconds::max() ? "+Inf" : std::to_string(age);
    lines += "jeton_agent_feed_staleness_milliseconds{issuer=\"" + escaped(member->name) + "\"} " + text + "\n";
  }
  if (lines.empty()) return lines;
  return "# HELP jeton_agent_feed_staleness_milliseconds For how long the feed was not known to be complete; +Inf: "
         "never heard, or its clock is ahead\n# TYPE jeton_agent_feed_staleness_milliseconds gauge\n" +
         lines;
}

bool Upkeep::wait_until_ready(milliseconds time_max) const {
  std::unique_lock lock(mutex_);
  return told_.wait_for(lock, time_max, [this] { return is_ready(); });
}

void Upkeep::saw_unknown_key(std::string_view kid) noexcept {
  if (kid.empty() || kid.size() > options_.limits.kid_bytes_max) return;
  if (!unknown_.is_worth_asking(kid, monotonic_.ticks())) {
    unknown_not_asked_.add();
    return;
  }
  try {
    asio::post(loop_, [this] {
      for (const auto& member : members_) member->keys->ask(FetchReason::unknown_key);
    });
  } catch (const std::bad_alloc&) {  // another token will say so again
  }
}

void Upkeep::show() {
  metrics_.sample_gauge("jeton_agent_revocations", "Live entries of all feeds",
                        [this] { return table_.counts().entries; });
  metrics_.sample_gauge("jeton_agent_revocation_bytes", "Memory of the table of revoked tokens",
                        [this] { return table_.counts().bytes; });
  metrics_.sample_counter("jeton_agent_revocations_left_out_total",
                          "Entries beyond feed_entries_max; tokens of before them count as stale",
                          [this] { return table_.counts().left_out; });
  metrics_.sample_counter("jeton_agent_feed_clock_ahead_total", "Statements from a clock more than 30 s ahead",
                          [this] { return table_.counts().clock_ahead; });
  metrics_.sample_counter("jeton_agent_verifiers_total", "Verifiers made: one for each change of keys",
                          [this] { return generation(); });
  metrics_.sample_counter("jeton_agent_unknown_keys_not_asked_total",
                          "Tokens of unknown keys for which nothing was fetched",
                          [this] { return unknown_not_asked_.value(); });
  metrics_.sample_gauge("jeton_agent_has_all_keys", "1 if the keys of all issuers are known",
                        [this] { return has_all_keys() ? 1U : 0U; });
}

namespace {

// Empty: it can be started like that.
std::string problem_of(const AgentOptions& options) {
  if (options.issuers.empty()) return "the agent has no issuer.";
  for (const AgentIssuer& one : options.issuers) {
    if (one.trust.issuer.accepts_any() || one.trust.issuer.accepted().size() != 1 ||
        one.trust.issuer.accepted().front().empty()) {
      return "each issuer of the agent has one name.";
    }
    const auto same = [&](const AgentIssuer& other) {
      return other.trust.issuer.accepted() == one.trust.issuer.accepted();
    };
    const std::string& name = one.trust.issuer.accepted().front();
    if (std::ranges::count_if(options.issuers, same) > 1) return name + ": is there twice.";
    if (one.feed && one.feed->pinned.size() == 0) return name + ": its feed has no pinned key.";
    if (one.feed && one.feed->client_id.empty()) return name + ": its feed has no client to follow it.";
  }
  if (options.state_directory.empty()) return {};
  if (::mkdir(options.state_directory.c_str(), S_IRWXU) != 0 && errno != EEXIST) {
    return options.state_directory + ": cannot be made: " + std::generic_category().message(errno) + ".";
  }
  return {};
}

}  // namespace
}  // namespace agent

struct Agent::State {
  explicit State(AgentOptions options) : upkeep(std::move(options), clock, monotonic, metrics) {}
  platform::SystemClock clock;
  platform::SteadyClock monotonic;
  platform::Metrics metrics;
  agent::Upkeep upkeep;
};

Agent::Agent(std::unique_ptr<State> state) : state_(std::move(state)) {}
Agent::~Agent() = default;

std::expected<std::unique_ptr<Agent>, std::string> Agent::start(AgentOptions options) {
  if (std::string problem = agent::problem_of(options); !problem.empty()) return std::unexpected(std::move(problem));
  if (options.log) platform::set_log_sink(options.log);
  std::unique_ptr<Agent> made(new Agent(std::make_unique<State>(std::move(options))));
  made->state_->upkeep.start();
  return made;
}

std::shared_ptr<const Verifier> Agent::verifier() const { return state_->upkeep.verifier(); }
std::uint64_t Agent::generation() const noexcept { return state_->upkeep.generation(); }
const RevocationTable& Agent::revocations() const noexcept { return state_->upkeep.table(); }
void Agent::saw_unknown_key(std::string_view kid) noexcept { state_->upkeep.saw_unknown_key(kid); }
bool Agent::has_all_keys() const noexcept { return state_->upkeep.has_all_keys(); }
bool Agent::wait_until_ready(std::chrono::milliseconds time_max) const {
  return state_->upkeep.wait_until_ready(time_max);
}
bool Agent::leave_state(std::chrono::milliseconds time_max) { return state_->upkeep.leave_state(time_max); }
void Agent::take_state() { state_->upkeep.take_state(); }
void Agent::stop() noexcept { state_->upkeep.stop(); }
std::vector<AgentStatus> Agent::status() const { return state_->upkeep.status(); }
std::string Agent::metrics() const { return state_->metrics.text() + state_->upkeep.feed_metrics(); }
std::chrono::nanoseconds Agent::monotonic() noexcept { return platform::SteadyClock().ticks(); }

}  // namespace jeton
