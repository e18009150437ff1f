#include "gateway/shared_limits/connection.h"

#include "gateway/shared_limits/script.h"

#include <fmt/format.h>
#include <hiredis/hiredis.h>

#include <array>
#include <iterator>
#include <utility>

namespace jeton::gateway {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr std::string_view mark_seconds = "3600";
constexpr std::string_view day_count_seconds = "172800";

timeval timeval_of(milliseconds time) {
  timeval converted{};
  converted.tv_sec = time.count() / 1000;
  converted.tv_usec = time.count() % 1000 * 1000;
  return converted;
}

std::string_view text_of(const redisReply& reply) {
  return reply.str == nullptr ? std::string_view() : std::string_view(reply.str, reply.len);
}

// Microseconds with all of the nanoseconds.
std::string microseconds(std::int64_t ns) { return fmt::format("{}.{:03}", ns / 1000, ns % 1000); }

std::string key_of(std::string_view prefix, const UnsentCount& told) {
  if (told.rate.kind() == LimitKind::rate)
    return fmt::format("{}:r:{:016x}{:016x}", prefix, told.key.high, told.key.low);
  return fmt::format("{}:q:{}:{:016x}{:016x}", prefix, told.day, told.key.high, told.key.low);
}

void add_arguments(std::vector<std::string>& words, const UnsentCount& told, nanoseconds monotonic) {
  if (told.rate.kind() == LimitKind::rate) {
    const std::int64_t interval = told.rate.interval().count();
    const std::int64_t window = interval * static_cast<std::int64_t>(told.rate.burst());
    // More than the debt that can be is none the less that.
    const std::int64_t count =
        std::min<std::int64_t>(told.count, (window * (LimitExchange::debt_windows + 1)) / interval + 1);
    const std::int64_t age = std::max<std::int64_t>((monotonic - told.since).count(), 0);
    words.insert(words.end(), {"r", microseconds(interval * count), microseconds(told.ahead.count()), microseconds(age),
                               microseconds(window)});
    return;
  }
  words.insert(words.end(), {"q", std::to_string(told.count), std::to_string(told.counted_on_day),
                             std::string(day_count_seconds), "0"});
}

}  // namespace

void Connection::Close::operator()(redisContext* context) const noexcept { redisFree(context); }
void Connection::Forget::operator()(redisReply* reply) const noexcept { freeReplyObject(reply); }

std::string Connection::fault() const {
  return context_->err == 0 ? std::string("closed") : std::string(context_->errstr);
}

std::expected<Connection, std::string> Connection::open(const ConnectionOptions& options) {
  const ServerAddress& server = options.server;
  const timeval timeout = timeval_of(options.connect_timeout);
  redisContext* const context = server.host.empty()
                                    ? redisConnectUnixWithTimeout(server.socket.c_str(), timeout)
                                    : redisConnectWithTimeout(server.host.c_str(), server.port, timeout);
  if (context == nullptr) return std::unexpected(std::string("no memory"));
  Connection connection(context, options);
  if (context->err != 0) return std::unexpected(connection.fault());
  if (redisSetTimeout(context, timeval_of(options.reply_timeout)) != REDIS_OK)
    return std::unexpected(connection.fault());
  if (auto done = connection.introduce(options); !done.has_value()) return std::unexpected(std::move(done).error());
  if (auto done = connection.load_script(); !done.has_value()) return std::unexpected(std::move(done).error());
  return connection;
}

