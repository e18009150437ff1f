// Request and Response as plain values: what a handler sees and gives. No library type, no connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jeton::http {

enum class Method : std::uint8_t { get, head, post, put, patch, del, options, other };
std::string_view name_of(Method method) noexcept;

// Header fields in the order received; names compare without case; one name may come more than once.
class Headers {
 public:
  void add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }
  void reserve(std::size_t fields) { fields_.reserve(fields); }
  void set(std::string_view name, std::string value);
  const std::string* find(std::string_view name) const noexcept;  // the first
  std::vector<std::string_view> all(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& fields() const noexcept { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

struct Request {
  Method method = Method::get;
  std::string target;  // as received, "/path?query"
  std::string path;    // the part before "?"; has no percent-encoding, dot segment, or doubled slash (else 400)
  std::string query;   // the part after "?", raw
  Headers headers;
  std::string body;
  std::string peer_address;  // of the client, seen through the trusted proxies: "192.0.2.7"
  std::string scheme;        // "http" or "https", as the client used it
  std::string host;          // as the client named it, "id.example.com:8443"
  std::string id;            // of this request, for logs
  std::vector<std::pair<std::string, std::string>> parameters{};  // of the path, by name; the router sets them

  // The parameter of that name; empty if the route has none.
  std::string_view parameter(std::string_view name) const noexcept;
};

class BodyStream;

struct Response {
  int status = 200;
  Headers headers;
  std::string body;
  std::shared_ptr<BodyStream> stream{};  // instead of `body`: it comes piece by piece (http/body_stream.h)
};

// A response with Content-Type: application/json and Cache-Control: no-store.
Response json_response(int status, std::string body);

}  // namespace jeton::http
