#include "cli/explain_text.h"

#include "cli/key_input.h"
#include "cli/terminal.h"
#include "cli/time_text.h"
#include "cli/token_parts.h"
#include "cli/topics.h"

#include <jeton/claims.h>
#include <jeton/jws.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace jeton::cli {
namespace {

constexpr std::size_t label_columns = 11;
constexpr std::size_t value_characters_max = 300;

struct ClaimMeaning {
  std::string_view name, meaning;
};
constexpr std::array<ClaimMeaning, 14> claim_meanings{{
    {"iss", "who made it"},
    {"sub", "whom it speaks of"},
    {"aud", "the service it is for"},
    {"exp", "good until"},
    {"nbf", "good from"},
    {"iat", "made at"},
    {"jti", "its own number"},
    {"client_id", "the application that asked for it"},
    {"scope", "what it may do"},
    {"auth_time", "signed in at"},
    {"sid", "the session"},
    {"gen", "the session's generation"},
    {"ver", "the version of the user's record"},
    {"cnf", "the key of its holder"},
}};

std::string_view meaning_of(std::string_view claim) noexcept {
  const auto* found = std::ranges::find(claim_meanings, claim, &ClaimMeaning::name);
  return found == claim_meanings.end() ? std::string_view{} : found->meaning;
}

bool is_time(std::string_view claim) noexcept {
  return claim == "exp" || claim == "nbf" || claim == "iat" || claim == "auth_time" || claim == "updated_at";
}

// A NumericDate, whole seconds of it; nothing if the value is none or outside the years 1970 to 9999.
std::optional<UnixTime> time_in(const Value* value) noexcept {
  if (value == nullptr) return std::nullopt;
  if (const std::int64_t* whole = value->if_integer()) {
    if (*whole < 0 || *whole > numeric_date_max) return std::nullopt;
    return from_unix_seconds(*whole);
  }
  const double* number = value->if_is<double>();
  if (number == nullptr || !(*number >= 0 && *number <= static_cast<double>(numeric_date_max))) return std::nullopt;
  return from_unix_seconds(static_cast<std::int64_t>(std::floor(*number)));
}

std::string shown(const Value& value) {
  const std::string* text = value.if_string();
  return shortened(harmless(text != nullptr ? *text : value.to_json()), value_characters_max);
}

// A text, or the texts of an array, in quotes: "api", "billing".
std::string in_quotes(const Value* value) {
  if (value == nullptr) return "nobody";
  if (value->if_array() == nullptr) return '"' + shown(*value) + '"';
  std::vector<std::string> all;
  for (const Value& element : *value->if_array()) all.push_back('"' + shown(element) + '"');
  return all.empty() ? "nobody" : fmt::format("{}", fmt::join(all, ", "));
}

std::string in_quotes(const std::vector<std::string>& texts) {
  const Value all{Value::Array(texts.begin(), texts.end())};
  return in_quotes(&all);
}

// The page: labels in the first column, everything else beside them.
class Page {
 public:
  explicit Page(const ExplainStyle& style) : style_(style) {}

  void section(std::string_view label, std::string_view first_line) {
    text_ += painted(fmt::format("{:<{}}", label, label_columns), Tone::strong, style_.colour);
    text_ += fmt::format("{}\n", first_line);
  }
  void line(std::string_view text) { text_ += fmt::format("{:{}}{}\n", "", label_columns, text); }
  // What a part is; left out of a brief page.
  void teach(std::string_view text) {
    if (!style_.brief) line(paint(text, Tone::quiet));
  }
  std::string paint(std::string_view text, Tone tone) const { return painted(text, tone, style_.colour); }
  bool is_brief() const noexcept { return style_.brief; }
  std::string take() { return std::move(text_); }

