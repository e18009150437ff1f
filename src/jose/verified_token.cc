#include <jeton/verified_token.h>

#include "jose/json_value.h"
#include "jose/token_memory.h"
#include "jose/token_state.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <utility>

namespace jeton {
namespace {

using jose::JsonType;
using jose::JsonView;

std::unexpected<Error> wrong_type(std::string_view name, std::string_view expected) {
  return std::unexpected(Error{Errc::wrong_claim_type, std::string(name), std::string(expected)});
}

template <class Text>
Result<std::vector<Text>> texts_of(JsonView value, std::string_view name) {
  if (!value.is(JsonType::array)) return wrong_type(name, "an array of texts");
  std::vector<Text> texts;
  texts.reserve(value.size());
  for (const JsonView element : value.children()) {
    if (!element.is(JsonType::string)) return wrong_type(name, "an array of texts");
    texts.emplace_back(element.string());
  }
  return texts;
}

template <ClaimType T>
Result<T> read_as(JsonView value, std::string_view name) {
  if constexpr (std::same_as<T, std::string> || std::same_as<T, std::string_view>) {
    if (!value.is(JsonType::string)) return wrong_type(name, "a text");
    return T(value.string());
  } else if constexpr (std::same_as<T, std::int64_t>) {
    if (!value.is(JsonType::integer)) return wrong_type(name, "an integer");
    return value.integer();
  } else if constexpr (std::same_as<T, double>) {
    if (value.is(JsonType::integer)) return static_cast<double>(value.integer());
    if (!value.is(JsonType::number)) return wrong_type(name, "a number");
    return value.number();
  } else if constexpr (std::same_as<T, bool>) {
    if (!value.is(JsonType::boolean)) return wrong_type(name, "true or false");
    return value.boolean();
  } else if constexpr (std::same_as<T, Value>) {
    return jose::to_value(value);
  } else {
    return texts_of<typename T::value_type>(value, name);
  }
}

}  // namespace

namespace {

// Allocates the object, of which only std::allocate_shared knows the type, with room behind it, and tells where.
template <class T>
struct RoomBehind {
  using value_type = T;
  std::size_t room_bytes;
  std::byte** room;
  std::shared_ptr<TokenMemory> memory;  // none: the heap

  RoomBehind(std::size_t bytes, std::byte** tell, std::shared_ptr<TokenMemory> from = nullptr) noexcept
      : room_bytes(bytes), room(tell), memory(std::move(from)) {}
  template <class Other>
  RoomBehind(const RoomBehind<Other>& other) noexcept
      : room_bytes(other.room_bytes), room(other.room), memory(other.memory) {}

  T* allocate(std::size_t count) {
    static_assert(alignof(T) >= alignof(jose::JsonNode) && alignof(T) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);
    const std::size_t bytes = count * sizeof(T) + room_bytes;
    void* const made = memory == nullptr ? ::operator new(bytes) : memory->allocate(bytes);
    *room = static_cast<std::byte*>(made) + count * sizeof(T);
    return static_cast<T*>(made);
  }
  void deallocate(T* object, std::size_t count) noexcept {
    if (memory == nullptr) return ::operator delete(object);
    memory->deallocate(object, count * sizeof(T) + room_bytes);
  }
};

// Fills the room from its beginning.
class Room {
 public:
  explicit Room(std::byte* at) noexcept : at_(at) {}
  const std::byte* put(const void* from, std::size_t bytes) noexcept {
    std::byte* const to = at_;
    if (bytes > 0) std::memcpy(to, from, bytes);
    at_ += bytes;
    return to;
  }
  std::string_view put(std::string_view from) noexcept {
    return {reinterpret_cast<const char*>(put(from.data(), from.size())), from.size()};
  }
  // The room is aligned for nodes, and memcpy of a trivial type begins its lifetime.
  const jose::JsonNode* put(std::span<const jose::JsonNode> from) noexcept {
    return reinterpret_cast<const jose::JsonNode*>(put(from.data(), from.size_bytes()));
  }
  void skip(std::size_t bytes) noexcept { at_ += bytes; }

