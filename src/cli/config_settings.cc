#include "cli/config_settings.h"

#include "cli/config_values.h"
#include "cli/smtp_url.h"
#include "cli/time_text.h"
#include "http/cors.h"
#include "http/forwarded.h"
#include "http/url.h"
#include "issuer/mail/address.h"
#include "issuer/registered_claims.h"
#include "platform/toml_document.h"

#include <jeton/claims.h>
#include <jeton/value.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <utility>

namespace jeton::cli {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// A TOML basic string is spelled as a JSON string.
std::string toml_text(std::string_view text) { return Value(text).to_json(); }

using platform::shown;

template <class Get>
Setting text_setting(std::string_view section, std::string_view name, std::string_view meaning, Get get,
                     std::function<std::string(std::string_view)> object) {
  return {section,
          name,
          meaning,
          false,
          [get](const Config& config) { return toml_text(get(const_cast<Config&>(config))); },
          [get, object](const toml::node& node, Config& config) -> std::string {
            const auto* text = node.as_string();
            if (text == nullptr) return fmt::format("must be a text in quotes, not {}", shown(node));
            std::string objection = object(text->get());
            if (objection.empty()) get(config) = text->get();
            return objection;
          }};
}

template <class Get>
Setting duration_setting(std::string_view section, std::string_view name, std::string_view meaning, seconds least,
                         seconds most, Get get) {
  return {section,
          name,
          meaning,
          true,
          [get](const Config& config) { return toml_text(duration_text(get(const_cast<Config&>(config)))); },
          [get, least, most](const toml::node& node, Config& config) -> std::string {
            const auto* text = node.as_string();
            const auto duration = text == nullptr ? std::nullopt : parse_duration(text->get());
            if (!duration.has_value())
              return fmt::format("must be a duration such as \"15m\" or \"30d\", not {}", shown(node));
            if (*duration < least || *duration > most) {
              return fmt::format("must be from {} to {}, not {}", duration_text(least), duration_text(most),
                                 shown(node));
            }
            get(config) = *duration;
            return {};
          }};
}

template <class Get>
Setting number_setting(std::string_view section, std::string_view name, std::string_view meaning, bool is_live,
                       std::uint32_t least, std::uint32_t most, Get get) {
  return {section,
          name,
          meaning,
          is_live,
          [get](const Config& config) { return std::to_string(get(const_cast<Config&>(config))); },
          [get, least, most](const toml::node& node, Config& config) -> std::string {
            const auto* number = node.as_integer();
            if (number == nullptr) return fmt::format("must be a whole number, not {}", shown(node));
            if (number->get() < least || number->get() > most) {
              return fmt::format("must be from {} to {}, not {}", least, most, number->get());
            }
            get(config) = static_cast<std::uint32_t>(number->get());
            return {};
          }};
}

template <class Get>
Setting truth_setting(std::string_view section, std::string_view name, std::string_view meaning, Get get) {
  return {section,
          name,
          meaning,
          true,
          [get](const Config& config) { return get(const_cast<Config&>(config)) ? "true" : "false"; },
          [get](const toml::node& node, Config& config) -> std::string {
            const auto* truth = node.as_boolean();
            if (truth == nullptr) return fmt::format("must be true or false, not {}", shown(node));
            get(config) = truth->get();
            return {};
          }};
}

std::string objection_to_store_url(std::string_view url) {
  if (url.starts_with("postgresql:") || url.starts_with("postgres:"))
    return "names PostgreSQL, which this version does not speak; use sqlite:PATH";
  if (!url.starts_with("sqlite:") || url.size() == std::string_view("sqlite:").size() || url.starts_with("sqlite://") ||
      url.ends_with('/')) {
    return "must be \"sqlite:PATH\", such as \"sqlite:data/jeton.db\"";
  }
  if (url.find('\0') != std::string_view::npos) return "must not hold NUL";
  return {};
}

constexpr std::array signing_choices{Algorithm::es256, Algorithm::rs256, Algorithm::ps256, Algorithm::eddsa};

Setting further_algorithms_setting() {
  return {"keys",
          "further_algorithms",
          "Algorithms besides [tokens] algorithm for which keys are kept ready, for clients that choose them:\n"
          "[\"RS256\", \"EdDSA\"].\n",
          false,
          [](const Config& config) {
            std::string text;
            for (const Algorithm one : config.further_algorithms)
              text += (text.empty() ? "" : ", ") + toml_text(name_of(one));
            return '[' + text + ']';
          },
          [](const toml::node& node, Config& config) -> std::string {
            const auto* list = node.as_array();
            if (list == nullptr) return fmt::format("must be a list of algorithms, not {}", shown(node));
            std::vector<Algorithm> algorithms;
            for (const toml::node& element : *list) {
              const auto* text = element.as_string();
              const auto algorithm = text == nullptr ? std::nullopt : algorithm_named(text->get());
              if (!algorithm.has_value() || std::ranges::find(signing_choices, *algorithm) == signing_choices.end()) {
                return fmt::format("must hold \"ES256\", \"RS256\", \"PS256\" or \"EdDSA\", not {}", shown(element));
              }
              if (std::ranges::find(algorithms, *algorithm) != algorithms.end())
                return fmt::format("holds {} twice", shown(element));
              algorithms.push_back(*algorithm);
            }
            config.further_algorithms = std::move(algorithms);
            return {};
          }};
}

Setting algorithm_setting() {
  return {
      "tokens",
      "algorithm",
      "Signs access tokens: ES256, RS256, PS256 or EdDSA. The very first key signs at once. One of an algorithm that "
      "is\n"
      "configured later signs when every verifier can know it; until then the one before goes on.\n"
      "HS256 is no choice here: whoever can verify such a token can also make one.\n",
      false,
      [](const Config& config) { return toml_text(name_of(config.algorithm)); },
      [](const toml::node& node, Config& config) -> std::string {
        const auto* text = node.as_string();
        const auto algorithm = text == nullptr ? std::nullopt : algorithm_named(text->get());
        if (algorithm.has_value() && is_symmetric(*algorithm)) {
          return fmt::format(
              "cannot be {}: every service that verifies such a token could make one; choose ES256, RS256, PS256 "
              "or EdDSA",
              text->get());
        }
        if (!algorithm.has_value() || std::ranges::find(signing_choices, *algorithm) == signing_choices.end()) {
          return fmt::format("must be \"ES256\", \"RS256\", \"PS256\" or \"EdDSA\", not {}", shown(node));
        }
        config.algorithm = *algorithm;
        return {};
      }};
}

std::string objection_to_claim(std::string_view name) {
  if (name.empty()) return "must not hold an empty name";
  if (issuer::is_registered_claim(name))
    return fmt::format("must not hold {}: Jeton sets that claim itself", toml_text(name));
  Value probe = Value::object();
  probe.set(std::string(name), true);
  if (!find_sensitive_name(probe).empty()) {
    return fmt::format("must not hold {}: it looks like a secret, and whoever has a token can read it",
                       toml_text(name));
  }
  return {};
}

Setting claims_setting() {
  return {"tokens",
          "claims",
          "Members of the user's record that go into access tokens; those that a record lacks are left out.\n",
          true,
          [](const Config& config) {
            std::string text;
            for (const std::string& name : config.rules.claims) text += (text.empty() ? "" : ", ") + toml_text(name);
            return '[' + text + ']';
          },
          [](const toml::node& node, Config& config) -> std::string {
            const auto* list = node.as_array();
            if (list == nullptr) return fmt::format("must be a list of names, not {}", shown(node));
            std::vector<std::string> names;
            for (const toml::node& element : *list) {
              const auto* name = element.as_string();
              if (name == nullptr) return fmt::format("must be a list of names, but holds {}", shown(element));
              if (std::string objection = objection_to_claim(name->get()); !objection.empty()) return objection;
              if (std::ranges::find(names, name->get()) != names.end())
                return fmt::format("holds {} twice", toml_text(name->get()));
              names.push_back(name->get());
            }
            config.rules.claims = std::move(names);
            return {};
          }};
}

// A list of texts, each with an objection of its own.
template <class Get>
Setting list_setting(std::string_view section, std::string_view name, std::string_view meaning, bool is_live, Get get,
                     std::function<std::string(std::string_view)> object) {
  return {section,
          name,
          meaning,
          is_live,
          [get](const Config& config) {
            std::string text;
            for (const std::string& element : get(const_cast<Config&>(config)))
              text += (text.empty() ? "" : ", ") + toml_text(element);
            return '[' + text + ']';
          },
          [get, object](const toml::node& node, Config& config) -> std::string {
            const auto* list = node.as_array();
            if (list == nullptr) return fmt::format("must be a list of texts, not {}", shown(node));
            std::vector<std::string> texts;
            for (const toml::node& element : *list) {
              const auto* text = element.as_string();
              if (text == nullptr) return fmt::format("must be a list of texts, but holds {}", shown(element));
              if (const std::string objection = object(text->get()); !objection.empty())
                return fmt::format("holds {}, which {}", toml_text(text->get()), objection);
              if (std::ranges::find(texts, text->get()) != texts.end())
                return fmt::format("holds {} twice", toml_text(text->get()));
              texts.push_back(text->get());
            }
            get(config) = std::move(texts);
            return {};
          }};
}

Setting argon2_memory_setting() {
  return {"accounts",
          "argon2_memory",
          "Memory of one password hash (Argon2id), from 19MiB to 1GiB.\n"
          "At most argon2_threads of them are computed at once.\n"
          "Hashes made with another cost are made anew at their user's next login.\n",
          true,
          [](const Config& config) { return toml_text(size_text(config.rules.argon2.memory_bytes)); },
          [](const toml::node& node, Config& config) -> std::string {
            constexpr std::uint64_t least = 19ULL << 20, most = 1ULL << 30;
            const auto* text = node.as_string();
            const auto bytes = text == nullptr ? std::nullopt : parse_size(text->get());
            if (!bytes.has_value()) return fmt::format("must be a size such as \"19MiB\", not {}", shown(node));
            if (*bytes < least || *bytes > most) return fmt::format("must be from 19MiB to 1GiB, not {}", shown(node));
            config.rules.argon2.memory_bytes = *bytes;
            return {};
          }};
}

// "10/10m": so many tries at once, regained evenly over the time.
template <class Get>
Setting tries_setting(std::string_view name, std::string_view meaning, Get get) {
  return {"accounts",
          name,
          meaning,
          true,
          [get](const Config& config) {
            const issuer::AttemptRate& rate = get(const_cast<Config&>(config));
            return toml_text(fmt::format("{}/{}", rate.burst, duration_text(std::chrono::floor<seconds>(rate.period))));
          },
          [get](const toml::node& node, Config& config) -> std::string {
            const auto* text = node.as_string();
            const std::string value = text == nullptr ? std::string() : text->get();
            const std::size_t slash = value.find('/');
            std::uint32_t burst = 0;
            const auto [end, error] =
                std::from_chars(value.data(), value.data() + std::min(slash, value.size()), burst);
            const auto period = slash == std::string::npos ? std::nullopt : parse_duration(value.substr(slash + 1));
            if (error != std::errc() || end != value.data() + slash || !period.has_value())
              return fmt::format("must be a number of tries and a time, such as \"10/10m\", not {}", shown(node));
            if (burst < 1 || burst > std::chrono::milliseconds(*period).count() || *period > days(1))
              return fmt::format("must be at least one try, one a millisecond at most, in 24h at most, not {}",
                                 shown(node));
            get(config) = {.burst = burst, .period = *period};
            return {};
          }};
}

Setting log_level_setting() {
  return {"log",
          "level",
          "How much is told on stderr, one JSON object a line: error, warning, info or debug.\n",
          true,
          [](const Config& config) -> std::string {
            switch (config.log_level) {
              case platform::LogLevel::debug: return "\"debug\"";
              case platform::LogLevel::info: return "\"info\"";
              case platform::LogLevel::warning: return "\"warning\"";
              case platform::LogLevel::error: return "\"error\"";
            }
            std::unreachable();
          },
          [](const toml::node& node, Config& config) -> std::string {
            const auto* text = node.as_string();
            const auto level = text == nullptr ? std::nullopt : platform::log_level_named(text->get());
            if (!level.has_value())
              return fmt::format("must be \"error\", \"warning\", \"info\" or \"debug\", not {}", shown(node));
            config.log_level = *level;
            return {};
          }};
}

std::vector<Setting> issuer_and_store_settings() {
  return {
      text_setting(
          "issuer", "url",
          "Who the tokens say they come from (`iss`), as your clients reach it: \"https://id.example.com\".\n"
          "Settled when the store is first used and never changed after that; empty: http://HOST:PORT of that first "
          "start.\n",
          [](Config& config) -> std::string& { return config.issuer_url; },
          [](std::string_view url) { return url.empty() ? std::string() : objection_to_issuer_url(url); }),
      text_setting(
          "issuer", "listen", "HOST:PORT to serve on; port 0 is any free one. The same as --listen.\n",
          [](Config& config) -> std::string& { return config.listen; },
          [](std::string_view text) -> std::string {
            return parse_listen_address(text).has_value() ? "" : "must be HOST:PORT, such as \"127.0.0.1:8080\"";
          }),
      text_setting(
          "store", "url",
          "Where users, sessions and sealed keys are kept: \"sqlite:PATH\". The master key lies beside it (master.key) "
          "unless\n"
          "JETON_MASTER_KEY or a systemd credential `jeton.master-key` gives it. --data DIR means "
          "\"sqlite:DIR/jeton.db\".\n",
          [](Config& config) -> std::string& { return config.store_url; }, objection_to_store_url),
  };
}

std::vector<Setting> token_settings() {
  return {
      algorithm_setting(),
      duration_setting("tokens", "access_lifetime", "How long an access token is good, 24h at most.\n", seconds(1),
                       issuer::access_lifetime_max,
                       [](Config& config) -> seconds& { return config.rules.access_lifetime; }),
      duration_setting("tokens", "session_idle", "A session ends when it was not refreshed for this long.\n",
                       minutes(1), days(3650), [](Config& config) -> seconds& { return config.rules.session_idle; }),
      duration_setting("tokens", "session_absolute", "A session ends this long after its sign-in, refreshed or not.\n",
                       minutes(1), days(3650),
                       [](Config& config) -> seconds& { return config.rules.session_absolute; }),
      duration_setting("tokens", "refresh_grace",
                       "For this long after a refresh the token before it is answered the same again (tabs, retries).\n"
                       "From 0s to 300s.\n"
                       "After that it counts as stolen, and the session ends.\n",
                       seconds(0), issuer::refresh_grace_max,
                       [](Config& config) -> seconds& { return config.rules.refresh_grace; }),
      claims_setting(),
      duration_setting("tokens", "jwks_max_age",
                       "How long others may keep the published keys (Cache-Control: max-age).\n", seconds(1), hours(24),
                       [](Config& config) -> seconds& { return config.rules.jwks_max_age; }),
  };
}

std::vector<Setting> key_settings() {
  return {
      duration_setting(
          "keys", "rotation_period",
          "How long a key signs before the next one takes over. Keys are published long enough before they "
          "sign,\n"
          "and long enough after, by themselves. At least 2s.\n",
          seconds(2), days(3650), [](Config& config) -> seconds& { return config.rules.key_rotation_period; }),
      further_algorithms_setting(),
  };
}

Setting audit_retention_setting() {
  return duration_setting("audit", "retention", "Audit entries are forgotten after this long, the oldest first.\n",
                          days(1), days(36500),
                          [](Config& config) -> seconds& { return config.rules.audit_retention; });
}

std::vector<Setting> account_settings() {
  return {
      truth_setting("accounts", "registration",
                    "Whether people may register by themselves (POST /api/auth/register).\n",
                    [](Config& config) -> bool& { return config.rules.registration_open; }),
      argon2_memory_setting(),
      number_setting("accounts", "argon2_passes", "Passes of one password hash.\n", true, 2, 20,
                     [](Config& config) -> std::uint32_t& { return config.rules.argon2.passes; }),
      number_setting("accounts", "argon2_threads", "How many password hashes are computed at once.\n", false, 1, 64,
                     [](Config& config) -> std::uint32_t& { return config.password_pool.threads; }),
      number_setting("accounts", "argon2_queue",
                     "How many logins may wait for one of those; the next is answered 503 with Retry-After.\n", false,
                     1, 10'000, [](Config& config) -> std::uint32_t& { return config.password_pool.queue_jobs_max; }),
  };
}

std::vector<Setting> verification_settings() {
  return {
      truth_setting("accounts", "verified_email_only",
                    "Whether an address must be verified by the link in a mail before its user may sign in.\n",
                    [](Config& config) -> bool& { return config.rules.verified_email_only; }),
      duration_setting("accounts", "verification_lifetime", "How long the link of a verification mail is good.\n",
                       minutes(5), days(30),
                       [](Config& config) -> seconds& { return config.rules.verification_lifetime; }),
      duration_setting("accounts", "reset_lifetime", "How long the link of a mail to choose a new password is good.\n",
                       minutes(5), days(1), [](Config& config) -> seconds& { return config.rules.reset_lifetime; }),
      tries_setting(
          "tries_per_account",
          "Wrong passwords for one account from devices that never signed in to it: so many at once, regained\n"
          "evenly over the time. Further tries are answered 429.\n",
          [](Config& config) -> issuer::AttemptRate& { return config.rules.attempts.account; }),
      tries_setting(
          "tries_per_device",
          "Wrong passwords from one device that has signed in to the account before. Nobody else's count here.\n",
          [](Config& config) -> issuer::AttemptRate& { return config.rules.attempts.device; }),
      tries_setting("tries_per_block",
                    "Wrong passwords, and requests for mails, from one block of addresses (IPv4 /24, IPv6 /64).\n",
                    [](Config& config) -> issuer::AttemptRate& { return config.rules.attempts.block; }),
      tries_setting("tries_in_all", "The same from everywhere together.\n",
                    [](Config& config) -> issuer::AttemptRate& { return config.rules.attempts.all; }),
  };
}

std::string objection_to_smtp(std::string_view url) {
  if (url.empty() || parse_smtp_url(url).has_value()) return {};
  return "must be \"smtps://HOST:PORT\" (TLS), \"smtp://HOST:PORT\" (STARTTLS), or \"smtp+plain://127.0.0.1:PORT\"";
}

std::string objection_to_from(std::string_view address) {
  return address.empty() || issuer::is_mailable(address) ? ""
                                                         : "must be a plain address, such as \"jeton@example.com\"";
}

std::string objection_to_webhook_url(std::string_view url) {
  if (url.empty()) return {};
  const auto parsed = http::parse_url(url);
  return parsed.has_value() ? "" : "must be an https URL, or http to this machine";
}

std::string no_objection(std::string_view) { return {}; }

std::vector<Setting> outgoing_settings() {
  return {
      text_setting(
          "mail", "smtp",
          "The mail server that takes the mails: \"smtps://HOST:465\" (TLS from the first byte) or\n"
          "\"smtp://HOST:587\" (STARTTLS, never without). \"smtp+plain://127.0.0.1:25\" speaks to this machine in "
          "clear.\n"
          "Empty, with no drop either: no mail is sent.\n",
          [](Config& config) -> std::string& { return config.mail.smtp; }, objection_to_smtp),
      text_setting(
          "mail", "from", "The address that mails come from.\n",
          [](Config& config) -> std::string& { return config.mail.from; }, objection_to_from),
      text_setting(
          "mail", "user", "The name for the mail server (AUTH PLAIN or LOGIN); empty: none is given.\n",
          [](Config& config) -> std::string& { return config.mail.user; }, no_objection),
      text_setting(
          "mail", "password_file", "The file that holds the password for it.\n",
          [](Config& config) -> std::string& { return config.mail.password_file; }, no_objection),
      text_setting(
          "mail", "ca_file", "A PEM file of authorities to trust for it, besides the system's.\n",
          [](Config& config) -> std::string& { return config.mail.ca_file; }, no_objection),
      text_setting(
          "mail", "drop", "For development: a directory into which mails are written instead.\n",
          [](Config& config) -> std::string& { return config.mail.drop; }, no_objection),
      text_setting(
          "mail", "link_base",
          "Where links in mails lead: LINK_BASE/verify-email#SECRET and LINK_BASE/reset-password#SECRET, pages of "
          "yours\n"
          "that pass the secret on. Empty: the issuer's URL.\n",
          [](Config& config) -> std::string& { return config.mail.link_base; },
          [](std::string_view url) { return url.empty() ? std::string() : objection_to_issuer_url(url); }),
      text_setting(
          "webhooks", "url",
          "Where events are sent (docs/webhooks.md): https, or http to this machine. Empty: nowhere.\n",
          [](Config& config) -> std::string& { return config.webhook.url; }, objection_to_webhook_url),
      text_setting(
          "webhooks", "secret_file",
          "The file that holds the secret they are signed with: \"whsec_\" and the base64 of 24 to 64 bytes.\n",
          [](Config& config) -> std::string& { return config.webhook.secret_file; }, no_objection),
      text_setting(
          "webhooks", "ca_file", "A PEM file of authorities to trust there, besides the system's.\n",
          [](Config& config) -> std::string& { return config.webhook.ca_file; }, no_objection),
  };
}

std::vector<Setting> serving_settings() {
  return {
      number_setting("http", "threads", "Event loops; 0: as many as the machine has cores, 8 at most.\n", false, 0, 256,
                     [](Config& config) -> std::uint32_t& { return config.http_threads; }),
      number_setting("http", "connections_max", "Open connections; further ones are refused.\n", false, 16, 1'000'000,
                     [](Config& config) -> std::uint32_t& { return config.connections_max; }),
      truth_setting("http", "metrics", "Whether GET /metrics answers (Prometheus' text format, counters only).\n",
                    [](Config& config) -> bool& { return config.rules.metrics_open; }),
      list_setting(
          "http", "origins",
          "Pages of other origins that may call from a browser, such as \"https://app.example.com\": whole origins, "
          "no\n"
          "patterns. Cookies are given to them and to pages of the issuer's own origin alone.\n",
          true, [](Config& config) -> std::vector<std::string>& { return config.rules.origins; },
          http::objection_to_origin),
      list_setting(
          "http", "trusted_proxies",
          "Addresses and networks of the proxies before this server, such as \"127.0.0.1\" or \"10.0.0.0/8\". What "
          "they\n"
          "say in X-Forwarded-For, -Proto and -Host is believed; from anybody else it is ignored.\n",
          false, [](Config& config) -> std::vector<std::string>& { return config.trusted_proxies; },
          [](std::string_view text) -> std::string {
            return http::parse_address_range(text).has_value() ? "" : "must be an address or a network";
          }),
      audit_retention_setting(),
      log_level_setting(),
  };
}

Setting at_cap_setting() {
  return {"sessions",
          "at_max",
          "What happens when somebody with as many sessions signs in once more: \"oldest goes\" (the one that was not "
          "used\n"
          "for longest ends) or \"new is refused\" (409 until another ends).\n",
          true,
          [](const Config& config) -> std::string {
            return config.rules.at_cap == store::AtCap::oldest_goes ? "\"oldest goes\"" : "\"new is refused\"";
          },
          [](const toml::node& node, Config& config) -> std::string {
            const auto* text = node.as_string();
            if (text != nullptr && text->get() == "oldest goes") {
              config.rules.at_cap = store::AtCap::oldest_goes;
            } else if (text != nullptr && text->get() == "new is refused") {
              config.rules.at_cap = store::AtCap::new_is_refused;
            } else {
              return fmt::format("must be \"oldest goes\" or \"new is refused\", not {}", shown(node));
            }
            return {};
          }};
}

constexpr std::uint32_t sessions_max_most = 1000;

Setting sessions_by_plan_setting() {
  return {
      "sessions",
      "max_by_plan",
      "The same by the plan in the user's record, such as { free = 2, pro = 20 }; who has another plan, or none, has\n"
      "max.\n",
      true,
      [](const Config& config) {
        std::string text;
        for (const auto& [plan, most] : config.rules.sessions_max_by_plan)
          text += fmt::format("{}{} = {}", text.empty() ? " " : ", ", toml_text(plan), most);
        return '{' + text + (text.empty() ? "}" : " }");
      },
      [](const toml::node& node, Config& config) -> std::string {
        const auto* table = node.as_table();
        if (table == nullptr) return fmt::format("must be a table such as {{ free = 2 }}, not {}", shown(node));
        config.rules.sessions_max_by_plan.clear();
        for (const auto& [plan, value] : *table) {
          const auto* number = value.as_integer();
          if (number == nullptr || number->get() < 0 || number->get() > sessions_max_most)
            return fmt::format("must give {} a number from 0 to {}", toml_text(plan.str()), sessions_max_most);
          config.rules.sessions_max_by_plan.emplace(plan.str(), static_cast<std::uint32_t>(number->get()));
        }
        return {};
      }};
}

Setting threshold_setting(std::string_view name, std::string_view meaning,
                          std::uint32_t store::SuspicionRules::* threshold) {
  return number_setting("suspicion", name, meaning, true, 0, 1000,
                        [threshold](Config& config) -> std::uint32_t& { return config.rules.suspicion.*threshold; });
}

std::vector<Setting> session_settings() {
  return {
      number_setting("sessions", "max", "How many live sessions one user may have; 0: any number.\n", true, 0,
                     sessions_max_most, [](Config& config) -> std::uint32_t& { return config.rules.sessions_max; }),
      sessions_by_plan_setting(),
      at_cap_setting(),
      threshold_setting("log",
                        "A refresh from a device unlike the session's is scored: fingerprint changed 60, another "
                        "program or system 30,\n"
                        "another network 10, both of these at once 40 more, the same token from two places 30. From "
                        "this score on it\n"
                        "is logged; 0: never.\n",
                        &store::SuspicionRules::log),
      threshold_setting("notify", "From this score on it goes into the audit and to the webhook too; 0: never.\n",
                        &store::SuspicionRules::notify),
      threshold_setting(
          "login",
          "From this score on the refresh is refused and that client told to sign in; access tokens given "
          "so far are cut,\nand the session goes on where it was; 0: never.\n",
          &store::SuspicionRules::login),
      threshold_setting("end", "From this score on that session ends, and no other; 0: never.\n",
                        &store::SuspicionRules::end),
      text_setting(
          "devices", "places",
          "A file in MaxMind's format (.mmdb) that knows where addresses are, for the list of devices; empty: none.\n",
          [](Config& config) -> std::string& { return config.places; },
          [](std::string_view path) -> std::string {
            return path.find('\0') == std::string_view::npos ? "" : "must not hold NUL";
          }),
      duration_setting(
          "devices", "retention",
          "A session's addresses and user agent are forgotten this long after they were last seen, within\n"
          "an hour or two on a large database.\n",
          days(1), days(36500), [](Config& config) -> seconds& { return config.rules.device_retention; }),
  };
}

Setting feed_waiting_setting() {
  return {"feed",
          "waiting_bytes_max",
          "News that may wait for one verifier, from 64KiB to 64MiB; one that reads too slowly is let go, and goes on\n"
          "from where it was.\n",
          false,
          [](const Config& config) { return toml_text(size_text(config.feed.waiting_bytes_max)); },
          [](const toml::node& node, Config& config) -> std::string {
            constexpr std::uint64_t least = 64ULL << 10, most = 64ULL << 20;
            const auto* text = node.as_string();
            const auto bytes = text == nullptr ? std::nullopt : parse_size(text->get());
            if (!bytes.has_value()) return fmt::format("must be a size such as \"1MiB\", not {}", shown(node));
            if (*bytes < least || *bytes > most) return fmt::format("must be from 64KiB to 64MiB, not {}", shown(node));
            config.feed.waiting_bytes_max = *bytes;
            return {};
          }};
}

std::vector<Setting> feed_settings() {
  return {
      number_setting("feed", "subscribers_max",
                     "Verifiers that follow the revocation feed of this node at once; the next is answered 503.\n",
                     false, 1, 100'000, [](Config& config) -> std::uint32_t& { return config.feed.subscribers_max; }),
      feed_waiting_setting(),
  };
}

}  // namespace

const std::vector<Setting>& all_settings() {
  static const std::vector<Setting> settings = [] {
    std::vector<Setting> all;
    for (auto part :
         {issuer_and_store_settings(), token_settings(), key_settings(), account_settings(), verification_settings(),
          outgoing_settings(), session_settings(), feed_settings(), serving_settings()}) {
      std::ranges::move(part, std::back_inserter(all));
    }
    return all;
  }();
  return settings;
}

}  // namespace jeton::cli
