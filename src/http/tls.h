// TLS contexts. With tls.cc the only place of this room that knows the TLS library by name.
#pragma once

#include "platform/fault.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/ssl/stream_base.hpp>

#include <string>

struct ssl_st;

namespace jeton::http {

// A client's context: TLS 1.2 and later, the peer's certificate verified against the system's authorities and, if
// `ca_file` is not empty, those in that PEM file.
platform::Outcome<boost::asio::ssl::context> client_tls_context(const std::string& ca_file);

// A server's context: TLS 1.2 and later, HTTP/1.1 alone. `certificate_file`: the chain in PEM, the server's own first.
platform::Outcome<boost::asio::ssl::context> server_tls_context(const std::string& certificate_file,
                                                                const std::string& key_file);

// Sets the name that is asked for (SNI, not for an IP address) and that the certificate must bear.
platform::Outcome<void> expect_host(boost::asio::ssl::stream<boost::asio::ip::tcp::socket>& stream,
                                    const std::string& host);

// The same for any stream under a client's context, by its native handle.
platform::Outcome<void> expect_host(ssl_st* session, const std::string& host);
std::string certificate_problem(ssl_st* session);
// Whether the peer has sent what nobody has read yet.
bool has_unread(ssl_st* session) noexcept;

// Why the last handshake on `stream` failed, for a person: "certificate has expired", …; empty when it was not for the
// certificate.
std::string certificate_problem(boost::asio::ssl::stream<boost::asio::ip::tcp::socket>& stream);

}  // namespace jeton::http