 private:
  std::byte* at_;
};

// What must stand behind so many bytes before nodes can follow.
std::size_t to_next_node(std::size_t bytes) noexcept { return -bytes % alignof(jose::JsonNode); }

std::span<const jose::JsonNode> nodes_of(const jose::JsonBuffer& payload) noexcept {
  return {payload.nodes.data(), payload.node_count};
}
std::span<const jose::JsonNode> nodes_of(const VerifiedToken::State& state) noexcept {
  return {state.nodes, state.nodes->span};
}

}  // namespace

std::shared_ptr<VerifiedToken::State> VerifiedToken::State::make(const jose::JsonBuffer& payload,
                                                                 std::string_view key_kid) {
  std::byte* room = nullptr;
  const RoomBehind<State> behind(nodes_of(payload).size_bytes() + payload.text.size() + key_kid.size(), &room);
  return std::allocate_shared<State>(behind, payload, key_kid, room);
}

std::shared_ptr<VerifiedToken::State> VerifiedToken::State::with_compact(const State& from, std::string_view spelled,
                                                                         std::shared_ptr<TokenMemory> memory) {
  std::byte* room = nullptr;
  const RoomBehind<State> behind(
      spelled.size() + to_next_node(spelled.size()) + nodes_of(from).size_bytes() + from.text_size + from.kid.size(),
      &room, std::move(memory));
  return std::allocate_shared<State>(behind, from, spelled, room);
}

VerifiedToken::State::State(const jose::JsonBuffer& payload, std::string_view key_kid, std::byte* const& room) noexcept
    : text_size(payload.text.size()), payload_size(payload.document_size) {
  Room rest(room);
  nodes = rest.put(nodes_of(payload));
  text = rest.put(std::string_view(payload.text)).data();
  kid = rest.put(key_kid);
}

VerifiedToken::State::State(const State& from, std::string_view spelled, std::byte* const& room) noexcept
    : generation(from.generation),
      exp(from.exp),
      nbf(from.nbf),
      iat(from.iat),
      source(from.source),
      algorithm(from.algorithm),
      has_issuer(from.has_issuer),
      has_confirmation(from.has_confirmation),
      has_more(from.has_more),
      text_size(from.text_size),
      payload_size(from.payload_size),
      places(from.places) {
  Room rest(room);
  compact = rest.put(spelled);
  rest.skip(to_next_node(spelled.size()));
  nodes = rest.put(nodes_of(from));
  text = rest.put(std::string_view(from.text, from.text_size)).data();
  kid = rest.put(from.kid);
  const auto here = [&](std::string_view there) {
    return there.data() == nullptr ? there : std::string_view(text + (there.data() - from.text), there.size());
  };
  issuer = here(from.issuer);
  subject = here(from.subject);
  token_id = here(from.token_id);
  client_id = here(from.client_id);
  session_id = here(from.session_id);
  scope = here(from.scope);
}

template <class T>
Result<T> VerifiedToken::read(std::string_view name) const {
  const auto claim = state_->find(name);
  if (!claim) return std::unexpected(Error{Errc::missing_claim, std::string(name)});
  return read_as<T>(*claim, name);
}

template <class T>
Result<T> VerifiedToken::read(std::initializer_list<std::string_view> path) const {
  std::string spelled;
  for (const std::string_view segment : path) {
    if (!spelled.empty()) spelled += '/';
    spelled += segment;
  }
  std::optional<JsonView> at = state_->root();
  for (const std::string_view segment : path) {
    if (!at->is(JsonType::object)) return wrong_type(spelled, "an object on the way");
    at = at->find(segment);
    if (!at) return std::unexpected(Error{Errc::missing_claim, spelled});
  }
  return read_as<T>(*at, spelled);
}

#define JETON_READABLE_AS(T)                                         \
  template Result<T> VerifiedToken::read<T>(std::string_view) const; \
  template Result<T> VerifiedToken::read<T>(std::initializer_list<std::string_view>) const;
JETON_READABLE_AS(std::string)
JETON_READABLE_AS(std::string_view)
JETON_READABLE_AS(std::int64_t)
JETON_READABLE_AS(double)
JETON_READABLE_AS(bool)
JETON_READABLE_AS(std::vector<std::string>)
JETON_READABLE_AS(std::vector<std::string_view>)
JETON_READABLE_AS(Value)
#undef JETON_READABLE_AS

bool VerifiedToken::has(std::string_view name) const noexcept { return state_->find(name).has_value(); }

bool VerifiedToken::claim_holds(std::string_view name, std::string_view text) const noexcept {
  const auto claim = state_->find(name);
  if (!claim) return false;
  if (claim->is(JsonType::string)) return claim->string() == text;
  if (!claim->is(JsonType::array)) return false;
  for (const JsonView element : claim->children()) {
    if (element.is(JsonType::string) && element.string() == text) return true;
  }
  return false;
}

std::string_view VerifiedToken::issuer() const noexcept { return state_->issuer; }
std::string_view VerifiedToken::subject() const noexcept { return state_->subject; }
std::string_view VerifiedToken::token_id() const noexcept { return state_->token_id; }
std::string_view VerifiedToken::client_id() const noexcept { return state_->client_id; }
std::string_view VerifiedToken::session_id() const noexcept { return state_->session_id; }

bool VerifiedToken::has_scope(std::string_view scope) const noexcept {
  if (scope.empty()) return false;
  std::string_view rest = state_->scope;
  while (!rest.empty()) {
    const std::size_t space = std::min(rest.find(' '), rest.size());
    if (rest.substr(0, space) == scope) return true;
    rest.remove_prefix(std::min(space + 1, rest.size()));
  }
  return false;
}

UnixTime VerifiedToken::expires_at() const noexcept {
  return state_->exp ? from_unix_seconds(*state_->exp) : UnixTime::max();
}

Algorithm VerifiedToken::algorithm() const noexcept { return state_->algorithm; }
std::string_view VerifiedToken::key_id() const noexcept { return state_->kid; }
std::string_view VerifiedToken::payload_json() const noexcept { return {state_->text, state_->payload_size}; }
Value VerifiedToken::payload() const { return jose::to_value(state_->root()); }

}  // namespace jeton
