#include "http/cors.h"

#include "http/url.h"

namespace jeton::http {
namespace {

std::string joined(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return list;
}

void vary_by_origin(Response& response) { response.headers.add("Vary", "Origin"); }

void allow_origin(std::string_view origin, Response& response) {
  response.headers.set("Access-Control-Allow-Origin", std::string(origin));
  response.headers.set("Access-Control-Allow-Credentials", "true");
}

}  // namespace

std::string objection_to_origin(std::string_view text) {
  if (text == "*") return "cannot be *: answers are given to requests with cookies, so every origin is named";
  const auto url = parse_url(text);
  if (!url.has_value()) return "must be an origin such as \"https://app.example.com\"";
  const std::string spelled = (url->tls ? "https://" : "http://") + url->authority();
  if (text == spelled) return {};
  return "must be spelled as browsers send it: \"" + spelled + '"';
}

std::string_view origin_of(const Request& request) {
  const auto origins = request.headers.all("origin");
  return origins.size() == 1 ? origins.front() : std::string_view{};
}

bool is_preflight(const Request& request) {
  return request.method == Method::options && !origin_of(request).empty() &&
         request.headers.all("access-control-request-method").size() == 1;
}

Response answer_preflight(const CorsPolicy& policy, const Request& request, std::string_view methods) {
  const std::string_view origin = origin_of(request);
  if (!policy.allows(origin)) {
    Response refusal = json_response(403, R"({"error":"Origin not allowed"})");
    vary_by_origin(refusal);
    return refusal;
  }
  Response response;
  response.status = 204;
  allow_origin(origin, response);
  response.headers.set("Access-Control-Allow-Methods", std::string(methods));
  response.headers.set("Access-Control-Allow-Headers", joined(policy.request_headers));
  response.headers.set("Access-Control-Max-Age", std::to_string(policy.max_age.count()));
  response.headers.add("Vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
  return response;
}

void add_cors_headers(const CorsPolicy& policy, const Request& request, Response& response) {
  vary_by_origin(response);
  const std::string_view origin = origin_of(request);
  if (!policy.allows(origin)) return;
  allow_origin(origin, response);
  if (!policy.exposed_headers.empty())
    response.headers.set("Access-Control-Expose-Headers", joined(policy.exposed_headers));
}

}  // namespace jeton::http
