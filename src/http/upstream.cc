#include "http/upstream.h"

#include "http/tls.h"
#include "platform/log.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace jeton::http {
namespace {

constexpr std::chrono::seconds tell_interval{10};

}  // namespace

std::string_view name_of(UpstreamError error) noexcept {
  switch (error) {
    case UpstreamError::none_available: return "none_available";
    case UpstreamError::too_many: return "too_many";
    case UpstreamError::not_connected: return "not_connected";
    case UpstreamError::connect_time_over: return "connect_time_over";
    case UpstreamError::lost: return "lost";
    case UpstreamError::first_byte_time_over: return "first_byte_time_over";
    case UpstreamError::idle_time_over: return "idle_time_over";
    case UpstreamError::malformed: return "malformed";
    case UpstreamError::cancelled: return "cancelled";
  }
  return "unknown";
}

int status_of(UpstreamError error) noexcept {
  switch (error) {
    case UpstreamError::none_available:
    case UpstreamError::too_many: return 503;
    case UpstreamError::connect_time_over:
    case UpstreamError::first_byte_time_over:
    case UpstreamError::idle_time_over: return 504;
    case UpstreamError::not_connected:
    case UpstreamError::lost:
    case UpstreamError::malformed:
    case UpstreamError::cancelled: break;
  }
  return 502;
}

platform::Outcome<std::shared_ptr<Upstream>> Upstream::create(UpstreamOptions options) {
  std::shared_ptr<Upstream> upstream(new Upstream(std::move(options)));
  const UpstreamOptions& given = upstream->options_;
  if (given.servers.empty())
    return std::unexpected(platform::Fault{fmt::format("upstream {} has no servers.", given.name), "Name one."});
  for (const std::string& text : given.servers) {
    auto url = parse_url(text);
    if (!url || url->target != "/" || text.ends_with('?')) {
      return std::unexpected(
          platform::Fault{fmt::format("upstream {}: {} is not the address of a server.", given.name, text),
                          "Give scheme, host and port alone, as http://127.0.0.1:9000."});
    }
    upstream->servers_.push_back(std::make_unique<Server>(std::move(*url)));
  }
  const auto is_tls = [](const auto& server) { return server->url.tls; };
  if (std::ranges::any_of(upstream->servers_, is_tls)) {
    auto context = client_tls_context(given.ca_file);
    if (!context) return std::unexpected(std::move(context.error()));
    upstream->tls_ = std::make_shared<boost::asio::ssl::context>(std::move(*context));
  }
  const auto owner = std::make_shared<std::shared_ptr<Upstream>>(upstream);
  upstream->owned_ = owner;
  return std::shared_ptr<Upstream>(owner, upstream.get());
}

bool Upstream::is_available(std::size_t at, Now now) const noexcept {
  const Server& server = *servers_[at];
  return server.healthy.load(std::memory_order_relaxed) &&
         now.time_since_epoch().count() >= server.rests_until.load(std::memory_order_relaxed);
}

void Upstream::note_success(std::size_t at) noexcept {
  auto& failures = servers_[at]->failures;
  if (failures.load(std::memory_order_relaxed) != 0) failures.store(0, std::memory_order_relaxed);
}

void Upstream::note_failure(std::size_t at, Now now) noexcept {
  Server& server = *servers_[at];
  if (server.failures.fetch_add(1, std::memory_order_relaxed) + 1 < options_.passive_failures_max) return;
  server.failures.store(0, std::memory_order_relaxed);
  server.rests_until.store((now + options_.passive_rest_time).time_since_epoch().count(), std::memory_order_relaxed);
}

void Upstream::tell_unreachable(std::size_t at, std::string_view why, Now now) {
  Server& server = *servers_[at];
  const std::int64_t tick = now.time_since_epoch().count();
  std::int64_t before = server.told_at.load(std::memory_order_relaxed);
  const std::int64_t interval = Now::duration(tell_interval).count();
  if ((before != 0 && tick - before < interval) || !server.told_at.compare_exchange_strong(before, tick)) return;
  platform::log_warning("upstream server cannot be reached",
                        {{"upstream", options_.name}, {"server", server.authority}, {"reason", why}});
}

}  // namespace jeton::http
