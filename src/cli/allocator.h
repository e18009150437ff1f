// The C library's allocator, told at the start what a gateway does with it.
//
// Large pages, for memory that is walked at random: the token cache. On a virtual machine a look-up waits longer for
// where its page is than for what is on it. And more pieces of each size at hand for each thread: a request under way
// holds some thirty small ones, many are under way at once, and what goes back beyond the few that are kept by default
// is joined with its neighbours in memory, which lie between cached tokens that nothing else would have to touch.
#pragma once

namespace jeton::cli {

// Begins this program anew, as the same process, with glibc.malloc.hugetlb=1 and glibc.malloc.tcache_count=256 in
// GLIBC_TUNABLES, which the allocator reads at the start alone. What that variable says already stays as it is. Comes
// back if all is said already or if it cannot be done; nothing is worse then, only slower. To be called before threads,
// files and sockets.
void set_up_allocator() noexcept;

}  // namespace jeton::cli
