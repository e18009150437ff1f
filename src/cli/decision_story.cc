#include "cli/decision_story.h"

#include "cli/terminal.h"
#include "cli/topics.h"

#include <fmt/format.h>

#include <array>
#include <vector>

namespace jeton::cli {
namespace {

std::string_view text_in(const Value& line, std::string_view name) {
  const Value* const member = line.find(name);
  const std::string* const text = member == nullptr ? nullptr : member->if_string();
  return text == nullptr ? std::string_view{} : std::string_view(*text);
}

std::int64_t number_in(const Value& line, std::string_view name) {
  const Value* const member = line.find(name);
  const std::int64_t* const number = member == nullptr ? nullptr : member->if_integer();
  return number == nullptr ? 0 : *number;
}

class Writer {
 public:
  explicit Writer(bool colour) : colour_(colour) {}
  void row(std::string_view name, const std::string& text, Tone tone = Tone::plain) {
    if (text.empty()) return;
    out_ += painted(fmt::format("{:<9}  ", name), Tone::quiet, colour_);
    out_ += painted(harmless(text), tone, colour_) + "\n";
  }
  std::string take() { return std::move(out_); }

 private:
  bool colour_;
  std::string out_;
};

std::string asked(const Value& line) {
  std::string text = fmt::format("{} {}{}", text_in(line, "method"), text_in(line, "host"), text_in(line, "path"));
  if (const auto address = text_in(line, "address"); !address.empty()) text += fmt::format(" from {}", address);
  const std::string_view shape = text_in(line, "shape") == "proxy" ? "reverse proxy" : "forward-auth";
  return text + fmt::format(", by {}", shape);
}

std::string token_of(const Value& line) {
  std::vector<std::string> parts;
  constexpr std::array<std::string_view, 4> names = {"issuer", "subject", "client", "kid"};
  for (const std::string_view name : names) {
    if (const auto text = text_in(line, name); !text.empty())
      parts.push_back(fmt::format("{} {}", name == "kid" ? "key" : name, text));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace

bool is_decision_about(const Value& line, std::string_view id) {
  const std::string_view event = text_in(line, "event");
  if ((event != "decision" && event != "exchange ended") || id.empty()) return false;
  return text_in(line, "request") == id || text_in(line, "proxy_request") == id || text_in(line, "trace") == id;
}

std::string decision_story(const Value& line, bool colour) {
  Writer out(colour);
  out.row("request", fmt::format("{}, {}", text_in(line, "request"), text_in(line, "time")), Tone::strong);
  out.row("trace", std::string(text_in(line, "trace")));
  out.row("asked", asked(line));
  const auto route = text_in(line, "route");
  out.row("route", route.empty() ? "none" : std::string(route));
  const auto reason = text_in(line, "reason");
  if (text_in(line, "decision") == "allowed") {
    out.row("decision", "allowed", Tone::good);
  } else if (text_in(line, "decision") == "ended") {
    out.row("decision", fmt::format("allowed, and ended under way ({}): {}", text_in(line, "stage"), reason),
            Tone::bad);
  } else {
    out.row("decision", fmt::format("refused, {}: {}", number_in(line, "status"), reason), Tone::bad);
    const auto claim = text_in(line, "claim");
    const auto demanded = text_in(line, "demanded");
    if (!claim.empty() || !demanded.empty())
      out.row("demanded", fmt::format("{}{}{}", claim, !claim.empty() && !demanded.empty() ? ": " : "", demanded));
    if (const auto said = text_in(line, "said"); !said.empty()) out.row("said", fmt::format("{}: {}", claim, said));
  }
  const std::string token = token_of(line);
  out.row("token", token.empty() ? "none, or one that is not to be believed" : token);
  out.row("meaning", std::string(topic_meaning(reason)), Tone::quiet);
  return out.take();
}

}  // namespace jeton::cli
