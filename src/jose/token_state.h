// What is behind a VerifiedToken: the payload, parsed once, in one block of memory, and what is asked of it most.
#pragma once

#include "jose/json.h"

#include <jeton/algorithm.h>
#include <jeton/verified_token.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace jeton {

class TokenMemory;

struct VerifiedToken::State {
  // A state with copies of the payload's nodes and text and of the kid behind it, all in one block.
  static std::shared_ptr<State> make(const jose::JsonBuffer& payload, std::string_view key_kid);
  // A copy that also holds the token as it was spelled, and lies in that memory.
  static std::shared_ptr<State> with_compact(const State& from, std::string_view spelled,
                                             std::shared_ptr<TokenMemory> memory);

  // `room` lies behind the state, takes all that is copied, and is aligned for nodes.
  State(const jose::JsonBuffer& payload, std::string_view key_kid, std::byte* const& room) noexcept;
  State(const State& from, std::string_view spelled, std::byte* const& room) noexcept;
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  jose::JsonView root() const noexcept { return {nodes, text}; }
  // A claim by its name.
  std::optional<jose::JsonView> find(std::string_view name) const noexcept {
    const std::uint64_t key = jose::name_key(name);
    const std::uint8_t place = places[jose::name_bit(key)];
    if (place == 0 && !has_more) return std::nullopt;
    const jose::JsonView claim(nodes + place, text);
    if (place != 0 && claim.key() == key && (name.size() <= jose::name_key_bytes || claim.name() == name)) return claim;
    return root().find(name);
  }
  // Notes where that claim is, so that it is found at once.
  void note(jose::JsonView claim) noexcept {
    std::uint8_t& place = places[jose::name_bit(claim.key())];
    const std::ptrdiff_t index = claim.node() - nodes;
    if (index > UINT8_MAX)
      has_more = true;
    else if (place == 0)
      place = static_cast<std::uint8_t>(index);
  }

  // What a cache looks at comes first, and the token's text is the first behind the state.
  std::uint64_t generation = 0;              // of the verifier
  std::string_view compact;                  // empty but in a cache
  mutable std::shared_ptr<const State> own;  // a cache's share in it, guarded by the cache's lock
  // Whole seconds; a fraction is rounded up, so that comparing with a whole `now` stays exact.
  std::optional<std::int64_t> exp, nbf, iat;
  std::uint32_t source = 0;  // which of the verifier's issuers
  Algorithm algorithm{};
  bool has_issuer = false, has_confirmation = false;
  bool has_more = false;  // claims that `places` has no room for

  const jose::JsonNode* nodes = nullptr;
  const char* text = nullptr;
  std::size_t text_size = 0, payload_size = 0;
  std::string_view kid;
  // By name_bit: the node of a claim with that bit, 0 if there is none. Of several that share one, the first.
  std::array<std::uint8_t, jose::name_bits> places{};
  std::string_view issuer, subject, token_id, client_id, session_id, scope;  // in the text
};

}  // namespace jeton
