// The guard before an endpoint on libmicrohttpd: guarded_microhttpd JWKS_FILE ISSUER [PORT].
//
//   GET /projects   with `Authorization: Bearer TOKEN`, for the audience "api"
//
// The part to copy is Facts, answer_with and the first lines of handle.
#include <jeton/guard.h>

#include <microhttpd.h>
#include <netinet/in.h>
#include <strings.h>
#include <unistd.h>

#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>

namespace {

// What the guard wants to know of a request: the views stay good while the request does. libmicrohttpd has taken the
// query apart, so it is put together again from what the guard looks for in it: the names.
struct Facts {
  explicit Facts(MHD_Connection* connection) {
    MHD_get_connection_values(connection, MHD_HEADER_KIND, add_header, this);
    MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, add_argument, this);
  }
  jeton::RequestFacts view() const { return {.query = query, .authorization = authorization}; }

  static MHD_Result add_header(void* self, MHD_ValueKind, const char* name, const char* value) {
    const bool is_authorization = strcasecmp(name, MHD_HTTP_HEADER_AUTHORIZATION) == 0;
    if (is_authorization) static_cast<Facts*>(self)->authorization.emplace_back(value ? value : "");
    return MHD_YES;
  }
  static MHD_Result add_argument(void* self, MHD_ValueKind, const char* name, const char*) {
    static_cast<Facts*>(self)->query += std::string(name) + "=&";
    return MHD_YES;
  }

  std::vector<std::string_view> authorization;
  std::string query;
};

MHD_Result queue(MHD_Connection* connection, int status, const std::string& body,
                 const std::vector<std::pair<std::string, std::string>>& headers) {
  MHD_Response* response =
      MHD_create_response_from_buffer(body.size(), const_cast<char*>(body.data()), MHD_RESPMEM_MUST_COPY);
  for (const auto& [name, value] : headers) MHD_add_response_header(response, name.c_str(), value.c_str());
  const MHD_Result result = MHD_queue_response(connection, static_cast<unsigned>(status), response);
  MHD_destroy_response(response);
  return result;
}

MHD_Result handle(void* closure, MHD_Connection* connection, const char* url, const char*, const char*, const char*,
                  std::size_t*, void**) {
  if (std::string_view(url) != "/projects") return queue(connection, 404, "no such page\n", {});
  const auto& guard = *static_cast<const jeton::Guard*>(closure);
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const jeton::Decision decision = guard.decide(Facts(connection).view(), now);
  if (const auto* refused = decision.refused()) {
    return queue(connection, refused->answer.status, refused->answer.body, refused->answer.headers);
  }
  const jeton::VerifiedToken& token = *decision.token();
  return queue(connection, 200, "projects of " + std::string(token.subject()) + "\n", {{"Content-Type", "text/plain"}});
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
  if (argc < 3) return std::cerr << "usage: guarded_microhttpd JWKS_FILE ISSUER [PORT]\n", 2;
  jeton::Guard guard = make_guard(argv[1], argv[2]);

  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(argc > 3 ? std::stoi(argv[3]) : 0));
  const std::unique_ptr<MHD_Daemon, decltype(&MHD_stop_daemon)> daemon(
      MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, nullptr, nullptr, handle, &guard, MHD_OPTION_SOCK_ADDR,
                       reinterpret_cast<sockaddr*>(&address), MHD_OPTION_END),
      &MHD_stop_daemon);
  if (!daemon) throw std::runtime_error("the port is taken; choose another");
  std::cout << "listening on 127.0.0.1:" << MHD_get_daemon_info(daemon.get(), MHD_DAEMON_INFO_BIND_PORT)->port
            << std::endl;
  for (;;) pause();
} catch (const std::exception& error) {
  std::cerr << "guarded_microhttpd: " << error.what() << '\n';
  return 1;
}
