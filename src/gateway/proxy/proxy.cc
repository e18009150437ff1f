#include "gateway/proxy/proxy.h"

#include "gateway/passed_method.h"
#include "gateway/proxy/relay.h"
#include "gateway/proxy/rewrite.h"
#include "http/response_writer.h"
#include "http/stream_exchange.h"
#include "http/upstream_pool.h"
#include "platform/entropy.h"

#include <array>
#include <map>
#include <random>
#include <span>
#include <utility>

namespace jeton::gateway {
namespace {

namespace asio = boost::asio;

std::mt19937_64 seeded() {
  std::array<std::uint32_t, 8> seed{};
  platform::random_bytes(std::as_writable_bytes(std::span(seed)));
  std::seed_seq sequence(seed.begin(), seed.end());
  return std::mt19937_64(sequence);
}

class Proxy final : public http::StreamService {
 public:
  Proxy(asio::io_context& loop, std::shared_ptr<const ProxyParts> parts)
      : loop_(loop), parts_(std::move(parts)), watch_(loop, parts_->objection), random_(seeded()) {}

  asio::awaitable<void> serve(http::StreamExchange& client) override;
  void close() noexcept override {
    watch_.close();
    for (auto& [upstream, pool] : pools_) pool->close();
  }

 private:
  asio::awaitable<void> relay(http::StreamExchange& client, const Forward& forward, Relayed& relayed);
  void tell(const http::StreamExchange& client, Relayed& relayed) const;
  std::shared_ptr<http::UpstreamPool> pool_of(const std::shared_ptr<http::Upstream>& upstream);

  asio::io_context& loop_;
  std::shared_ptr<const ProxyParts> parts_;
  PermitWatch watch_;
  std::mt19937_64 random_;  // of names that only have to differ
  std::map<const http::Upstream*, std::shared_ptr<http::UpstreamPool>> pools_;
};

std::shared_ptr<http::UpstreamPool> Proxy::pool_of(const std::shared_ptr<http::Upstream>& upstream) {
  if (const auto known = pools_.find(upstream.get()); known != pools_.end()) return known->second;
  // A new one comes with a new configuration, which has let go of others.
  std::erase_if(pools_, [](const auto& one) { return one.second->upstream().is_retired(); });
  return pools_[upstream.get()] = http::UpstreamPool::open(loop_, upstream);
}

asio::awaitable<void> Proxy::serve(http::StreamExchange& client) {
  const http::RequestHead& head = client.head();
  const Trace trace = trace_of(head.request, {random_(), random_(), random_()});
  Relayed relayed{.request = head, .trace = trace};
  const auto refuse = [&](int status, std::string_view error) {
    http::Response response = http::error_response(status, error);
    response.headers.add("X-Request-Id", trace.request_id);
    return response;
  };
  if (!is_passed_on(head.method_name())) {
    const http::Response response = refuse(405, "Method not allowed");
    co_await client.answer(response);
  } else if (hops_of(head.request) >= hops_max) {
    const http::Response response = refuse(508, "The request goes round in circles");
    co_await client.answer(response);
  } else {
    ProxyDecision decision = co_await parts_->decide(head, trace);
    if (auto* const response = std::get_if<http::Response>(&decision)) {
      response->headers.set("X-Request-Id", trace.request_id);
      co_await client.answer(*response);
    } else {
      const Forward& forward = std::get<Forward>(decision);
      co_await relay(client, forward, relayed);
      if (forward.permit) relayed.permit = &*forward.permit;
      tell(client, relayed);
      co_return;
    }
  }
  tell(client, relayed);
}

void Proxy::tell(const http::StreamExchange& client, Relayed& relayed) const {
  if (!parts_->observer) return;
  relayed.status = client.status();
  relayed.complete = client.answered();
  relayed.bytes_in = client.bytes_in();
  relayed.bytes_out = client.bytes_out();
  parts_->observer(relayed);
}

asio::awaitable<void> Proxy::relay(http::StreamExchange& client, const Forward& forward, Relayed& relayed) {
  const std::shared_ptr<http::UpstreamPool> pool = pool_of(forward.upstream);
  Relay relay(client, *pool, forward, relayed.trace);
  co_await relay.run(watch_);
  relayed.upstream = forward.upstream.get();
  if (relay.server()) relayed.server = forward.upstream->server(*relay.server()).authority;
  relayed.error = relay.error();
  relayed.attempts = relay.attempts();
  relayed.stage = relay.stage();
  relayed.permit_ended = relay.permit_ended();
}

}  // namespace

std::string_view name_of(RelayStage stage) noexcept {
  switch (stage) {
    case RelayStage::request: return "request";
    case RelayStage::answer: return "answer";
    case RelayStage::events: return "events";
    case RelayStage::websocket: return "websocket";
  }
  return "unknown";
}

http::StreamServiceFactory proxy_service(ProxyParts parts) {
  auto shared = std::make_shared<const ProxyParts>(std::move(parts));
  return [shared](asio::io_context& loop) { return std::make_unique<Proxy>(loop, shared); };
}

}  // namespace jeton::gateway