 private:
  ExplainStyle style_;
  std::string text_;
};

void write_header(Page& page, const Result<Value>& header) {
  if (!header) {
    page.section("header", "unreadable: " + describe(header.error()));
    return;
  }
  std::vector<std::string> main;
  for (const std::string_view name : {"alg", "typ", "kid"}) {
    const Value* value = header->find(name);
    if (value == nullptr) continue;
    main.push_back(name == "kid" && value->if_string() != nullptr ? kid_text(*value->if_string())
                                                                  : fmt::format("{} {}", name, shown(*value)));
  }
  page.section("header", main.empty() ? "names no algorithm" : fmt::format("{}", fmt::join(main, " · ")));
  for (const auto& [name, value] : *header->if_object()) {
    if (name == "alg" || name == "typ" || name == "kid") continue;
    const bool names_a_key = name == "jku" || name == "x5u" || name == "jwk" || name == "x5c";
    page.line(
        fmt::format("{}  {}{}", shortened(harmless(name), 40), shown(value),
                    names_a_key ? page.paint("  (never used: a token does not bring its own key)", Tone::quiet) : ""));
  }
  page.teach("how it is signed: the algorithm, the kind of token, the name of the key");
}

std::string claim_value(const Value::Member& claim, UnixTime now) {
  if (is_time(claim.name)) {
    if (const auto time = time_in(&claim.value)) return date_text(*time) + ", " + relative_text(*time, now);
  }
  Value alone = Value::object();
  alone.set(claim.name, claim.value);
  if (!find_sensitive_name(alone).empty())
    return "(not shown: its name looks like a secret, and everyone who holds the token can read it)";
  return shown(claim.value);
}

void write_claims(Page& page, const Result<Value>& payload, UnixTime now) {
  if (!payload) {
    page.section("claims", "unreadable: " + describe(payload.error()));
    return;
  }
  const Value::Object& claims = *payload->if_object();
  if (claims.empty()) page.section("claims", "none");
  std::size_t widest = 0;
  for (const auto& claim : claims) widest = std::max(widest, std::min<std::size_t>(harmless(claim.name).size(), 16));
  bool first = true;
  for (const auto& claim : claims) {
    const std::string_view meaning = page.is_brief() ? std::string_view{} : meaning_of(claim.name);
    const std::string line =
        fmt::format("{:<{}}  {}{}", shortened(harmless(claim.name), 40), widest, claim_value(claim, now),
                    meaning.empty() ? "" : page.paint(fmt::format("  ({})", meaning), Tone::quiet));
    if (first)
      page.section("claims", line);
    else
      page.line(line);
    first = false;
  }
  page.teach("what it says; everyone who holds the token can read this: encoded is not encrypted");
}

void write_signature(Page& page, const VerifyRequest& request, std::size_t bytes) {
  if (request.jwks.empty()) {
    page.section("signature", fmt::format("{} bytes, not checked: no keys were given (--jwks)", bytes));
  } else if (const auto keys = keys_of(request); !keys) {
    page.section("signature", "not checked: " + describe(keys.error()));
  } else if (const auto good = jws_verify(request.token, *keys, algorithm_rule(request.algs))) {
    const std::string key = good->key_id().empty() ? "the only key" : "key " + kid_text(good->key_id()).substr(4);
    page.section("signature", page.paint("valid", Tone::good) + ", by " + key);
  } else if (good.error().code == Errc::bad_signature) {
    page.section("signature", page.paint("not valid", Tone::bad) + ": it belongs to other bytes, or to another key");
  } else {
    page.section("signature", page.paint("not checked", Tone::bad) + ": " + describe(good.error()));
  }
  page.teach("proves who made the token, and that neither header nor claims were changed since");
}

// "(exp 13:44:02, now 13:48:10, leeway 0 s)"; with dates where the two lie on different days.
std::string clocks(std::string_view claim, UnixTime time, const VerifyRequest& request) {
  const UnixTime now = *request.now;
  return fmt::format("({} {}, now {}, leeway {} s)", claim, clock_text(time, now), clock_text(now, time),
                     request.leeway.count());
}

// Why it is refused, with what the token says beside what was expected.
std::string reason(const Error& error, const Value& payload, const VerifyRequest& request) {
  const UnixTime now = *request.now;
  switch (error.code) {
    case Errc::expired:
      if (const auto exp = time_in(payload.find("exp"))) {
        const std::string when = *exp == now ? "expired this very second" : "expired " + relative_text(*exp, now);
        return when + " " + clocks("exp", *exp, request);
      }
      break;
    case Errc::not_yet_valid:
      if (const auto nbf = time_in(payload.find("nbf"))) {
        return fmt::format("becomes valid {} {}", relative_text(*nbf, now), clocks("nbf", *nbf, request));
      }
      break;
    case Errc::issued_in_future:
      if (const auto iat = time_in(payload.find("iat"))) {
        return fmt::format("made in the future, {} {}", relative_text(*iat, now), clocks("iat", *iat, request));
      }
      break;
    case Errc::wrong_audience:
      if (request.audiences) {
        return fmt::format("audience: this API is {}, the token is for {}", in_quotes(*request.audiences),
                           in_quotes(payload.find("aud")));
      }
      break;
    case Errc::wrong_issuer:
      if (request.issuers) {
        return fmt::format("issuer: expected {}, the token is from {}", in_quotes(*request.issuers),
                           in_quotes(payload.find("iss")));
      }
      break;
    default: break;
  }
  return describe(error);
}

void write_refusal(Page& page, const Error& error, const Value& payload, const VerifyRequest& request) {
  page.section("verdict", page.paint("refused", Tone::bad) + ": " + reason(error, payload, request));
  page.line(fmt::format("{} See: jeton help {}", topic_of(error.code).remedy, name_of(error.code)));
}

void write_acceptance(Page& page, const Value& payload, const VerifyRequest& request) {
  const Value* audience = payload.find("aud");
  page.section("verdict",
               page.paint("accepted", Tone::good) +
                   (audience == nullptr ? "; it names no audience" : " for audience " + in_quotes(audience)));
  if (request.issuers && request.audiences) return;
  const std::string_view unchecked = request.issuers     ? "audience was"
                                     : request.audiences ? "issuer was"
                                                         : "issuer and audience were";
  const std::string_view how = request.issuers     ? "--audience"
                               : request.audiences ? "--issuer"
                                                   : "--issuer and --audience";
  page.teach(fmt::format("its {} not compared with anything: say what you expect with {}", unchecked, how));
}

// Without keys nothing is accepted; but a token whose own words condemn it is refused whatever its signature.
void write_undecided(Page& page, const Value& payload, const VerifyRequest& request) {
  const auto exp = time_in(payload.find("exp"));
  if (exp && *request.now >= *exp && *request.now - *exp >= request.leeway) {
    return write_refusal(page, Error{Errc::expired, "exp"}, payload, request);
  }
  page.section("verdict", "undecided: the signature was not checked, so nothing above is proved");
  page.line("Give the issuer's keys: jeton explain --jwks jwks.json");
}

Explanation refused_whole(Page& page, const Error& error, const VerifyRequest& request) {
  write_refusal(page, error, Value::object(), request);
  return {.text = page.take(), .accepted = false};
}

}  // namespace

