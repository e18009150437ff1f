// edge_floor: an HTTP server of Jeton's that answers everything 200 at once: what is left of forward-auth without a
// decision. Prints its port and serves until it is killed.
#include "http/server.h"

#include <cstdio>

int main() {
  jeton::http::Router router;
  router.use_inline([](const jeton::http::InlineRequest&, jeton::http::InlineAnswer& answer) { answer.status(200); });
  auto server = jeton::http::Server::listen({}, std::move(router));
  if (!server.has_value()) return 1;
  std::printf("%d\n", (*server)->port());
  std::fflush(stdout);
  (*server)->run();
}
