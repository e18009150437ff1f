// RequestHead: a request's head as a value of its own, for handlers that outlive the bytes it was read from. The
// reading itself is read_head_view's.
#pragma once

#include "http/head_view.h"
#include "http/message.h"

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace jeton::http {

struct RequestHead {
  Request request;  // without body, peer_address and id
  BodyFraming framing = BodyFraming::none;
  std::uint64_t body_bytes = 0;  // when counted
  bool http_1_0 = false;
  bool keep_alive = true;
  bool expects_continue = false;
  std::string other_method{};  // its name, when request.method is `other`

  std::string_view method_name() const noexcept {
    return request.method == Method::other ? std::string_view(other_method) : name_of(request.method);
  }
};

RequestHead request_head_of(const HeadView& view);

// `head` is exactly the bytes that find_head_end counted.
std::expected<RequestHead, Refusal> parse_request_head(std::string_view head, PathReading paths = PathReading::strict);

}  // namespace jeton::http
