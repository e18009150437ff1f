#include "oauth/metadata.h"
#include "issuer/oauth/oauth.h"

#include <string>

namespace jeton::issuer {

boost::asio::awaitable<http::Response> answer_oauth_metadata(const Context& context, const http::Request&) {
  http::Response response = http::json_response(200, oauth::metadata_of(context.foundation.issuer));
  response.headers.set("Cache-Control", "public, max-age=" + std::to_string(context.rules.get()->jwks_max_age.count()));
  co_return response;
}

}  // namespace jeton::issuer
