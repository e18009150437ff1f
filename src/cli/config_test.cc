#include "cli/config.h"

#include "cli/config_settings.h"
#include "cli/config_values.h"

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

namespace jeton::cli {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

std::string refusal_of(std::string_view text) {
  const auto config = parse_config(text, "jeton.toml");
  return config.has_value() ? "accepted" : config.error().text();
}

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(Config, NothingIsNeeded) {
  const auto config = parse_config("", "jeton.toml");
  ASSERT_TRUE(config.has_value());
  EXPECT_EQ(config->listen, "127.0.0.1:8080");
  EXPECT_EQ(config->store_url, "sqlite:data/jeton.db");
  EXPECT_EQ(config->rules.access_lifetime, minutes(15));
  EXPECT_EQ(config->rules.refresh_grace, seconds(10));
  EXPECT_TRUE(config->rules.registration_open);
  EXPECT_EQ(config->algorithm, Algorithm::es256);
}

TEST(Config, EverySettingIsTakenOver) {
  const auto config = parse_config(R"(
[issuer]
url = "https://id.example.com"
listen = "[::1]:9000"
[store]
url = "sqlite:/var/lib/jeton/jeton.db"
[tokens]
algorithm = "EdDSA"
access_lifetime = "24h"
session_idle = "7d"
session_absolute = "1d12h"
refresh_grace = "0s"
claims = ["plan"]
jwks_max_age = "1h"
)",
                                   "jeton.toml");
  EXPECT_FALSE(config.has_value()) << "idle is longer than absolute";
  const auto good = parse_config(R"(
[issuer]
url = "https://id.example.com"
listen = "[::1]:9000"
[store]
url = "sqlite:/var/lib/jeton/jeton.db"
[tokens]
algorithm = "EdDSA"
access_lifetime = "24h"
session_idle = "7d"
session_absolute = "8d12h"
refresh_grace = "0s"
claims = ["plan"]
jwks_max_age = "1h"
[accounts]
registration = false
argon2_memory = "64MiB"
argon2_passes = 3
argon2_threads = 4
argon2_queue = 10
[http]
threads = 2
connections_max = 500
metrics = false
[log]
level = "warning"
)",
                                 "jeton.toml");
  ASSERT_TRUE(good.has_value()) << good.error().text();
  EXPECT_EQ(good->issuer_url, "https://id.example.com");
  EXPECT_EQ(good->listen, "[::1]:9000");
  EXPECT_EQ(good->store_url, "sqlite:/var/lib/jeton/jeton.db");
  EXPECT_EQ(good->algorithm, Algorithm::eddsa);
  EXPECT_EQ(good->rules.access_lifetime, hours(24));
  EXPECT_EQ(good->rules.session_idle, days(7));
  EXPECT_EQ(good->rules.session_absolute, days(8) + hours(12));
  EXPECT_EQ(good->rules.refresh_grace, seconds(0));
  EXPECT_EQ(good->rules.claims, std::vector<std::string>{"plan"});
  EXPECT_EQ(good->rules.jwks_max_age, hours(1));
  EXPECT_FALSE(good->rules.registration_open);
  EXPECT_EQ(good->rules.argon2.memory_bytes, 64U << 20);
  EXPECT_EQ(good->rules.argon2.passes, 3U);
  EXPECT_EQ(good->password_pool.threads, 4U);
  EXPECT_EQ(good->password_pool.queue_jobs_max, 10U);
  EXPECT_EQ(good->http_threads, 2U);
  EXPECT_EQ(good->connections_max, 500U);
  EXPECT_FALSE(good->rules.metrics_open);
  EXPECT_EQ(good->log_level, platform::LogLevel::warning);
}

