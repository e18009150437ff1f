// For the tests of this folder: an issuer with clients.
#pragma once

#include "crypto/digest.h"
#include "issuer/oauth/client_directory.h"
#include "issuer/running_issuer.h"
#include "jose/base64url.h"
#include "oauth/client_credentials.h"

#include <jeton/jws.h>
#include <jeton/key.h>
#include <jeton/key_set.h>

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jeton::issuer::testing {

using Fields = std::vector<std::pair<std::string, std::string>>;

inline std::string form_of(const Fields& fields) {
  constexpr std::string_view hex = "0123456789ABCDEF";
  std::string body;
  for (const auto& [name, value] : fields) {
    if (!body.empty()) body += '&';
    body += name + '=';
    for (const char c : value) {
      const auto byte = static_cast<unsigned char>(c);
      body += '%';
      body += hex[byte >> 4];
      body += hex[byte & 15];
    }
  }
  return body;
}

inline std::string basic(std::string_view id, std::string_view secret) {
  std::string text = jose::base64url::encode(std::string(id) + ':' + std::string(secret));
  for (char& c : text) c = c == '-' ? '+' : c == '_' ? '/' : c;
  while (text.size() % 4 != 0) text += '=';
  return "Basic " + text;
}

class WithClients : public ::testing::Test {
 protected:
  WithClients() : running_(clock_, {.database = directory_.file("jeton.db"), .issuer_url = "https://id.example.com"}) {}

  static store::Client service(std::string id, std::string secret = "s3cret") {
    return {.id = std::move(id),
            .name = "A service",
            .is_public = false,
            .secret_hash = crypto::sha256(secret),
            .grants = "client_credentials refresh_token",
            .scopes = "read write sessions:create",
            .audiences = "api"};
  }
  void add(store::Client client) {
    const auto added = waited<store::ClientAddition>(
        [&](auto done) { running_.store().clients().add_client(std::move(client), std::move(done)); });
    ASSERT_EQ(added, store::ClientAddition::added);
  }
  HttpAnswer post_form(std::string_view path, const Fields& fields, std::string_view authorization = {}) const {
    HeaderList headers{{"Content-Type", "application/x-www-form-urlencoded"}};
    if (!authorization.empty()) headers.emplace_back("Authorization", authorization);
    return exchange(running_.port(), "POST", path, headers, form_of(fields));
  }
  HttpAnswer token(Fields fields, std::string_view authorization = {}) const {
    return post_form("/oauth2/token", fields, authorization);
  }
  HttpAnswer credentials(std::string_view id, Fields more = {}, std::string_view secret = "s3cret") const {
    more.insert(more.begin(), {"grant_type", "client_credentials"});
    return token(std::move(more), basic(id, secret));
  }
  static void expect_fault(const HttpAnswer& answer, int status, std::string_view error) {
    EXPECT_EQ(answer.status, status) << answer.body;
    EXPECT_EQ(answer.text("error"), error) << answer.body;
    EXPECT_EQ(answer.header("cache-control"), "no-store");
    EXPECT_EQ(answer.header("pragma"), "no-cache");
    EXPECT_EQ(answer.header("www-authenticate").starts_with("Basic "), status == 401);
  }
  // The payload of a token of this issuer for that audience; null if it is refused.
  Value claims_for(std::string_view audience, const std::string& access_token) const {
    const auto keys = KeySet::parse(running_.get("/.well-known/jwks.json").body);
    const Verifier verifier{TrustedIssuer{.issuer = "https://id.example.com",
                                          .audience = AudienceRule::must_include(std::string(audience)),
                                          .keys = keys.value_or(KeySet()),
                                          .profile = Profile::jeton}};
    const auto verified = verifier.verify(access_token, clock_.now_seconds());
    return verified.has_value() ? verified->payload() : Value();
  }
  // What the process has read of clients is too old from now on.
  void let_clients_be_read_again() { clock_.move(client_age_max); }

  TemporaryDirectory directory_;
  MovedClock clock_;
  RunningIssuer running_;
};

}  // namespace jeton::issuer::testing
