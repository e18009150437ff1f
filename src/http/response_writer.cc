#include "http/response_writer.h"

#include "http/request_head.h"

#include <algorithm>
#include <array>

namespace jeton::http {
namespace {

bool is_framing_field(std::string_view name) noexcept {
  constexpr std::array<std::string_view, 4> ours = {"Content-Length", "Transfer-Encoding", "Connection",
                                                    "X-Request-Id"};
  return std::any_of(ours.begin(), ours.end(), [&](std::string_view one) { return same_field_name(one, name); });
}

}  // namespace

bool is_sendable(const Response& response) noexcept {
  if (response.status < 200 || response.status > 599) return false;
  const auto& fields = response.headers.fields();
  return std::all_of(fields.begin(), fields.end(),
                     [](const auto& field) { return is_field_name(field.first) && is_field_value(field.second); });
}

bool is_bodiless(int status) noexcept { return status < 200 || status == 204 || status == 304; }

std::string head_of(const Response& response, const AnswerFraming& framing) {
  std::string head;
  head.reserve(256);
  const auto field = [&](std::string_view name, std::string_view value) {
    head.append(name).append(": ").append(value).append("\r\n");
  };
  head.append("HTTP/1.1 ")
      .append(std::to_string(response.status))
      .append(" ")
      .append(reason_of(response.status))
      .append("\r\n");
  for (const auto& [name, value] : response.headers.fields()) {
    if (!is_framing_field(name)) field(name, value);
  }
  if (!framing.request_id.empty()) field("X-Request-Id", framing.request_id);
  if (framing.streamed) {
    if (!framing.http_1_0) field("Transfer-Encoding", "chunked");
  } else if (!is_bodiless(response.status))
    field("Content-Length", std::to_string(response.body.size()));
  if (!framing.keep_alive)
    field("Connection", "close");
  else if (framing.http_1_0)
    field("Connection", "keep-alive");
  head.append("\r\n");
  return head;
}

std::string_view reason_of(int status) noexcept {
  switch (status) {
    case 101: return "Switching Protocols";
    case 102: return "Processing";
    case 103: return "Early Hints";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 422: return "Unprocessable Content";
    case 428: return "Precondition Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "Status";
  }
}

Response error_response(int status, std::string_view error) {
  return json_response(status, std::string(R"({"error":")").append(error).append(R"("})"));
}

}  // namespace jeton::http
