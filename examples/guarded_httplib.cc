// The guard before an endpoint on cpp-httplib: guarded_httplib JWKS_FILE ISSUER [PORT].
//
//   GET /projects   with `Authorization: Bearer TOKEN`, for the audience "api"
//
// The part to copy is Facts, answer_with and the first lines of the handler.
#include <jeton/guard.h>

#include <httplib.h>

#include <fstream>
#include <iostream>
#include <sstream>

namespace {

// What the guard wants to know of a request: the views stay good while the request does.
struct Facts {
  explicit Facts(const httplib::Request& request) {
    const auto [first, last] = request.headers.equal_range("Authorization");
    for (auto field = first; field != last; ++field) authorization.emplace_back(field->second);
    const std::string_view target(request.target);
    if (const auto mark = target.find('?'); mark != std::string_view::npos) query = target.substr(mark + 1);
    if (request.get_header_value("Content-Type") == "application/x-www-form-urlencoded") form = request.body;
  }
  jeton::RequestFacts view() const { return {.query = query, .authorization = authorization, .form_body = form}; }

  std::vector<std::string_view> authorization;
  std::string_view query, form;
};

void answer_with(const jeton::Answer& answer, httplib::Response& response) {
  response.status = answer.status;
  std::string type = "application/json";
  for (const auto& [name, value] : answer.headers) {
    if (name == "Content-Type") {
      type = value;
    } else {
      response.set_header(name, value);
    }
  }
  response.set_content(answer.body, type.c_str());
}

jeton::Guard make_guard(const char* jwks_file, const char* issuer) {
  std::stringstream jwks;
  jwks << std::ifstream(jwks_file).rdbuf();
  auto keys = jeton::KeySet::parse(jwks.str());
  if (!keys) throw std::runtime_error(std::string(jwks_file) + ": " + describe(keys.error()));
  return jeton::Guard{
      jeton::Verifier{
          {.issuer = issuer, .audience = jeton::AudienceRule::must_include("api"), .keys = *std::move(keys)}},
      jeton::Policy{}};
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 3) return std::cerr << "usage: guarded_httplib JWKS_FILE ISSUER [PORT]\n", 2;
  const jeton::Guard guard = make_guard(argv[1], argv[2]);

  httplib::Server server;
  server.Get("/projects", [&guard](const httplib::Request& request, httplib::Response& response) {
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    const jeton::Decision decision = guard.decide(Facts(request).view(), now);
    if (const auto* refused = decision.refused()) return answer_with(refused->answer, response);

    const jeton::VerifiedToken& token = *decision.token();
    response.set_content("projects of " + std::string(token.subject()) + "\n", "text/plain");
  });

  int port = argc > 3 ? std::stoi(argv[3]) : 0;
  if (port == 0) {
    port = server.bind_to_any_port("127.0.0.1");
  } else if (!server.bind_to_port("127.0.0.1", port)) {
    port = -1;
  }
  if (port < 0) throw std::runtime_error("the port is taken; choose another");
  std::cout << "listening on 127.0.0.1:" << port << std::endl;
  return server.listen_after_bind() ? 0 : 1;
} catch (const std::exception& error) {
  std::cerr << "guarded_httplib: " << error.what() << '\n';
  return 1;
}