std::expected<void, std::string> Connection::introduce(const ConnectionOptions& options) {
  if (!options.password.empty()) {
    const auto bytes = options.password.reveal(InsecureSecretAccess::get());
    std::vector<std::string_view> words{"AUTH"};
    if (!options.user.empty()) words.push_back(options.user);
    words.emplace_back(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (auto reply = ask(words); !reply.has_value()) return std::unexpected(std::move(reply).error());
  }
  if (options.server.database != 0) {
    const std::string database = std::to_string(options.server.database);
    if (auto reply = ask(std::array<std::string_view, 2>{"SELECT", database}); !reply.has_value())
      return std::unexpected(std::move(reply).error());
  }
  return {};
}

std::expected<void, std::string> Connection::load_script() {
  auto reply = ask(std::array<std::string_view, 3>{"SCRIPT", "LOAD", exchange_script});
  if (!reply.has_value()) return std::unexpected(std::move(reply).error());
  script_ = text_of(**reply);
  return {};
}

std::expected<void, std::string> Connection::ping() {
  auto reply = ask(std::array<std::string_view, 1>{"PING"});
  if (!reply.has_value()) return std::unexpected(std::move(reply).error());
  return {};
}

std::expected<Connection::Reply, std::string> Connection::next_reply() {
  void* reply = nullptr;
  if (redisGetReply(context_.get(), &reply) != REDIS_OK || reply == nullptr) return std::unexpected(fault());
  return Reply(static_cast<redisReply*>(reply));
}

std::expected<Connection::Reply, std::string> Connection::ask(std::span<const std::string_view> words) {
  std::vector<const char*> texts;
  std::vector<std::size_t> sizes;
  for (const std::string_view word : words) {
    texts.push_back(word.data());
    sizes.push_back(word.size());
  }
  if (redisAppendCommandArgv(context_.get(), static_cast<int>(words.size()), texts.data(), sizes.data()) != REDIS_OK)
    return std::unexpected(fault());
  auto reply = next_reply();
  if (reply.has_value() && (*reply)->type == REDIS_REPLY_ERROR) return std::unexpected(std::string(text_of(**reply)));
  return reply;
}

bool Connection::send(const Batch& batch, nanoseconds monotonic) {
  Words words{"EVALSHA", script_, std::to_string(batch.told.size() + 1), prefix_ + ":g:" + batch.mark};
  for (const UnsentCount& told : batch.told) words.push_back(key_of(prefix_, told));
  words.push_back(std::to_string(batch.number));
  words.emplace_back(mark_seconds);
  for (const UnsentCount& told : batch.told) add_arguments(words, told, monotonic);
  std::vector<const char*> texts;
  std::vector<std::size_t> sizes;
  for (const std::string& word : words) {
    texts.push_back(word.data());
    sizes.push_back(word.size());
  }
  return redisAppendCommandArgv(context_.get(), static_cast<int>(words.size()), texts.data(), sizes.data()) == REDIS_OK;
}

std::expected<BatchAnswer, std::string> Connection::answer_of(const Batch& batch, const redisReply& reply) const {
  if (reply.type == REDIS_REPLY_ERROR) return std::unexpected(std::string(text_of(reply)));
  if (reply.type != REDIS_REPLY_ARRAY || reply.elements != batch.told.size())
    return std::unexpected(std::string("an answer of another shape"));
  BatchAnswer answer;
  for (std::size_t i = 0; i < reply.elements; ++i) {
    const redisReply& element = *reply.element[i];
    if (element.type != REDIS_REPLY_INTEGER) return std::unexpected(std::string("an answer of another shape"));
    constexpr long long microseconds_max = 1'000'000'000'000'000;
    const bool is_time = batch.told[i].rate.kind() == LimitKind::rate && element.integer >= 0;
    answer.push_back(is_time ? std::min(element.integer, microseconds_max) * 1000 : element.integer);
  }
  return answer;
}

std::expected<std::vector<BatchAnswer>, std::string> Connection::exchange(std::span<const Batch> batches,
                                                                          nanoseconds monotonic) {
  for (const Batch& batch : batches) {
    if (!send(batch, monotonic)) return std::unexpected(fault());
  }
  std::vector<BatchAnswer> answers(batches.size());
  std::vector<std::size_t> without_script;
  std::string first_fault;
  for (std::size_t i = 0; i < batches.size(); ++i) {
    auto reply = next_reply();
    if (!reply.has_value()) return std::unexpected(std::move(reply).error());
    auto answer = answer_of(batches[i], **reply);
    if (answer.has_value())
      answers[i] = *std::move(answer);
    else if (answer.error().starts_with("NOSCRIPT"))
      without_script.push_back(i);
    else if (first_fault.empty())
      first_fault = std::move(answer).error();
  }
  if (!first_fault.empty()) return std::unexpected(first_fault);
  // The server's scripts were flushed: they are brought again, once.
  if (!without_script.empty()) {
    if (auto loaded = load_script(); !loaded.has_value()) return std::unexpected(std::move(loaded).error());
  }
  for (const std::size_t i : without_script) {
    if (!send(batches[i], monotonic)) return std::unexpected(fault());
    auto reply = next_reply();
    if (!reply.has_value()) return std::unexpected(std::move(reply).error());
    auto answer = answer_of(batches[i], **reply);
    if (!answer.has_value()) return std::unexpected(std::move(answer).error());
    answers[i] = *std::move(answer);
  }
  return answers;
}

}  // namespace jeton::gateway
