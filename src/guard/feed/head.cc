#include "guard/feed/head.h"

#include "guard/feed/entry.h"
#include "jose/base64url.h"

#include <jeton/jws.h>
#include <jeton/value.h>
#include <jeton/verifier.h>

#include <algorithm>
#include <charconv>
#include <span>
#include <utility>

namespace jeton::feed {
namespace {

namespace base64url = jose::base64url;

constexpr std::size_t place_epoch_bytes_max = 128;

std::string hash_text(const FeedHash& hash) { return base64url::encode(std::span<const std::byte>(hash)); }

bool read_hash(std::string_view text, FeedHash& out) {
  return text.size() == base64url::encoded_size(out.size()) && base64url::decode(text, out.data());
}

Value value_of(const Head& head) {
  return Value::object()
      .set("iss", head.issuer)
      .set("epoch", head.epoch)
      .set("n", static_cast<std::int64_t>(head.number))
      .set("h", hash_text(head.hash))
      .set("t", head.time);
}

bool read_text(const Value& object, std::string_view name, std::string& out) {
  const Value* found = object.find(name);
  if (found == nullptr || found->if_string() == nullptr || found->if_string()->empty()) return false;
  out = *found->if_string();
  return true;
}

bool read_hash(const Value& object, std::string_view name, FeedHash& out) {
  std::string text;
  return read_text(object, name, text) && read_hash(text, out);
}

bool read_number(const Value& object, std::string_view name, std::int64_t& out) {
  const Value* found = object.find(name);
  if (found == nullptr || found->if_integer() == nullptr || *found->if_integer() < 0) return false;
  out = *found->if_integer();
  return true;
}

bool read_kids(const Value& object, std::vector<std::string>& out) {
  const Value* found = object.find("kids");
  if (found == nullptr || found->if_array() == nullptr || found->if_array()->size() > snapshot_kids_max) return false;
  for (const Value& kid : *found->if_array()) {
    if (kid.if_string() == nullptr || kid.if_string()->empty()) return false;
    out.push_back(*kid.if_string());
  }
  return true;
}

bool read_head(const Value& object, Head& out) {
  std::int64_t number = 0;
  if (!read_text(object, "iss", out.issuer) || !read_text(object, "epoch", out.epoch)) return false;
  if (!read_number(object, "n", number) || !read_hash(object, "h", out.hash)) return false;
  out.number = static_cast<std::uint64_t>(number);
  return read_number(object, "t", out.time);
}

std::optional<std::string> signed_as(const SigningKey& key, std::string_view payload, std::string_view typ) {
  auto compact = jws_sign(key, payload, {.typ = std::string(typ)});
  if (!compact.has_value()) return std::nullopt;
  return *std::move(compact);
}

// The `typ` is looked at beforehand; the signature then covers it.
std::optional<std::string> opened(std::string_view compact, const KeySet& pinned, std::string_view typ) {
  const auto header = untrusted_header_peek(compact);
  if (!header.has_value() || header->typ != typ) return std::nullopt;
  const auto payload = jws_verify(compact, pinned, AlgorithmRule::only({feed_algorithm}));
  if (!payload.has_value()) return std::nullopt;
  return payload->bytes();
}

}  // namespace

std::string payload_of(const Head& head) { return value_of(head).to_json(); }

std::string payload_of(const Snapshot& snapshot) {
  Value kids = Value::array();
  for (const std::string& kid : snapshot.kids) kids.push(kid);
  return value_of(snapshot.head)
      .set("digest", hash_text(snapshot.digest))
      .set("entries", static_cast<std::int64_t>(snapshot.entries))
      .set("kids", std::move(kids))
      .to_json();
}

std::optional<Head> parse_head(std::string_view payload) {
  const auto value = Value::parse(payload);
  Head head;
  if (!value.has_value() || !read_head(*value, head) || payload_of(head) != payload) return std::nullopt;
  return head;
}

std::optional<Snapshot> parse_snapshot(std::string_view payload) {
  const auto value = Value::parse(payload);
  Snapshot snapshot;
  std::int64_t entries = 0;
  if (!value.has_value() || !read_head(*value, snapshot.head)) return std::nullopt;
  if (!read_hash(*value, "digest", snapshot.digest) || !read_number(*value, "entries", entries)) return std::nullopt;
  if (!read_kids(*value, snapshot.kids)) return std::nullopt;
  snapshot.entries = static_cast<std::uint64_t>(entries);
  if (payload_of(snapshot) != payload) return std::nullopt;
  return snapshot;
}

std::optional<std::string> sign(const SigningKey& key, const Head& head) {
  return signed_as(key, payload_of(head), head_typ);
}

std::optional<std::string> sign(const SigningKey& key, const Snapshot& snapshot) {
  return signed_as(key, payload_of(snapshot), snapshot_typ);
}

std::optional<Head> open_head(std::string_view compact, const KeySet& pinned) {
  const auto payload = opened(compact, pinned, head_typ);
  return payload ? parse_head(*payload) : std::nullopt;
}

std::optional<Snapshot> open_snapshot(std::string_view compact, const KeySet& pinned) {
  const auto payload = opened(compact, pinned, snapshot_typ);
  return payload ? parse_snapshot(*payload) : std::nullopt;
}

std::string place_text(const Place& place) {
  return place.epoch + '.' + std::to_string(place.number) + '.' + hash_text(place.hash);
}

std::optional<Place> parse_place(std::string_view text) {
  const auto first = text.find('.');
  const auto second = first == std::string_view::npos ? first : text.find('.', first + 1);
  if (second == std::string_view::npos || first == 0 || first > place_epoch_bytes_max) return std::nullopt;
  if (!base64url::is_canonical(text.substr(0, first))) return std::nullopt;
  Place place{.epoch = std::string(text.substr(0, first))};
  const auto number = text.substr(first + 1, second - first - 1);
  const char* const end = number.data() + number.size();
  const auto [stop, error] = std::from_chars(number.data(), end, place.number);
  if (error != std::errc{} || stop != end || place.number > number_max) return std::nullopt;
  if (!read_hash(text.substr(second + 1), place.hash) || place_text(place) != text) return std::nullopt;
  return place;
}

}  // namespace jeton::feed
