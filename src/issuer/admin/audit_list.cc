// The audit, read over HTTP.
#include "issuer/admin/admin.h"
#include "issuer/admin/records.h"
#include "issuer/completion.h"
#include "issuer/json_body.h"
#include "oauth/form.h"
#include "oauth/refresh_token.h"

#include <charconv>
#include <expected>
#include <string>
#include <utility>
#include <vector>

namespace jeton::issuer {
namespace {

std::expected<store::AuditQuery, http::Response> query_of(const http::Request& request) {
  const auto page = page_of(request);
  if (!page.has_value()) return std::unexpected(page.error());
  const auto form = oauth::Form::parse(request.query);
  store::AuditQuery query{.entries_max = page->limit};
  if (const std::string* kind = form->find("kind")) query.kind = *kind;
  if (const std::string* sub = form->find("sub")) query.sub = *sub;
  if (const std::string* sid = form->find("sid")) {
    query.sid = oauth::sid_from_text(*sid);
    if (!query.sid) return std::unexpected(refusal(400, "sid is no session's id"));
  }
  if (const std::string* before = form->find("before")) {
    const char* const end = before->data() + before->size();
    const auto read = std::from_chars(before->data(), end, query.before);
    if (read != std::from_chars_result{end, std::errc{}} || query.before < 1)
      return std::unexpected(refusal(400, "before must be the number of an entry"));
  }
  return query;
}

}  // namespace

boost::asio::awaitable<http::Response> answer_audit(const Context& context, const http::Request& request) {
  const auto manager = co_await manager_of(context, request, "admin:audit:read");
  if (!manager.has_value()) co_return manager.error();
  const auto query = query_of(request);
  if (!query.has_value()) co_return query.error();
  const auto entries = co_await completed<std::vector<store::AuditEntry>>(
      [&](auto done) { context.store.audit().list_audit(*query, std::move(done)); });
  if (!entries.has_value()) co_return management_failed(context, entries.error());
  Value list = Value::array();
  for (const store::AuditEntry& entry : *entries) list.push(as_json(entry));
  Value body = Value::object().set("entries", std::move(list));
  if (entries->size() == query->entries_max) body.set("next", entries->back().number);
  co_return http::json_response(200, body.to_json());
}

}  // namespace jeton::issuer
