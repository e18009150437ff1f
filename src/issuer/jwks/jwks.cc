#include "issuer/jwks/jwks.h"

#include <algorithm>
#include <string>

namespace jeton::issuer {

bool names_etag(std::string_view if_none_match, std::string_view etag) noexcept {
  while (!if_none_match.empty()) {
    const std::size_t comma = if_none_match.find(',');
    std::string_view one = if_none_match.substr(0, comma);
    if_none_match.remove_prefix(comma == std::string_view::npos ? if_none_match.size() : comma + 1);
    const std::size_t begin = one.find_first_not_of(" \t");
    if (begin == std::string_view::npos) continue;
    one = one.substr(begin, one.find_last_not_of(" \t") - begin + 1);
    if (one == "*") return true;
    if (one.starts_with("W/")) one.remove_prefix(2);
    if (one == etag) return true;
  }
  return false;
}

std::string cache_control(std::chrono::seconds max_age) {
  std::string text = "public, max-age=" + std::to_string(max_age.count());
  const auto stale = max_age / 2;
  if (stale.count() > 0) text += ", stale-while-revalidate=" + std::to_string(stale.count());
  return text;
}

boost::asio::awaitable<http::Response> answer_jwks(const Context& context, const http::Request& request) {
  const bool is_fresh = co_await context.keyring.freshen();
  const auto keys = context.keyring.current();
  http::Response response;
  response.headers.set("ETag", keys->etag);
  response.headers.set("Cache-Control", is_fresh ? cache_control(context.keyring.published_max_age()) : "no-cache");
  const auto wanted = request.headers.all("if-none-match");
  if (std::ranges::any_of(wanted, [&](std::string_view value) { return names_etag(value, keys->etag); })) {
    response.status = 304;
    co_return response;
  }
  response.headers.set("Content-Type", "application/json");
  response.headers.set("X-Content-Type-Options", "nosniff");
  response.body = keys->jwks;
  co_return response;
}

}  // namespace jeton::issuer
