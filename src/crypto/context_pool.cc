#include "crypto/context_pool.h"

namespace jeton::crypto {
namespace {

// Threads are numbered as they come, so that the first sixteen have a slot each.
std::size_t number_of_this_thread() noexcept {
  static std::atomic<std::size_t> next{0};
  thread_local const std::size_t number = next.fetch_add(1, std::memory_order_relaxed);
  return number;
}

}  // namespace

ContextPool::~ContextPool() {
  for (Slot& slot : slots_) EVP_PKEY_CTX_free(slot.context.load(std::memory_order_acquire));
}

ContextPool::Lease ContextPool::borrow() const noexcept {
  std::atomic<EVP_PKEY_CTX*>& slot = slots_[number_of_this_thread() % slot_count].context;
  EVP_PKEY_CTX* context = slot.exchange(nullptr, std::memory_order_acquire);
  if (context == nullptr) context = EVP_PKEY_CTX_dup(model_.get());
  return {slot, context};
}

ContextPool::Lease::~Lease() {
  EVP_PKEY_CTX* none = nullptr;
  if (context_ != nullptr && !slot_.compare_exchange_strong(none, context_, std::memory_order_release)) {
    EVP_PKEY_CTX_free(context_);
  }
}

}  // namespace jeton::crypto
