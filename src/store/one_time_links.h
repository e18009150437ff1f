// OneTimeLinks: the secrets that are mailed to an address, to prove who reads it. The store has only their hashes.
//
// A link is good for one use, until it expires, until a newer one of its purpose replaces it, and for the address and
// (a reset) the password that its user had when it was made.
#pragma once

#include "store/error.h"
#include "store/ids.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace jeton::store {

// Stored by number: only ever append.
enum class LinkPurpose : std::uint8_t { verify_email, reset_password };

struct NewLink {
  LinkPurpose purpose = LinkPurpose::verify_email;
  std::string email_key;  // of the user that it is for
  Digest secret_hash{};
  std::chrono::milliseconds lifetime{};
  std::chrono::milliseconds pause{};     // no second one of its purpose and user within this
  std::vector<std::byte> sealed_mail{};  // goes into the outbox in the same group
};

enum class LinkOutcome : std::uint8_t {
  made,
  too_soon,  // one was made less than `pause` ago: nothing changed
  needless,  // the user is unknown or disabled, or the address is verified already: nothing changed
  no_room,   // the outbox is full: nothing changed
};

class OneTimeLinks {
 public:
  virtual ~OneTimeLinks() = default;
  virtual void make_link(NewLink, Completion<LinkOutcome> done) = 0;
  // Whose link it is; nothing if it is not good now. A read, which uses nothing up.
  virtual void find_link(LinkPurpose, Digest secret_hash, Completion<std::optional<std::string>> done) = 0;
  // Uses the link up and marks the address as verified. The sub; nothing if the link is not good.
  virtual void verify_email(Digest secret_hash, Completion<std::optional<std::string>> done) = 0;
  // Uses the link up, replaces the password, ends all sessions of the user, and marks the address as verified, in one
  // group. The sub; nothing if the link is not good.
  virtual void reset_password(Digest secret_hash, std::string new_hash,
                              Completion<std::optional<std::string>> done) = 0;
};

}  // namespace jeton::store