TEST(Config, AnUnknownSettingIsRefusedWithTheNearestName) {
  EXPECT_EQ(refusal_of(std::string(12, '\n') + "[tokens]\naccess_lifetme = \"15m\"\n"),
            "jeton.toml:14: [tokens] access_lifetme is not a setting; did you mean access_lifetime?");
  EXPECT_EQ(refusal_of("[issuer]\nlog_everything = true\n"),
            "jeton.toml:2: [issuer] log_everything is not a setting; [issuer] has url, listen");
  EXPECT_EQ(refusal_of("[log]\nregistration = true\n"),
            "jeton.toml:2: [log] registration is not a setting; did you mean [accounts] registration?");
  EXPECT_EQ(refusal_of("[token]\n"), "jeton.toml:1: [token] is not a section; did you mean [tokens]?");
  EXPECT_EQ(refusal_of("listen = \"127.0.0.1:1\"\n"),
            "jeton.toml:1: listen stands in no section; did you mean [issuer] listen?");
  EXPECT_EQ(refusal_of("colour = 1\n"),
            "jeton.toml:1: colour is not a setting; settings stand in a section, such as [issuer]");
  EXPECT_EQ(refusal_of("tokens = 1\n"), "jeton.toml:1: tokens is a section: write [tokens] and its settings below it");
}

TEST(Config, EverythingWrongIsSaidAtOnceInTheOrderOfTheLines) {
  EXPECT_EQ(refusal_of("[tokens]\nrefresh_grace = \"301s\"\nclaims = 3\n[log]\nlevel = \"loud\"\n"),
            "jeton.toml:2: [tokens] refresh_grace must be from 0s to 5m, not \"301s\"\n"
            "jeton.toml:3: [tokens] claims must be a list of names, not 3\n"
            "jeton.toml:5: [log] level must be \"error\", \"warning\", \"info\" or \"debug\", not \"loud\"");
}

TEST(Config, AHalfWrittenFileIsRefusedByItsLine) {
  EXPECT_TRUE(refusal_of("[tokens]\naccess_lifetime = \"15").starts_with("jeton.toml:2: "));
  EXPECT_TRUE(refusal_of("[tok").starts_with("jeton.toml:1: "));
  EXPECT_TRUE(refusal_of("[log]\nlevel = \"info\"\nlevel = \"info\"\n").starts_with("jeton.toml:3: "));
  EXPECT_TRUE(refusal_of("[log]\n[log]\n").starts_with("jeton.toml:2: "));
  EXPECT_TRUE(refusal_of("\xff").starts_with("jeton.toml:1: "));
}

TEST(Config, WrongTypesAndValuesAreRefused) {
  const auto is_refused = [](std::string_view section, std::string_view line) {
    const std::string text = "[" + std::string(section) + "]\n" + std::string(line) + "\n";
    EXPECT_TRUE(refusal_of(text).starts_with("jeton.toml:2: [" + std::string(section) + "] "))
        << line << ": " << refusal_of(text);
  };
  for (const std::string_view line : {"access_lifetime = 15",
                                      "access_lifetime = \"15\"",
                                      "access_lifetime = \"0s\"",
                                      "access_lifetime = \"86401s\"",
                                      "access_lifetime = \"-5m\"",
                                      "access_lifetime = \"1.5h\"",
                                      "access_lifetime = \"5 m\"",
                                      "access_lifetime = \"\"",
                                      "access_lifetime = \"99999999999999999999d\"",
                                      "session_idle = \"1s\"",
                                      "refresh_grace = true",
                                      "algorithm = \"HS256\"",
                                      "algorithm = \"none\"",
                                      "algorithm = \"es256\"",
                                      "algorithm = \"ES384\"",
                                      "algorithm = 1",
                                      "claims = [\"sub\"]",
                                      "claims = [\"password\"]",
                                      "claims = [\"cardNumber\"]",
                                      "claims = [1]",
                                      "claims = [\"plan\", \"plan\"]",
                                      "claims = [\"\"]"}) {
    is_refused("tokens", line);
  }
  for (const std::string_view line :
       {"url = \"id.example.com\"", "url = \"https://\"", "url = \"https://a?b\"", "url = \"https://a#b\"",
        "url = \"https://u@a\"", "url = \"https://a b\"", "listen = \"8080\"", "listen = \":8080\"",
        "listen = \"127.0.0.1:\"", "listen = \"127.0.0.1:65536\"", "listen = \"::1:80\"", "listen = 8080"}) {
    is_refused("issuer", line);
  }
  for (const std::string_view line :
       {"url = \"postgresql://db\"", "url = \"data/jeton.db\"", "url = \"sqlite:\"", "url = \"sqlite:data/\""}) {
    is_refused("store", line);
  }
  for (const std::string_view line : {"registration = \"yes\"", "argon2_memory = \"18MiB\"", "argon2_memory = \"2GiB\"",
                                      "argon2_memory = 19", "argon2_memory = \"19MB\"", "argon2_passes = 1",
                                      "argon2_threads = 0", "argon2_queue = -1", "argon2_queue = 1.5"}) {
    is_refused("accounts", line);
  }
  is_refused("http", "connections_max = 9223372036854775807");
}

