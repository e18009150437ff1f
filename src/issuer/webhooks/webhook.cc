#include "issuer/webhooks/webhook.h"

#include "crypto/mac.h"
#include "http/client.h"
#include "issuer/base64.h"
#include "jose/base64url.h"
#include "platform/log.h"

#include <jeton/value.h>

#include <fmt/format.h>

#include <span>

namespace jeton::issuer {
namespace {

constexpr std::size_t answer_bytes_max = 64 * 1024;

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string iso_time(store::StoreTime at) {
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(at - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), time.hours().count(),
                     time.minutes().count(), time.seconds().count(), time.subseconds().count());
}

}  // namespace

std::string webhook_body(const store::OutboxMessage& message) {
  Value data = Value::object();
  if (!message.sub.empty()) data.set("sub", message.sub);
  if (message.sid) data.set("sid", jose::base64url::encode(*message.sid));
  if (const auto detail = Value::parse(message.detail); detail.has_value() && detail->if_object() != nullptr) {
    for (const auto& member : *detail->if_object()) data.set(member.name, member.value);
  }
  Value body = Value::object();
  body.set("type", message.kind);
  body.set("timestamp", iso_time(message.created_at));
  body.set("data", std::move(data));
  return body.to_json();
}

std::string webhook_signature(const SecretBytes& secret, std::string_view id, UnixTime at, std::string_view body) {
  const std::string head = fmt::format("{}.{}.", id, to_unix_seconds(at));
  const auto mac = crypto::hmac_sha256(secret, {bytes_of(head), bytes_of(body)});
  return "v1," + base64({reinterpret_cast<const char*>(mac.data()), mac.size()});
}

Delivery deliver_to_webhook(const WebhookOptions& options, const store::OutboxMessage& message, UnixTime now) {
  const std::string body = webhook_body(message);
  http::Headers headers;
  headers.add("Content-Type", "application/json");
  headers.add("webhook-id", message.message_id);
  headers.add("webhook-timestamp", std::to_string(to_unix_seconds(now)));
  headers.add("webhook-signature", webhook_signature(options.secret, message.message_id, now, body));
  const auto answer = http::fetch({.method = http::Method::post,
                                   .url = options.url,
                                   .headers = std::move(headers),
                                   .body = body,
                                   .ca_file = options.ca_file,
                                   .time_max = options.time_max,
                                   .body_bytes_max = answer_bytes_max});
  if (answer.has_value() && answer->status >= 200 && answer->status < 300) return Delivery::delivered;
  platform::log_warning(
      "webhook not delivered",
      {{"kind", message.kind},
       {"id", message.message_id},
       {"attempt", message.attempts},
       {"reason", answer.has_value() ? "answered " + std::to_string(answer->status) : answer.error().text()}});
  return Delivery::later;
}

}  // namespace jeton::issuer
