// Outgoing: the couriers of one process: mail by SMTP or into a directory, events to a webhook.
#pragma once

#include "issuer/courier/courier.h"
#include "issuer/foundation.h"
#include "issuer/mail/smtp.h"
#include "issuer/webhooks/webhook.h"
#include "platform/clock.h"
#include "platform/fault.h"
#include "platform/metrics.h"
#include "store/store.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

namespace jeton::issuer {

struct OutgoingOptions {
  std::string mail_from{};            // "jeton@example.com"
  std::optional<SmtpOptions> smtp{};  // else
  std::string mail_drop{};            // a directory, for development: each mail a file in it. Empty: no mail leaves
  std::optional<WebhookOptions> webhook{};
  CourierOptions webhook_courier{.channel = store::Channel::event, .name = "webhook"};
  // The lease is longer than a batch of mails that each take all their time; links are no use after a day.
  CourierOptions mail_courier{.channel = store::Channel::mail,
                              .name = "mail",
                              .batch_messages_max = 5,
                              .first_delay = std::chrono::seconds{30},
                              .age_max = std::chrono::hours{24}};
};

class Outgoing {
 public:
  // All of these outlive it.
  Outgoing(store::Store& store, const platform::ClockSource& clock, const Foundation& foundation,
           OutgoingOptions options, platform::Metrics& metrics);

  // Tells the store whether events are wanted. Waits for the store.
  platform::Outcome<void> announce();
  // Delivers in the background, until stop().
  void start();
  void stop();
  // One round of each, on this thread: how many messages were claimed.
  std::size_t run_once();

 private:
  Delivery deliver_mail(const store::OutboxMessage& message);

  store::Store& store_;
  const platform::ClockSource& clock_;
  const Foundation& foundation_;
  OutgoingOptions options_;
  std::optional<Courier> mail_, webhook_;  // last: their threads use what is above
};

}  // namespace jeton::issuer
