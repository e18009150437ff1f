// OriginalRequest: the request that a proxy asks about, read from its question. Each proxy has a way of its own to tell
// it, and each way its own address, so that only the headers that this proxy itself sets are ever looked at: a header
// that it passes on from its client must not be taken for its word.
//
//   /auth           X-Forwarded-Method, -Uri, -Host, -Proto: Traefik, Caddy, HAProxy, Apache
//   /auth/nginx     X-Original-Method, -Uri, -Host, -Proto; and answers are 2xx, 401 or 403, as auth_request wants them
//   /auth/envoy/…   the method and the host are the question's own, the target is what follows: ext_authz over HTTP
//
// The client's address is the last X-Forwarded-For that no trusted proxy wrote of another (http/forwarded.h).
#pragma once

#include "gateway/cors.h"
#include "http/forwarded.h"
#include "http/inline_answer.h"

#include <jeton/guard.h>
#include <jeton/token_cache.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace jeton::gateway {

enum class QuestionStyle : std::uint8_t { forwarded, nginx, envoy };

// None: it is no question at all.
std::optional<QuestionStyle> style_of(std::string_view path) noexcept;

inline constexpr std::size_t authorizations_max = 8;  // more are counted, and refused as multiple_tokens all the same

class OriginalRequest {
 public:
  // Views into the question, and into this object. The cache is told which token comes. Errors: the static text of a
  // 400.
  std::expected<void, std::string_view> read(QuestionStyle style, const http::InlineRequest& question,
                                             const http::TrustedProxies& proxies, const TokenCache* cache = nullptr);

  // Empty path: the original path has no canonical form, and must be refused as invalid_path.
  const RequestFacts& facts() const noexcept { return facts_; }
  std::string_view traceparent() const noexcept { return traceparent_; }
  std::string_view request_id() const noexcept { return request_id_; }  // of the proxy, if it gave one
  const CorsQuestion& cors() const noexcept { return cors_; }
  // It says that its method is another one: there are frameworks that believe it.
  bool overrides_method() const noexcept { return overrides_method_; }

 private:
  struct Told;
  void take_field(std::string_view name, std::string_view value, std::string_view prefix, Told& told);
  std::expected<void, std::string_view> take_target(std::string_view target);
  void take_address(std::string_view forwarded_for, const http::InlineRequest& question,
                    const http::TrustedProxies& proxies);

  RequestFacts facts_;
  std::array<std::string_view, authorizations_max> authorizations_;
  std::string_view traceparent_, request_id_;
  CorsQuestion cors_;
  bool overrides_method_ = false;
  std::string path_;     // when it had to be brought into its canonical form
  std::string address_;  // when it had to be brought into its usual form
};

}  // namespace jeton::gateway
