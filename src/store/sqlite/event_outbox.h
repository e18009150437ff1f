// Events in the outbox, for whoever writes them in the transaction of a change.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "store/ids.h"
#include "store/sqlite/connection.h"

namespace jeton::store::sqlite {

// The kinds are listed, with their details, in docs/webhooks.md.
struct Event {
  std::string_view kind;  // "user.password_changed"
  std::string_view sub{};
  std::optional<Sid> sid{};
  std::string_view detail{};  // one JSON object, or empty
};

// Whether append_event would keep one: for what it would be a pity to work out for nobody.
bool events_wanted(Connection&);

// Keeps the event for the operator's webhook. Does nothing while no webhook is configured; drops and counts the event
// when outbox_messages_max are waiting: what happened must not fail because nobody listens, and the audit has it.
void append_event(Connection&, const Event&);

// False when outbox_messages_max are waiting.
bool outbox_has_room(Connection&);

// Keeps a mail, `sealed` by the issuer. Ask for room first.
void append_mail(Connection&, std::string_view kind, std::string_view sub, std::span<const std::byte> sealed);

}  // namespace jeton::store::sqlite