Explanation explain_token(const VerifyRequest& request, const ExplainStyle& style) {
  Page page{style};
  if (is_refresh_token(request.token)) {
    page.section("token", "a refresh token: opaque, for its issuer alone, and not taken apart here");
    page.teach("a client presents it to the issuer's refresh endpoint for a new access token; no API takes it");
    page.section("verdict", page.paint("refused", Tone::bad) + ": it is no access token");
    return {.text = page.take(), .accepted = false};
  }
  const auto parts = take_apart(request.token);
  if (!parts) return refused_whole(page, parts.error(), request);
  write_header(page, parts->header);
  write_claims(page, parts->payload, *request.now);
  write_signature(page, request, parts->signature_bytes);
  const Value payload = parts->payload ? *parts->payload : Value::object();
  if (request.jwks.empty()) {
    if (!parts->header) return refused_whole(page, parts->header.error(), request);
    if (!parts->payload) return refused_whole(page, parts->payload.error(), request);
    write_undecided(page, payload, request);
    return {.text = page.take(), .accepted = false};
  }
  const auto verified = decide(request);
  if (!verified)
    write_refusal(page, verified.error(), payload, request);
  else
    write_acceptance(page, payload, request);
  return {.text = page.take(), .accepted = verified.has_value()};
}

}  // namespace jeton::cli
