// A request has one token in one place, or none is taken from it. Input: lines; the first is the query, the second
// the form, the others are Authorization headers.
// Parts: guard/bearer
#include "target.h"

#include <jeton/guard.h>

#include <algorithm>

namespace jeton::fuzz {
JETON_FUZZ_TARGET(bearer) {
  std::vector<std::string_view> lines(1);
  std::string_view rest = input;
  for (auto end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
    lines.back() = rest.substr(0, end);
    lines.emplace_back();
    rest.remove_prefix(end + 1);
  }
  lines.back() = rest;
  const RequestFacts facts{
      .query = lines[0],
      .authorization = std::span(lines).subspan(std::min<std::size_t>(lines.size(), 2)),
      .form_body = lines.size() > 1 ? lines[1] : std::string_view{},
  };
  const auto token = extract_bearer(facts);
  if (token) {
    JETON_PROPERTY(facts.authorization.size() == 1);
    JETON_PROPERTY(!token->empty() && facts.authorization[0].contains(*token));
    JETON_PROPERTY(token->find_first_of(" \t,") == std::string_view::npos);
    JETON_PROPERTY(!facts.query.starts_with("access_token=") && !facts.form_body.starts_with("access_token="));
  } else {
    const Answer answer = answer_for(token.error(), ErrorStyle::reference, "api");
    JETON_PROPERTY(answer.status == 400 || answer.status == 401 || answer.status == 403);
  }
}
}  // namespace jeton::fuzz
