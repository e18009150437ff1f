// libsodium must be started once before its first use; this does so, from any thread.
#pragma once

namespace jeton::crypto {

// Aborts if the system's random generator cannot be opened: nothing in this room could be trusted then.
void start_sodium() noexcept;

}  // namespace jeton::crypto
