#include "issuer/accounts/accounts.h"
#include "issuer/sessions/caller.h"

#include <string>
#include <utility>

namespace jeton::issuer {

boost::asio::awaitable<http::Response> answer_me(const Context& context, const http::Request& request) {
  auto caller = co_await caller_of(context, request);
  if (!caller.has_value()) co_return std::move(caller.error());
  co_return http::json_response(200, std::string(caller->token.payload_json()));
}

}  // namespace jeton::issuer
