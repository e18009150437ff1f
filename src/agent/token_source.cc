#include "agent/token_source.h"

#include "http/form.h"

#include <jeton/value.h>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace jeton::agent {
namespace {

using platform::Fault;
using platform::Outcome;
using std::chrono::milliseconds;

constexpr std::size_t answer_bytes_max = 64 * 1024;
constexpr std::size_t body_bytes_more = 256;  // of a request, beside the client's id and secret

std::string_view text_of(const SecretBytes& secret) {
  const auto bytes = secret.reveal(InsecureSecretAccess::get());
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

boost::asio::awaitable<Outcome<std::string>> TokenSource::get() {
  const milliseconds now = parts_.monotonic.ticks();
  if (!token_.empty() && now < good_until_) co_return token_;
  token_.clear();
  http::FetchRequest request{.method = http::Method::post,
                             .url = request_.endpoint,
                             .time_max = parts_.limits().fetch_time_max,
                             .body_bytes_max = answer_bytes_max};
  request.headers.add("Content-Type", "application/x-www-form-urlencoded");
  request.headers.add("Accept", "application/json");
  request.wipes_body = true;
  // Room at once: what grows leaves copies behind.
  request.body.reserve(body_bytes_more + 3 * (request_.client_id.size() + request_.client_secret.size()));
  http::append_form(request.body, "grant_type", "client_credentials");
  http::append_form(request.body, "client_id", request_.client_id);
  http::append_form(request.body, "client_secret", text_of(request_.client_secret));
  http::append_form(request.body, "scope", request_.scope);
  const auto answer = co_await parts_.http.fetch(std::move(request));
  if (!answer.has_value()) co_return std::unexpected(answer.error());
  const auto body = Value::parse(answer->body);
  if (answer->status != 200 || !body.has_value()) {
    const Value* const error = body.has_value() ? body->find("error") : nullptr;
    const std::string* const code = error ? error->if_string() : nullptr;
    const bool is_code = code != nullptr && code->size() <= 64;
    co_return std::unexpected(
        Fault{fmt::format("{}: no token for the client {}: status {}{}{}", request_.endpoint, request_.client_id,
                          answer->status, is_code ? ", " : "", is_code ? *code : ""),
              ""});
  }
  const Value* const token = body->find("access_token");
  const Value* const expires = body->find("expires_in");
  const std::string* const text = token ? token->if_string() : nullptr;
  const std::int64_t* const seconds = expires ? expires->if_integer() : nullptr;
  const auto is_token_char = [](char c) { return c > ' ' && c <= '~'; };
  if (text == nullptr || text->empty() || !std::ranges::all_of(*text, is_token_char)) {
    co_return std::unexpected(Fault{request_.endpoint + ": its answer has no token", ""});
  }
  constexpr std::int64_t lifetime_default = 60, lifetime_max = 24 * 3600;
  const std::int64_t lifetime = std::clamp<std::int64_t>(seconds ? *seconds : lifetime_default, 0, lifetime_max);
  good_until_ = now + milliseconds(lifetime * 1000 * 8 / 10);
  token_ = *text;
  co_return token_;
}

}  // namespace jeton::agent
