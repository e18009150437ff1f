#include "issuer/devices/devices.h"

#include "crypto/mac.h"
#include "issuer/acting.h"
#include "issuer/completion.h"
#include "issuer/devices/user_agent.h"
#include "issuer/json_body.h"
#include "issuer/sessions/caller.h"
#include "issuer/sessions/sessions.h"
#include "jose/base64url.h"
#include "oauth/refresh_token.h"
#include "platform/log.h"

#include <jeton/value.h>

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

namespace jeton::issuer {
namespace {

std::int64_t unix_seconds(store::StoreTime time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

void set_known(Value& object, std::string name, std::string_view text) {
  if (!text.empty()) object.set(std::move(name), text);
}

Value described(const Context& context, const store::Session& session, const store::Sid& current) {
  const UserAgent agent = UserAgent::from_text(session.user_agent);
  Value device = Value::object();
  device.set("name", agent.name());
  set_known(device, "client", agent.client);
  set_known(device, "version", agent.version);
  set_known(device, "platform", agent.platform);
  Value one = Value::object();
  one.set("sid", oauth::sid_text(session.sid));
  one.set("current", session.sid == current);
  one.set("device", std::move(device));
  one.set("firstSeen", unix_seconds(session.auth_time));
  one.set("lastSeen", unix_seconds(std::max(session.rotated_at, session.repeated_at.value_or(session.rotated_at))));
  one.set("expiresAt", unix_seconds(session.idle_expires_at));
  set_known(one, "firstAddress", session.first_address);
  set_known(one, "lastAddress", session.address);
  if (context.places != nullptr) set_known(one, "place", context.places->place_of(session.address));
  return one;
}

http::Response failed(const Context& context, std::string_view reason) {
  context.metrics.store_faults.add();
  platform::log_error("sessions not served", {{"reason", reason}});
  return store_unavailable();
}

}  // namespace

boost::asio::awaitable<http::Response> answer_sessions(const Context& context, const http::Request& request) {
  auto caller = co_await caller_of(context, request);
  if (!caller.has_value()) co_return std::move(caller.error());
  const auto live = co_await completed<std::vector<store::Session>>(
      [&](auto done) { context.store.sessions().live_sessions_of(caller->user.sub, std::move(done)); });
  if (!live.has_value()) co_return failed(context, live.error().message);
  Value list = Value::array();
  for (const store::Session& session : *live) list.push(described(context, session, caller->session.sid));
  co_return http::json_response(200, Value::object().set("sessions", std::move(list)).to_json());
}

boost::asio::awaitable<http::Response> answer_end_session(const Context& context, const http::Request& request) {
  auto caller = co_await caller_of(context, request);
  if (!caller.has_value()) co_return std::move(caller.error());
  const auto sid = oauth::sid_from_text(request.parameter("sid"));
  if (!sid.has_value()) co_return refusal(404, "Not found");
  const auto ended = co_await completed<bool>([&](auto done) {
    context.store.sessions().end_own_session(caller->user.sub, *sid, store::EndReason::revoked, std::move(done),
                                             acting_user(caller->user.sub, request));
  });
  if (!ended.has_value()) co_return failed(context, ended.error().message);
  if (!*ended) co_return refusal(404, "Not found");
  http::Response response;
  response.status = 204;
  response.headers.set("Cache-Control", "no-store");
  co_return response;
}

boost::asio::awaitable<http::Response> answer_revoke_others(const Context& context, const http::Request& request) {
  auto caller = co_await caller_of(context, request);
  if (!caller.has_value()) co_return std::move(caller.error());
  const auto ended = co_await completed<std::int64_t>([&](auto done) {
    context.store.sessions().end_other_sessions(caller->user.sub, caller->session.sid, store::EndReason::revoked,
                                                std::move(done), acting_user(caller->user.sub, request));
  });
  if (!ended.has_value()) co_return failed(context, ended.error().message);
  co_return http::json_response(200, Value::object().set("ended", *ended).to_json());
}

std::expected<PresentedDevice, http::Response> presented_device(const Context& context, const http::Request& request) {
  PresentedDevice device{.agent = parse_user_agent(user_agent_of(request)).text()};
  const auto given = request.headers.all(fingerprint_header);
  if (given.empty()) return device;
  if (given.size() > 1) return std::unexpected(refusal(400, "X-Jeton-Fingerprint given more than once"));
  const std::string_view text = given.front();
  const bool is_visible = std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
  if (text.empty() || text.size() > fingerprint_bytes_max || !is_visible)
    return std::unexpected(refusal(400, "X-Jeton-Fingerprint must have 1 to 256 visible characters"));
  const auto mac = crypto::hmac_sha256(context.foundation.fingerprint_key, {std::as_bytes(std::span(text))});
  device.fingerprint.emplace();
  std::copy_n(mac.begin(), device.fingerprint->size(), device.fingerprint->begin());
  return device;
}

std::uint32_t sessions_max_of(const Rules& rules, const std::string& claims_json) {
  if (rules.sessions_max_by_plan.empty()) return rules.sessions_max;
  const auto claims = Value::parse(claims_json);
  const std::string* plan = claims.has_value() ? text_member(*claims, "plan") : nullptr;
  if (plan == nullptr) return rules.sessions_max;
  const auto found = rules.sessions_max_by_plan.find(*plan);
  return found == rules.sessions_max_by_plan.end() ? rules.sessions_max : found->second;
}

}  // namespace jeton::issuer
