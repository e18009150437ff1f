// The grammar of the OAuth endpoints: forms, scopes, credentials, requests, metadata.
#include "oauth/client_credentials.h"
#include "oauth/metadata.h"
#include "oauth/scope.h"
#include "oauth/token_request.h"

#include "jose/base64url.h"

#include <jeton/value.h>

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace jeton::oauth {
namespace {

Form form_of(std::string_view body) { return Form::parse(body).value(); }

TEST(Form, ReadsNamesAndValues) {
  const Form form = form_of("grant_type=client_credentials&scope=a+b%20c&name=%C3%A9&flag&=&&x=1=2");
  EXPECT_EQ(*form.find("grant_type"), "client_credentials");
  EXPECT_EQ(*form.find("scope"), "a b c");
  EXPECT_EQ(*form.find("name"), "\xC3\xA9");
  EXPECT_EQ(*form.find("x"), "1=2");
  EXPECT_EQ(form.find("flag"), nullptr) << "without a value it counts as omitted";
  EXPECT_EQ(form.find("absent"), nullptr);
  EXPECT_EQ(form_of("").find("x"), nullptr);
}

TEST(Form, AParameterThatStandsTwiceIsRefused) {
  for (const std::string_view body : {"a=1&a=2", "a=1&b=2&a=1", "a=&a=1", "a&a", "%61=1&a=1"}) {
    const auto form = Form::parse(body);
    ASSERT_FALSE(form.has_value()) << body;
    EXPECT_EQ(form.error().code, FaultCode::invalid_request) << body;
  }
  EXPECT_EQ(form_of("resource=a&resource=b").all("resource"), (std::vector<std::string>{"a", "b"}));
}

TEST(Form, WhatIsNotWellEncodedIsRefused) {
  for (const std::string_view body : {"a=%", "a=%4", "a=%4x", "a=%00", "a=%0A", "a=%7F", "a=%C3", "a=%C3%28",
                                      "a=%ED%A0%80", "a=%F4%90%80%80", "a=%C0%80", "a=\x80", "%=1"}) {
    EXPECT_FALSE(Form::parse(body).has_value()) << body;
  }
  EXPECT_EQ(*form_of("a=%F0%9F%98%80").find("a"), "\xF0\x9F\x98\x80");
}

TEST(Form, HasALimit) {
  std::string body;
  for (std::size_t i = 0; i < form_parameters_max; ++i) body += "p" + std::to_string(i) + "=1&";
  EXPECT_TRUE(Form::parse(body).has_value());
  EXPECT_FALSE(Form::parse(body + "more=1").has_value());
}

TEST(Scope, IsAListOfDistinctWords) {
  EXPECT_EQ(words_of("read write:all"), (std::vector<std::string>{"read", "write:all"}));
  EXPECT_EQ(words_of("")->size(), 0U);
  for (const std::string_view bad : {" ", " a", "a ", "a  b", "a a", "a\tb", "a\"b", "a\\b", "\xC3\xA9"}) {
    EXPECT_FALSE(words_of(bad).has_value()) << bad;
  }
  EXPECT_FALSE(words_of(std::string(scope_bytes_max + 1, 'a')).has_value());
  EXPECT_TRUE(words_of(std::string(scope_bytes_max, 'a')).has_value());
}

TEST(Scope, SubsetComparesWholeWords) {
  EXPECT_TRUE(is_subset("", ""));
  EXPECT_TRUE(is_subset("", "read"));
  EXPECT_TRUE(is_subset("write read", "read x write"));
  EXPECT_FALSE(is_subset("rea", "read"));
  EXPECT_FALSE(is_subset("read", ""));
  EXPECT_FALSE(is_subset("read admin", "read"));
  EXPECT_FALSE(has_word("a b", ""));
}

std::string basic(std::string_view user_and_secret) {
  std::string text = jose::base64url::encode(user_and_secret);
  for (char& c : text) c = c == '-' ? '+' : c == '_' ? '/' : c;
  while (text.size() % 4 != 0) text += '=';
  return "Basic " + text;
}

std::expected<ClientCredentials, Fault> credentials(std::vector<std::string> headers, std::string_view body) {
  const std::vector<std::string_view> views(headers.begin(), headers.end());
  return read_client_credentials(views, form_of(body));
}

std::string secret_of(const ClientCredentials& credentials) {
  const auto bytes = credentials.secret.reveal(InsecureSecretAccess::get());
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST(ClientCredentials, AreReadFromEachPlace) {
  const auto by_basic = credentials({basic("billing:s%2Bcret+1")}, "grant_type=x&client_id=billing");
  EXPECT_EQ(by_basic->method, ClientMethod::client_secret_basic);
  EXPECT_EQ(by_basic->client_id, "billing");
  EXPECT_EQ(secret_of(*by_basic), "s+cret 1") << "both are form-encoded (RFC 6749 section 2.3.1)";
  const auto by_form = credentials({}, "client_id=billing&client_secret=s");
  EXPECT_EQ(by_form->method, ClientMethod::client_secret_post);
  EXPECT_EQ(secret_of(*by_form), "s");
  EXPECT_EQ(credentials({}, "client_id=app")->method, ClientMethod::none);
  EXPECT_EQ(credentials({"bASIC " + basic("a:b").substr(6)}, "")->client_id, "a");
}

TEST(ClientCredentials, OfAnAssertionAreThoseItClaims) {
  const std::string type = "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
  const std::string token = "e30." + jose::base64url::encode(R"({"sub":"billing"})") + ".x";
  const auto claimed = credentials({}, type + "&client_assertion=" + token);
  EXPECT_EQ(claimed->method, ClientMethod::private_key_jwt);
  EXPECT_EQ(claimed->client_id, "billing");
  EXPECT_EQ(credentials({}, type + "&client_id=other&client_assertion=" + token)->client_id, "other");
  EXPECT_EQ(credentials({}, type).error().code, FaultCode::invalid_request);
  EXPECT_EQ(credentials({}, "client_assertion=" + token).error().code, FaultCode::invalid_request);
  EXPECT_EQ(credentials({}, "client_assertion_type=saml&client_assertion=" + token).error().code,
            FaultCode::invalid_client);
  for (const std::string bad : {"x", "e30..x", "e30.!.x", "e30.e30.x", "e30.W10.x"}) {
    EXPECT_EQ(credentials({}, type + "&client_assertion=" + bad).error().code, FaultCode::invalid_client) << bad;
  }
}

TEST(ClientCredentials, MoreThanOneWayIsABadRequest) {
  EXPECT_EQ(credentials({basic("a:b")}, "client_secret=b").error().code, FaultCode::invalid_request);
  EXPECT_EQ(credentials({basic("a:b")}, "client_id=other").error().code, FaultCode::invalid_request);
  EXPECT_EQ(credentials({basic("a:b")}, "client_assertion=x").error().code, FaultCode::invalid_request);
  EXPECT_EQ(credentials({basic("a:b"), basic("a:b")}, "").error().code, FaultCode::invalid_request);
  EXPECT_EQ(credentials({}, "client_id=a&client_secret=b&client_assertion=x&client_assertion_type=" +
                                std::string(assertion_type_jwt))
                .error()
                .code,
            FaultCode::invalid_request);
}

TEST(ClientCredentials, WhatNamesNoClientIsAnInvalidClient) {
  for (const std::string& header : {std::string("Bearer x"), std::string("Basic"), std::string("Basic !"),
                                    std::string("Basic YQ"), basic("nocolon"), basic(":secret"), basic("a:"),
                                    basic("a%:b"), basic("a b:c"), std::string("Basic YTpi-_==")}) {
    const auto read = credentials({header}, "");
    ASSERT_FALSE(read.has_value()) << header;
    EXPECT_EQ(read.error().code, FaultCode::invalid_client) << header;
  }
  EXPECT_EQ(credentials({}, "").error().code, FaultCode::invalid_client);
  EXPECT_EQ(credentials({}, "client_secret=x").error().code, FaultCode::invalid_client);
  EXPECT_EQ(credentials({}, "client_id=a%2Fb").error().code, FaultCode::invalid_client);
}

TEST(TokenRequest, IsReadByItsGrant) {
  const auto service = read_token_request(form_of("grant_type=client_credentials&scope=a&resource=x&audience=y"));
  const auto& asked = std::get<ClientCredentialsRequest>(*service);
  EXPECT_EQ(asked.scope, "a");
  EXPECT_EQ(asked.audiences, (std::vector<std::string>{"x", "y"}));
  const auto refresh = read_token_request(form_of("grant_type=refresh_token&refresh_token=jrt1.x"));
  EXPECT_EQ(std::get<RefreshRequest>(*refresh).refresh_token, "jrt1.x");

  const auto fault = [](std::string_view body) { return read_token_request(form_of(body)).error().code; };
  EXPECT_EQ(fault(""), FaultCode::invalid_request);
  EXPECT_EQ(fault("grant_type=password"), FaultCode::unsupported_grant_type);
  EXPECT_EQ(fault("grant_type=refresh_token"), FaultCode::invalid_request);
  EXPECT_EQ(fault("grant_type=client_credentials&scope=a++b"), FaultCode::invalid_scope);
  EXPECT_EQ(fault("grant_type=client_credentials&resource=a%23b"), FaultCode::invalid_target);
  EXPECT_EQ(fault("grant_type=client_credentials&audience=a+b"), FaultCode::invalid_target);
  EXPECT_EQ(fault("grant_type=client_credentials&resource=a&audience=a"), FaultCode::invalid_request);
}

class Target : public ::testing::Test {
 protected:
  static constexpr GrantedRange granted{
      .scopes = "read write admin:users:read sessions:create", .audiences = "api reports", .issuer = "https://id"};
  static std::expected<TokenTarget, Fault> choose(std::string scope, std::vector<std::string> audiences = {}) {
    return choose_target({.scope = std::move(scope), .audiences = std::move(audiences)}, granted);
  }
};

TEST_F(Target, WithoutAnythingIsAllThatTheClientHasForItsAudiences) {
  const auto target = choose("");
  EXPECT_EQ(target->scope, "read write");
  EXPECT_EQ(target->audiences, (std::vector<std::string>{"api", "reports"}));
}

TEST_F(Target, IsASubsetOfWhatIsGranted) {
  EXPECT_EQ(choose("write")->scope, "write");
  EXPECT_EQ(choose("write", {"reports"})->audiences, std::vector<std::string>{"reports"});
  EXPECT_EQ(choose("delete").error().code, FaultCode::invalid_scope);
  EXPECT_EQ(choose("read delete").error().code, FaultCode::invalid_scope);
  EXPECT_EQ(choose("read", {"billing"}).error().code, FaultCode::invalid_target);
  EXPECT_EQ(choose("read", {"api", "billing"}).error().code, FaultCode::invalid_target);
}

TEST_F(Target, AScopeOfTheIssuersIsForTheIssuerAlone) {
  EXPECT_EQ(choose("sessions:create")->audiences, std::vector<std::string>{"https://id"});
  EXPECT_EQ(choose("", {"https://id"})->scope, "admin:users:read sessions:create");
  EXPECT_EQ(choose("admin:users:read", {"https://id"})->scope, "admin:users:read");
  EXPECT_EQ(choose("sessions:create read").error().code, FaultCode::invalid_scope);
  EXPECT_EQ(choose("sessions:create", {"api"}).error().code, FaultCode::invalid_scope);
  EXPECT_EQ(choose("read", {"https://id"}).error().code, FaultCode::invalid_scope);
  EXPECT_EQ(choose("", {"https://id", "api"}).error().code, FaultCode::invalid_target);
  EXPECT_EQ(choose("admin").error().code, FaultCode::invalid_scope);
}

TEST(TargetOfAClientWithoutAudience, IsTheIssuerOrNobody) {
  EXPECT_EQ(choose_target({}, {.scopes = "feed:read", .audiences = "", .issuer = "i"})->audiences,
            std::vector<std::string>{"i"});
  EXPECT_EQ(choose_target({}, {.scopes = "admin", .audiences = "", .issuer = "i"})->scope, "admin");
  EXPECT_EQ(choose_target({}, {.scopes = "", .audiences = "", .issuer = "i"}).error().code, FaultCode::invalid_target);
  EXPECT_EQ(choose_target({}, {.scopes = "", .audiences = "api", .issuer = "i"})->scope, "");
}

TEST(Metadata, NamesTheIssuerByteForByteAndItsEndpoints) {
  const Value metadata = Value::parse(metadata_of("https://id.example.com/")).value();
  EXPECT_EQ(*metadata.find("issuer"), Value("https://id.example.com/"));
  EXPECT_EQ(*metadata.find("token_endpoint"), Value("https://id.example.com/oauth2/token"));
  EXPECT_EQ(*metadata.find("jwks_uri"), Value("https://id.example.com/.well-known/jwks.json"));
  for (const Value& algorithm : *metadata.find("token_endpoint_auth_signing_alg_values_supported")->if_array()) {
    EXPECT_FALSE(algorithm.if_string()->starts_with("HS")) << *algorithm.if_string();
    EXPECT_NE(*algorithm.if_string(), "none");
  }
}

TEST(Faults, AreToldInTheWordsOfRfc6749) {
  EXPECT_EQ(body_of({FaultCode::invalid_scope, "too much"}),
            R"({"error":"invalid_scope","error_description":"too much"})");
  EXPECT_EQ(body_of({FaultCode::invalid_grant}), R"({"error":"invalid_grant"})");
  EXPECT_EQ(status_of(FaultCode::invalid_client), 401);
  EXPECT_EQ(status_of(FaultCode::invalid_grant), 400);
  EXPECT_EQ(status_of(FaultCode::temporarily_unavailable), 503);
}

}  // namespace
}  // namespace jeton::oauth
