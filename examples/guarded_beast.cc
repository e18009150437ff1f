// The guard before an endpoint on Boost.Beast: guarded_beast JWKS_FILE ISSUER [PORT].
//
//   GET /projects   with `Authorization: Bearer TOKEN`, for the audience "api"
//
// The part to copy is facts_of, answer_with and the first lines of handle; the rest is a small synchronous server.
#include <jeton/guard.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include <fstream>
#include <iostream>
#include <sstream>
#include <thread>

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using Request = http::request<http::string_body>;
using Response = http::response<http::string_body>;

// What the guard wants to know of a request: the views stay good while the request does.
struct Facts {
  explicit Facts(const Request& request) {
    const auto [first, last] = request.equal_range(http::field::authorization);
    for (auto field = first; field != last; ++field)
      authorization.emplace_back(field->value().data(), field->value().size());
    const std::string_view target(request.target().data(), request.target().size());
    if (const auto mark = target.find('?'); mark != std::string_view::npos) query = target.substr(mark + 1);
  }
  jeton::RequestFacts view() const { return {.query = query, .authorization = authorization}; }

  std::vector<std::string_view> authorization;
  std::string_view query;
};

Response answer_with(const jeton::Answer& answer) {
  Response response{static_cast<http::status>(answer.status), 11};
  for (const auto& [name, value] : answer.headers) response.set(name, value);
  response.body() = answer.body;
  return response;
}

Response handle(const Request& request, const jeton::Guard& guard) {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const jeton::Decision decision = guard.decide(Facts(request).view(), now);
  if (const auto* refused = decision.refused()) return answer_with(refused->answer);

  const jeton::VerifiedToken& token = *decision.token();
  Response response{http::status::ok, 11};
  response.set(http::field::content_type, "text/plain");
  response.body() = "projects of " + std::string(token.subject()) + "\n";
  return response;
}

void serve(asio::ip::tcp::socket socket, const jeton::Guard& guard) {
  boost::beast::flat_buffer buffer;
  boost::beast::error_code error;
  while (!error) {
    Request request;
    http::read(socket, buffer, request, error);
    if (error) break;
    Response response = handle(request, guard);
    response.keep_alive(request.keep_alive());
    response.prepare_payload();
    http::write(socket, response, error);
    if (!response.keep_alive()) break;
  }
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
  if (argc < 3) return std::cerr << "usage: guarded_beast JWKS_FILE ISSUER [PORT]\n", 2;
  const jeton::Guard guard = make_guard(argv[1], argv[2]);
  const auto port = static_cast<unsigned short>(argc > 3 ? std::stoi(argv[3]) : 0);
  asio::io_context context;
  asio::ip::tcp::acceptor acceptor(context, {asio::ip::make_address("127.0.0.1"), port});
  std::cout << "listening on 127.0.0.1:" << acceptor.local_endpoint().port() << std::endl;
  for (;;) {
    std::thread([socket = acceptor.accept(), &guard]() mutable { serve(std::move(socket), guard); }).detach();
  }
} catch (const std::exception& error) {
  std::cerr << "guarded_beast: " << error.what() << '\n';
  return 1;
}
