// ContextPool: one prepared EVP_PKEY_CTX, and copies of it for the threads that use it.
//
// A context takes one operation at a time but any number in a row (EVP_PKEY_verify(3), EVP_PKEY_sign(3)). Copying one
// for each signature costs allocations; so a copy, once made, waits in the slot of the thread that used it. Two threads
// that share a slot never share a context: whoever finds the slot empty makes a copy.
#pragma once

#include "crypto/openssl_ptr.h"

#include <array>
#include <atomic>
#include <cstddef>

namespace jeton::crypto {

class ContextPool {
 public:
  // `prepared` is initialised for one operation and never used but as the model of copies.
  explicit ContextPool(PkeyContextPtr prepared) noexcept : model_(std::move(prepared)) {}
  ~ContextPool();
  ContextPool(const ContextPool&) = delete;
  ContextPool& operator=(const ContextPool&) = delete;

  // A context for this thread alone, until it ends. Empty (get() is null) only when memory has ended.
  class Lease {
   public:
    Lease(std::atomic<EVP_PKEY_CTX*>& slot, EVP_PKEY_CTX* context) noexcept : slot_(slot), context_(context) {}
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease();
    EVP_PKEY_CTX* get() const noexcept { return context_; }

   private:
    std::atomic<EVP_PKEY_CTX*>& slot_;
    EVP_PKEY_CTX* context_;
  };
  Lease borrow() const noexcept;

 private:
  static constexpr std::size_t slot_count = 16;
  struct alignas(64) Slot {  // a cache line each, so that neighbours do not disturb one another
    std::atomic<EVP_PKEY_CTX*> context{nullptr};
  };

  PkeyContextPtr model_;
  mutable std::array<Slot, slot_count> slots_;
};

}  // namespace jeton::crypto
