// To whom mail may be sent.
#pragma once

#include <string_view>

namespace jeton::issuer {

// True if mail may be sent to the address: what RFC 5321 calls a dot-string before the `@`, beyond ASCII too, and a
// host name after it. Quoted local parts, address literals, and whatever could end a header or a command are refused;
// so no address can carry a second recipient or a line of its own.
bool is_mailable(std::string_view address) noexcept;

}  // namespace jeton::issuer
