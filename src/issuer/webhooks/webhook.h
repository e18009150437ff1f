// Webhook: events as signed HTTP requests to the operator's own service, as docs/webhooks.md tells its author. The
// headers and the signature are those of Standard Webhooks, for which there are libraries.
#pragma once

#include "issuer/courier/courier.h"
#include "store/outbox.h"

#include <jeton/secret.h>
#include <jeton/time.h>

#include <chrono>
#include <string>
#include <string_view>

namespace jeton::issuer {

struct WebhookOptions {
  std::string url;     // https, or http to this machine; redirects are not followed
  SecretBytes secret;  // the HMAC key, 24 to 64 bytes
  std::string ca_file{};
  std::chrono::milliseconds time_max{10'000};
};

// {"type":…,"timestamp":…,"data":{"sub":…,"sid":…, the detail's members}}: the same bytes at every attempt.
std::string webhook_body(const store::OutboxMessage& message);

// "v1," and the base64 of HMAC-SHA256 over "ID.SECONDS.BODY".
std::string webhook_signature(const SecretBytes& secret, std::string_view id, UnixTime at, std::string_view body);

// One attempt. Delivered: any 2xx. Blocking.
Delivery deliver_to_webhook(const WebhookOptions& options, const store::OutboxMessage& message, UnixTime now);

}  // namespace jeton::issuer
