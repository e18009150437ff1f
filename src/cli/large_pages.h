// Large pages for memory that is walked at random: the token cache of a gateway. On a virtual machine a look-up waits
// longer for where its page is than for what is on it.
#pragma once

namespace jeton::cli {

// Begins this program anew, as the same process, with the C library's allocator asking for large pages
// (GLIBC_TUNABLES=glibc.malloc.hugetlb=1), which it can only be told at the start. Comes back if that is so already, if
// the variable speaks of it in another way, or if it cannot be done; nothing is worse then, only slower. To be called
// before threads, files and sockets.
void use_large_pages() noexcept;

}  // namespace jeton::cli
