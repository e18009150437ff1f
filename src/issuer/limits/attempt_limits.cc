#include "issuer/limits/attempt_limits.h"

#include "crypto/mac.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

namespace jeton::issuer {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

platform::Counter& counter_of(platform::Metrics& metrics, const char* budget) {
  return metrics.counter("jeton_attempts_refused_total", "Attempts refused because a budget was used up.",
                         {{"budget", budget}});
}

std::chrono::seconds whole_seconds(std::chrono::milliseconds wait) {
  return std::chrono::ceil<std::chrono::seconds>(wait);
}

}  // namespace

AttemptLimits::AttemptLimits(platform::Metrics& metrics)
    : key_(SecretBytes::random(32)),
      table_(slots),
      by_account_(counter_of(metrics, "account")),
      by_device_(counter_of(metrics, "device")),
      by_block_(counter_of(metrics, "block")),
      by_all_(counter_of(metrics, "all")) {
  metrics.sample_counter("jeton_attempt_table_evictions_total",
                         "Budgets forgotten early because the table of attempts was full.",
                         [this] { return table_.evictions(); });
}

std::uint64_t AttemptLimits::fingerprint(std::string_view kind, std::string_view a, std::string_view b) const {
  const std::array<std::byte, 1> mark{};
  const auto mac = crypto::hmac_sha256(key_, {bytes_of(kind), mark, bytes_of(a), mark, bytes_of(b)});
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < sizeof number; ++i) number = number << 8 | std::to_integer<std::uint64_t>(mac[i]);
  return std::max<std::uint64_t>(number, 1);  // 0 is a free slot
}

std::string AttemptLimits::block_of(std::string_view address) {
  const std::string text(address);
  std::array<unsigned char, 16> bytes{};
  if (::inet_pton(AF_INET, text.c_str(), bytes.data()) != 1) {
    if (::inet_pton(AF_INET6, text.c_str(), bytes.data()) != 1) return text;
    constexpr std::array<unsigned char, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    if (!std::equal(mapped.begin(), mapped.end(), bytes.begin())) {
      std::fill(bytes.begin() + 8, bytes.end(), 0);
      std::array<char, INET6_ADDRSTRLEN> out{};
      return std::string(::inet_ntop(AF_INET6, bytes.data(), out.data(), out.size())) + "/64";
    }
    std::copy(bytes.begin() + 12, bytes.end(), bytes.begin());
  }
  bytes[3] = 0;
  std::array<char, INET_ADDRSTRLEN> out{};
  return std::string(::inet_ntop(AF_INET, bytes.data(), out.data(), out.size())) + "/24";
}

std::optional<std::chrono::seconds> AttemptLimits::refuse(const Attempt& attempt, const AttemptRules& rules,
                                                          store::StoreTime now) {
  const auto asked = [&](std::uint64_t who, AttemptRate rate, platform::Counter& counter) {
    const auto wait = table_.wait_for(who, rate, now);
    if (wait.has_value()) counter.add();
    return wait;
  };
  if (!attempt.device.empty()) {
    const auto wait = asked(fingerprint("device", attempt.account, attempt.device), rules.device, by_device_);
    return wait.has_value() ? std::optional(whole_seconds(*wait)) : std::nullopt;
  }
  const std::array waits{asked(fingerprint("account", attempt.account), rules.account, by_account_),
                         asked(fingerprint("block", block_of(attempt.address)), rules.block, by_block_),
                         asked(fingerprint("all", {}), rules.all, by_all_)};
  const auto longest = *std::ranges::max_element(waits);
  return longest.has_value() ? std::optional(whole_seconds(*longest)) : std::nullopt;
}

void AttemptLimits::count_failure(const Attempt& attempt, const AttemptRules& rules, store::StoreTime now) {
  if (!attempt.device.empty()) {
    table_.charge(fingerprint("device", attempt.account, attempt.device), rules.device, now);
    return;
  }
  table_.charge(fingerprint("account", attempt.account), rules.account, now);
  table_.charge(fingerprint("block", block_of(attempt.address)), rules.block, now);
  table_.charge(fingerprint("all", {}), rules.all, now);
}

std::optional<std::chrono::seconds> AttemptLimits::take_request(std::string_view address, const AttemptRules& rules,
                                                                store::StoreTime now) {
  const std::uint64_t block = fingerprint("request block", block_of(address)), all = fingerprint("request all", {});
  const auto block_wait = table_.wait_for(block, rules.block, now), all_wait = table_.wait_for(all, rules.all, now);
  if (block_wait.has_value()) by_block_.add();
  if (all_wait.has_value()) by_all_.add();
  if (const auto longest = std::max(block_wait, all_wait); longest.has_value()) return whole_seconds(*longest);
  table_.charge(block, rules.block, now);
  table_.charge(all, rules.all, now);
  return std::nullopt;
}

}  // namespace jeton::issuer
