// What becomes of a head on its way through the proxy: pure functions of what was parsed. A request is written anew
// from its parts; no byte of the original head is copied as it is, so that nothing but what was understood arrives.
//
// Left out of every request, with their twins (below):
//   what concerns this connection alone: Connection and the fields it names, Keep-Alive, Proxy-Connection, TE, Trailer,
//   Transfer-Encoding, Upgrade (but for a WebSocket, which is asked for anew), HTTP2-Settings, Proxy-Authorization,
//   Expect, Content-Length, Host: the last two are written from what was parsed
//   what says who the client is: Forwarded, X-Forwarded-*, X-Real-IP: ours replace them
//   what could make the upstream see another request than was decided on: X-Original-URL, X-Rewrite-URL,
//   X-Original-URI, X-Original-Method, X-HTTP-Method, X-HTTP-Method-Override, X-Method-Override, Proxy
//
// A twin of a field is one that a careless upstream could take for it: names are compared without case, and with every
// character that is no letter or digit taken for a dash (`x_auth_user`, `X.Auth.User` for X-Auth-User), as CGI and its
// heirs do.
#pragma once

#include "gateway/proxy/forward.h"
#include "http/response_head.h"

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace jeton::gateway {

bool are_twins(std::string_view a, std::string_view b) noexcept;

// `random` makes what the client did not bring.
struct TraceSeed {
  std::uint64_t trace_high = 0, trace_low = 0, parent = 0;
};
Trace trace_of(const http::Request& request, const TraceSeed& seed);

// The whole head that is sent to the upstream, the empty line included; `authority`: the server's own name, for
// requests that name none; `length`: of a body that is known whole, however it was framed; `room`: a text that is used
// up, for what it has allocated. Error: static text; the decision holds a field that cannot be sent.
std::expected<std::string, std::string_view> upstream_head(const http::RequestHead& head, const Forward& forward,
                                                           const Trace& trace, std::string_view authority,
                                                           std::optional<std::uint64_t> length = {},
                                                           std::string room = {});

// Whether it asks for a WebSocket (RFC 6455, section 4.1): the one upgrade that is passed on.
bool asks_for_websocket(const http::RequestHead& head);
// Whether the answer to it is one too.
bool grants_websocket(const http::ResponseHead& head);

// How often the request has come through a proxy of ours already, by its Via.
std::size_t hops_of(const http::Request& request) noexcept;
inline constexpr std::size_t hops_max = 8;

// The fields of an upstream's answer that the client gets; framing is the connection's own. Left out: Connection and
// what it names, Keep-Alive, Proxy-Connection, Proxy-Authenticate, TE, Trailer, Upgrade, Alt-Svc (a way past the
// gateway).
void add_cors(const http::CorsFields& fields, http::Response& answer);
http::Response client_answer(const http::ResponseHead& head, const Forward& forward, const Trace& trace);

}  // namespace jeton::gateway
