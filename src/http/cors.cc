#include "http/cors.h"

#include "http/url.h"

#include <utility>

namespace jeton::http {
namespace {

std::string joined(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return list;
}

void allow_origin(const CorsPolicy& policy, std::string_view origin, CorsFields& fields) {
  const bool is_for_all = policy.any_origin && !policy.credentials;
  fields.emplace_back("Access-Control-Allow-Origin", is_for_all ? "*" : origin);
  if (policy.credentials) fields.emplace_back("Access-Control-Allow-Credentials", "true");
}

void add_all(CorsFields fields, Response& response) {
  for (auto& [name, value] : fields) {
    if (name == "Vary")
      response.headers.add(std::move(name), std::move(value));
    else
      response.headers.set(name, std::move(value));
  }
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

CorsFields cors_fields(const CorsPolicy& policy, std::string_view origin) {
  CorsFields fields{{"Vary", "Origin"}};
  if (!policy.allows(origin)) return fields;
  allow_origin(policy, origin, fields);
  if (!policy.exposed_headers.empty())
    fields.emplace_back("Access-Control-Expose-Headers", joined(policy.exposed_headers));
  return fields;
}

CorsFields preflight_fields(const CorsPolicy& policy, std::string_view origin, std::string_view methods) {
  CorsFields fields;
  allow_origin(policy, origin, fields);
  fields.emplace_back("Access-Control-Allow-Methods", methods);
  fields.emplace_back("Access-Control-Allow-Headers", joined(policy.request_headers));
  fields.emplace_back("Access-Control-Max-Age", std::to_string(policy.max_age.count()));
  fields.emplace_back("Vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
  return fields;
}

Response answer_preflight(const CorsPolicy& policy, const Request& request, std::string_view methods) {
  const std::string_view origin = origin_of(request);
  if (!policy.allows(origin)) {
    Response refusal = json_response(403, R"({"error":"Origin not allowed"})");
    refusal.headers.add("Vary", "Origin");
    return refusal;
  }
  Response response;
  response.status = 204;
  add_all(preflight_fields(policy, origin, methods), response);
  return response;
}

void add_cors_headers(const CorsPolicy& policy, const Request& request, Response& response) {
  add_all(cors_fields(policy, origin_of(request)), response);
}

}  // namespace jeton::http
