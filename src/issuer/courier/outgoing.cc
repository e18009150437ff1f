#include "issuer/courier/outgoing.h"

#include "issuer/completion.h"
#include "issuer/mail/mail.h"
#include "platform/files.h"
#include "platform/log.h"

#include <utility>

namespace jeton::issuer {

Outgoing::Outgoing(store::Store& store, const platform::ClockSource& clock, const Foundation& foundation,
                   OutgoingOptions options, platform::Metrics& metrics)
    : store_(store), clock_(clock), foundation_(foundation), options_(std::move(options)) {
  if (options_.smtp.has_value() || !options_.mail_drop.empty()) {
    mail_.emplace(
        store_, options_.mail_courier, [this](const store::OutboxMessage& message) { return deliver_mail(message); },
        metrics);
  }
  if (options_.webhook.has_value()) {
    webhook_.emplace(
        store_, options_.webhook_courier,
        [this](const store::OutboxMessage& message) {
          return deliver_to_webhook(*options_.webhook, message, clock_.now_seconds());
        },
        metrics);
  }
}

platform::Outcome<void> Outgoing::announce() {
  const auto told =
      waited<bool>([&](auto done) { store_.outbox().want_events(options_.webhook.has_value(), std::move(done)); });
  if (!told.has_value()) return std::unexpected(platform::Fault{told.error().message, ""});
  return {};
}

void Outgoing::start() {
  if (mail_) mail_->start();
  if (webhook_) webhook_->start();
}

void Outgoing::stop() {
  if (mail_) mail_->stop();
  if (webhook_) webhook_->stop();
}

std::size_t Outgoing::run_once() { return (mail_ ? mail_->run_once() : 0) + (webhook_ ? webhook_->run_once() : 0); }

Delivery Outgoing::deliver_mail(const store::OutboxMessage& message) {
  const auto log_failure = [&](std::string_view reason) {
    platform::log_warning("mail not sent", {{"kind", message.kind},
                                            {"sub", message.sub},
                                            {"id", message.message_id},
                                            {"attempt", message.attempts},
                                            {"reason", reason}});
  };
  const auto mail = open_mail(foundation_.accounts_key, message.sealed);
  const auto text = mail ? compose(*mail, options_.mail_from, message.message_id, message.created_at) : std::nullopt;
  if (!text) {
    log_failure("it cannot be opened or composed");
    return Delivery::impossible;
  }
  if (!options_.smtp.has_value()) {
    const auto written = platform::write_private_file(options_.mail_drop + '/' + message.message_id + ".eml", *text,
                                                      platform::Existing::replace);
    if (!written.has_value()) log_failure(written.error().text());
    return written.has_value() ? Delivery::delivered : Delivery::later;
  }
  const auto sent = send_by_smtp(*options_.smtp, options_.mail_from, mail->to, *text);
  if (sent.has_value()) return Delivery::delivered;
  log_failure(sent.error().text);
  return sent.error().is_permanent ? Delivery::impossible : Delivery::later;
}

}  // namespace jeton::issuer