TEST(Config, ThePrintedFileIsWhatItSaysAndWhatIsShipped) {
  const std::string printed = documented_config();
  const auto back = parse_config(printed, "jeton.toml");
  ASSERT_TRUE(back.has_value()) << back.error().text();
  EXPECT_EQ(settings_that_need_a_restart(Config{}, *back), "");
  for (const Setting& setting : all_settings())
    EXPECT_EQ(setting.write(*back), setting.write(Config{})) << setting.name;
  EXPECT_EQ(content_of("deploy/jeton.toml"), printed) << "make it anew: jeton serve --print-config > deploy/jeton.toml";
}

TEST(Config, EverySettingIsInTheManual) {
  const std::string manual = content_of("docs/configuration.md");
  for (const Setting& setting : all_settings()) {
    EXPECT_NE(manual.find("`" + std::string(setting.name) + "`"), std::string::npos)
        << setting.section << ": " << setting.name;
  }
}

TEST(Config, WhatARunningServerCannotTakeOverIsNamed) {
  Config running, fresh;
  fresh.rules.access_lifetime = minutes(5);
  EXPECT_EQ(settings_that_need_a_restart(running, fresh), "");
  fresh.listen = "127.0.0.1:9";
  fresh.algorithm = Algorithm::rs256;
  EXPECT_EQ(settings_that_need_a_restart(running, fresh), "[issuer] listen, [tokens] algorithm");
}

TEST(Config, AFileThatCannotBeReadIsNamed) {
  const auto config = read_config("/nonexistent/jeton.toml");
  ASSERT_FALSE(config.has_value());
  EXPECT_NE(config.error().text().find("/nonexistent/jeton.toml"), std::string::npos);
}

TEST(ListenAddress, KnowsBracketsAndPorts) {
  EXPECT_EQ(parse_listen_address("127.0.0.1:0")->text(), "127.0.0.1:0");
  EXPECT_EQ(parse_listen_address("[::1]:80")->text(), "[::1]:80");
  EXPECT_EQ(parse_listen_address("[::1]:80")->host, "::1");
  EXPECT_EQ(parse_listen_address("localhost:8080")->port, 8080);
  for (const std::string_view bad : {"", ":", "a", "a:", "a:b", "a:-1", "a:1x", "[a]:1", "[::1]", "::1:1", "a:99999"}) {
    EXPECT_FALSE(parse_listen_address(bad).has_value()) << bad;
  }
}

TEST(ConfigValues, AreWrittenAsTheyAreRead) {
  EXPECT_EQ(duration_text(minutes(15)), "15m");
  EXPECT_EQ(duration_text(hours(24)), "1d");
  EXPECT_EQ(duration_text(seconds(90)), "90s");
  EXPECT_EQ(duration_text(seconds(0)), "0s");
  EXPECT_EQ(parse_size("19MiB"), 19U << 20);
  EXPECT_EQ(size_text(19U << 20), "19MiB");
  EXPECT_EQ(size_text(1U << 30), "1GiB");
  for (const std::string_view bad : {"", "19", "MiB", "19mib", "-1MiB", " 1MiB", "1MiB ", "99999999999GiB"})
    EXPECT_FALSE(parse_size(bad).has_value()) << bad;
}

}  // namespace
}  // namespace jeton::cli
