// Connection: one connection to a Redis or Valkey server, for batches of counts. Blocking, with timeouts: for a thread
// of its own, never an event loop's.
#pragma once

#include "gateway/shared_limits/server_address.h"
#include "guard/limits/exchange.h"

#include <jeton/secret.h>

#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

struct redisContext;
struct redisReply;

namespace jeton::gateway {

struct ConnectionOptions {
  ServerAddress server{};
  std::string user{};      // of the server's access list; empty: its default user
  SecretBytes password{};  // empty: none is asked for
  std::string prefix = "jeton";
  std::chrono::milliseconds connect_timeout{500};
  std::chrono::milliseconds reply_timeout{250};
};

// Counts that are told together. Sent again with the same number it counts once.
struct Batch {
  static constexpr std::size_t callers_max = 128;
  std::uint64_t number = 0;
  std::string mark{};  // what tells it from the batches of others: gateway and lane
  std::vector<UnsentCount> told{};
};

// What all together know of each caller of a batch: ns ahead or a count; -1: nothing could be told.
using BatchAnswer = std::vector<std::int64_t>;

class Connection {
 public:
  // Connects, says who it is, and brings the script. The fault is for a log; it holds no secret.
  static std::expected<Connection, std::string> open(const ConnectionOptions& options);

  // Sends all batches at once and reads their answers. After a fault the connection is of no use.
  std::expected<std::vector<BatchAnswer>, std::string> exchange(std::span<const Batch> batches,
                                                                std::chrono::nanoseconds monotonic);
  std::expected<void, std::string> ping();

 private:
  struct Close {
    void operator()(redisContext* context) const noexcept;
  };
  struct Forget {
    void operator()(redisReply* reply) const noexcept;
  };
  using Reply = std::unique_ptr<redisReply, Forget>;
  using Words = std::vector<std::string>;

  explicit Connection(redisContext* context, const ConnectionOptions& options)
      : context_(context), prefix_(options.prefix) {}
  std::expected<void, std::string> introduce(const ConnectionOptions& options);
  std::expected<void, std::string> load_script();
  std::expected<Reply, std::string> next_reply();
  std::expected<Reply, std::string> ask(std::span<const std::string_view> words);
  std::expected<BatchAnswer, std::string> answer_of(const Batch& batch, const redisReply& reply) const;
  bool send(const Batch& batch, std::chrono::nanoseconds monotonic);
  std::string fault() const;

  std::unique_ptr<redisContext, Close> context_;
  std::string prefix_;
  std::string script_;  // its name at the server
};

}  // namespace jeton::gateway
