#include "agent/stored_keys.h"

#include <jeton/value.h>

namespace jeton::agent {
namespace {

bool read_text(const Value& from, std::string_view name, std::string& to) {
  const Value* const value = from.find(name);
  const std::string* const text = value ? value->if_string() : nullptr;
  if (text == nullptr) return false;
  to = *text;
  return true;
}

}  // namespace

std::string text_of(const StoredKeys& keys) {
  return Value::object()
             .set("issuer", keys.issuer)
             .set("source", keys.source)
             .set("confirmed_at", to_unix_seconds(keys.confirmed_at))
             .set("epoch", keys.epoch)
             .set("jwks", keys.jwks)
             .to_json() +
         '\n';
}

std::optional<StoredKeys> read_stored_keys(std::string_view text, std::string_view issuer, std::string_view source,
                                           UnixTime now, std::chrono::seconds age_max) {
  const auto value = Value::parse(text.substr(0, text.find_last_not_of('\n') + 1));
  if (!value.has_value()) return std::nullopt;
  StoredKeys keys;
  const bool is_whole = read_text(*value, "issuer", keys.issuer) && read_text(*value, "source", keys.source) &&
                        read_text(*value, "epoch", keys.epoch) && read_text(*value, "jwks", keys.jwks);
  const Value* const confirmed = value->find("confirmed_at");
  const std::int64_t* const seconds = confirmed ? confirmed->if_integer() : nullptr;
  if (!is_whole || seconds == nullptr || *seconds < 0 || *seconds > numeric_date_max) return std::nullopt;
  keys.confirmed_at = from_unix_seconds(*seconds);
  if (keys.issuer != issuer || keys.source != source) return std::nullopt;
  const auto age = now - keys.confirmed_at;
  if (age < -stored_from_future_max || age > age_max) return std::nullopt;
  return keys;
}

}  // namespace jeton::agent
