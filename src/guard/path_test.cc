#include <jeton/path.h>

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jeton {
namespace {

std::string canonical(std::string_view raw) {
  const auto path = canonical_path(raw);
  if (!path) {
    EXPECT_EQ(path.error().code, Errc::invalid_path) << raw;
    return "refused";
  }
  EXPECT_EQ(canonical_path(*path), *path) << raw;
  EXPECT_TRUE(is_canonical_path(*path)) << raw;
  EXPECT_EQ(is_canonical_path(raw), *path == raw) << raw;
  return *path;
}

TEST(Path, AnOrdinaryPathStaysAsItIs) {
  for (const std::string_view path :
       {"/", "/a", "/a/", "/v1/tracks/7/stream", "/a.b/..c/d..", "/...", "/.well-known/jwks.json", "/~u/-_.",
        "/a:b@c!$&'()*+,=", "/100%25", "/a%20b", "/caf%C3%A9", "/%F0%9F%8E%B5", "/a%3Fb%23c", "/%40"}) {
    EXPECT_EQ(canonical(path), path);
  }
}

TEST(Path, OnePathHasOneSpelling) {
  const std::vector<std::pair<std::string_view, std::string_view>> spellings{
      {"/%61dmin", "/admin"},
      {"/%7Euser", "/~user"},
      {"/a%2db", "/a-b"},
      {"/caf%c3%a9", "/caf%C3%A9"},
      {"/[slug].js", "/%5Bslug%5D.js"},
      {"/a|b", "/a%7Cb"},
      {"/%5bslug%5d", "/%5Bslug%5D"},
      {"/a%2eb", "/a.b"},
  };
  for (const auto& [raw, path] : spellings) EXPECT_EQ(canonical(raw), path);
}

// H17 of what must be refused, and its relatives: what another server could read as another path.
TEST(Path, APathThatCanBeReadInTwoWaysIsRefused) {
  for (const std::string_view path : {"//admin",
                                      "/a//b",
                                      "/a/..;/admin",
                                      "/admin%00",
                                      "/a/%2e%2e/admin",
                                      "/a/../admin",
                                      "/a/./b",
                                      "/..",
                                      "/.",
                                      "/a/..",
                                      "/a/%2E/b",
                                      "/a/.%2e/b",
                                      "/a%2fb",
                                      "/a%2Fb",
                                      "/a\\b",
                                      "/a%5cb",
                                      "/a/..%5cb",
                                      "/a%0d%0aX: y",
                                      "/a%7f",
                                      "/a%09",
                                      "/admin;x=1",
                                      "/admin%3bx=1",
                                      "/%2561dmin",
                                      "/%252e%252e/x",
                                      "/%25%32%65",
                                      "/%2525",
                                      "/a%",
                                      "/a%2",
                                      "/a%zz",
                                      "/a%u0061",
                                      "/%c0%ae%c0%ae/x",
                                      "/%e0%80%af",
                                      "/%ff",
                                      "/%c3",
                                      "/%c3/%a9",
                                      "/%ed%a0%80",
                                      "/%f4%90%80%80",
                                      "/caf\xc3\xa9",
                                      "/a b",
                                      "/a\tb",
                                      "/a\r\nb",
                                      "",
                                      "a",
                                      "*",
                                      "http://x/",
                                      "/a?b",
                                      "/a#b"}) {
    EXPECT_EQ(canonical(path), "refused") << path;
    EXPECT_FALSE(is_canonical_path(path)) << path;
  }
  EXPECT_EQ(canonical(std::string_view("/a\0b", 4)), "refused");
}

TEST(Path, CaseIsKept) { EXPECT_EQ(canonical("/ADMIN"), "/ADMIN"); }

TEST(Path, HasALimit) {
  const std::string longest = "/" + std::string(path_bytes_max - 1, 'a');
  EXPECT_EQ(canonical(longest), longest);
  EXPECT_EQ(canonical(longest + "a"), "refused");
  EXPECT_EQ(canonical("/" + std::string(path_bytes_max / 2, '|')), "refused");  // too long only once it is encoded
}

}  // namespace
}  // namespace jeton
