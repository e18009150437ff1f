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
  // `room` takes room_for(payload, kid) bytes, is aligned for nodes, and lives as long as the state.
  State(const jose::JsonBuffer& payload, std::string_view key_kid, std::byte* const& room) noexcept;
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  jose::JsonView root() const noexcept { return {nodes, text}; }

  const jose::JsonNode* nodes = nullptr;
  const char* text = nullptr;
  std::size_t payload_size = 0;
  std::string_view kid;

  Algorithm algorithm{};
  std::uint32_t source = 0;  // which of the verifier's issuers
  // Whole seconds; a fraction is rounded up, so that comparing with a whole `now` stays exact.
  std::optional<std::int64_t> exp, nbf, iat;
  bool has_issuer = false, has_confirmation = false;
  std::string_view issuer, subject, token_id, client_id, session_id, scope;
};

}  // namespace jeton
