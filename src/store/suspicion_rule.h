// The rules of suspicion as pure functions: how unlike its session's device somebody is who presents its refresh token,
// and what follows. Each sign counts for so much, the sum is compared with the operator's thresholds.
//
//   fingerprint  60   the client sent one before, and now another or none
//   agent        30   another program or another system; a newer version is the same
//   network      10   neither the network it was last seen in nor that of its sign-in (/24, /48)
//   both        +40   agent and network at once: people travel and people update, seldom in the same moment
//   two places  +30   the token that was just rotated, once more within the grace, but from another network
//
// What it looks at changes with a rotation alone. So what was read under a generation is what an UPDATE under that
// generation acts on, and a back end may ask before it updates without opening a race.
#pragma once

#include "store/ids.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace jeton::store {

// In the order of their weight.
enum class SuspicionAction : std::uint8_t {
  none,
  log,     // the operator's log
  notify,  // the audit and the operator's webhook too
  login,   // this presenter gets nothing and is told to sign in; nothing ends
  end,     // the session ends, and no other
};

// From which score on each is done; 0: never. The gravest that applies is.
struct SuspicionRules {
  std::uint32_t log = 0, notify = 0, login = 0, end = 0;
  bool any() const noexcept { return log != 0 || notify != 0 || login != 0 || end != 0; }
};

// Views are read during the call only.
struct DeviceFacts {
  std::string_view agent;              // "Chrome/126;Linux"; empty: unknown
  std::span<const std::byte> address;  // 4 or 16 bytes; empty: unknown
  std::optional<Fingerprint> fingerprint{};
};

struct Suspicion {
  std::uint32_t score = 0;
  bool fingerprint = false, agent = false, network = false, two_places = false;
  SuspicionAction action = SuspicionAction::none;

  // "fingerprint, agent": the signs that were seen.
  std::string signs() const {
    std::string text;
    const auto add = [&](bool seen, std::string_view name) {
      if (seen) text.append(text.empty() ? "" : ", ").append(name);
    };
    add(fingerprint, "fingerprint");
    add(agent, "agent");
    add(network, "network");
    add(two_places, "two places");
    return text;
  }
};

// "Chrome/126;Linux" without the version.
inline std::string agent_without_version(std::string_view agent) {
  const std::size_t semicolon = std::min(agent.find(';'), agent.size());
  const std::size_t slash = agent.substr(0, semicolon).rfind('/');
  std::string text(agent.substr(0, std::min(slash, semicolon)));
  return text.append(agent.substr(semicolon));
}

inline bool same_network(std::span<const std::byte> a, std::span<const std::byte> b) {
  if (a.size() != b.size()) return false;
  const std::size_t prefix = a.size() == 4 ? 3 : 6;
  return a.size() >= prefix && std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(prefix), b.begin());
}

inline SuspicionAction action_for(std::uint32_t score, const SuspicionRules& rules) {
  const auto reached = [score](std::uint32_t threshold) { return threshold != 0 && score >= threshold; };
  if (reached(rules.end)) return SuspicionAction::end;
  if (reached(rules.login)) return SuspicionAction::login;
  if (reached(rules.notify)) return SuspicionAction::notify;
  return reached(rules.log) ? SuspicionAction::log : SuspicionAction::none;
}

// `last` as of the last rotation, `first_address` of the sign-in (empty: the same as the last, or forgotten after its
// time; it excuses nothing then); `repeats`: the token that was just rotated is presented once more. What is not known
// of the last use is no sign.
inline Suspicion suspect(const DeviceFacts& last, std::span<const std::byte> first_address, const DeviceFacts& now,
                         bool repeats, const SuspicionRules& rules) {
  Suspicion found;
  found.fingerprint = last.fingerprint.has_value() && last.fingerprint != now.fingerprint;
  found.agent = !last.agent.empty() && agent_without_version(last.agent) != agent_without_version(now.agent);
  const bool elsewhere = !last.address.empty() && !now.address.empty() && !same_network(last.address, now.address);
  found.network = elsewhere && !same_network(first_address, now.address);
  found.two_places = repeats && elsewhere;
  found.score = (found.fingerprint ? 60U : 0U) + (found.agent ? 30U : 0U) + (found.network ? 10U : 0U) +
                (found.agent && found.network ? 40U : 0U) + (found.two_places ? 30U : 0U);
  found.action = action_for(found.score, rules);
  return found;
}

}  // namespace jeton::store
