// What is behind a VerifiedToken: the payload, parsed once, in one block of memory, and what is asked of it most.
#pragma once

#include "jose/json.h"

#include <jeton/algorithm.h>
#include <jeton/verified_token.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace jeton {

struct VerifiedToken::State {
  // A state with copies of the payload's nodes and text and of the kid behind it, all in one block.
  static std::shared_ptr<State> make(const jose::JsonBuffer& payload, std::string_view key_kid);
  // A copy that also holds the token as it was spelled.
  static std::shared_ptr<State> with_compact(const State& from, std::string_view spelled);

  // `room` lies behind the state, takes all that is copied, and is aligned for nodes.
  State(const jose::JsonBuffer& payload, std::string_view key_kid, std::byte* const& room) noexcept;
  State(const State& from, std::string_view spelled, std::byte* const& room) noexcept;
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  jose::JsonView root() const noexcept { return {nodes, text}; }

  // What a cache looks at comes first, and the token's text is the first behind the state.
  std::uint64_t generation = 0;              // of the verifier
  std::string_view compact;                  // empty but in a cache
  mutable std::shared_ptr<const State> own;  // a cache's share in it, guarded by the cache's lock
  // Whole seconds; a fraction is rounded up, so that comparing with a whole `now` stays exact.
  std::optional<std::int64_t> exp, nbf, iat;
  std::uint32_t source = 0;  // which of the verifier's issuers
  Algorithm algorithm{};
  bool has_issuer = false, has_confirmation = false;

  const jose::JsonNode* nodes = nullptr;
  const char* text = nullptr;
  std::size_t text_size = 0, payload_size = 0;
  std::string_view kid;
  std::string_view issuer, subject, token_id, client_id, session_id, scope;  // in the text
};

}  // namespace jeton
