#include "oauth/form.h"

#include <algorithm>

namespace jeton::oauth {
namespace {

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The number of bytes behind the first of a UTF-8 sequence, and the range of the next one; -1: no first byte.
struct Lead {
  int more;
  unsigned char least, most;
};
Lead lead_of(unsigned char c) noexcept {
  if (c < 0x80) return {0, 0, 0};
  if (c >= 0xC2 && c <= 0xDF) return {1, 0x80, 0xBF};
  if (c == 0xE0) return {2, 0xA0, 0xBF};
  if (c == 0xED) return {2, 0x80, 0x9F};
  if (c >= 0xE1 && c <= 0xEF) return {2, 0x80, 0xBF};
  if (c == 0xF0) return {3, 0x90, 0xBF};
  if (c >= 0xF1 && c <= 0xF3) return {3, 0x80, 0xBF};
  if (c == 0xF4) return {3, 0x80, 0x8F};
  return {-1, 0, 0};
}

bool is_plain_utf8(std::string_view text) noexcept {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x20 || c == 0x7F) return false;
    Lead lead = lead_of(c);
    if (lead.more < 0) return false;
    for (; lead.more > 0; --lead.more) {
      const auto next = ++i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
      if (next < lead.least || next > lead.most) return false;
      lead = {lead.more, 0x80, 0xBF};
    }
  }
  return true;
}

std::unexpected<Fault> malformed(std::string_view description) {
  return std::unexpected(Fault{FaultCode::invalid_request, description});
}

}  // namespace

std::optional<std::string> form_decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = high < 0 ? -1 : hex_digit(text[i + 2]);
      if (low < 0) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  if (!is_plain_utf8(out)) return std::nullopt;
  return out;
}

std::expected<Form, Fault> Form::parse(std::string_view body) {
  Form form;
  while (!body.empty()) {
    const std::size_t end = std::min(body.find('&'), body.size());
    const std::string_view pair = body.substr(0, end);
    body.remove_prefix(std::min(end + 1, body.size()));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    auto name = form_decoded(pair.substr(0, equals));
    auto value = form_decoded(pair.substr(std::min(equals + 1, pair.size())));
    if (!name.has_value() || !value.has_value()) return malformed("the form is not well encoded");
    if (name != "resource" &&
        std::ranges::find(form.parameters_, *name, [](const auto& p) { return p.first; }) != form.parameters_.end()) {
      return malformed("a parameter is given more than once");
    }
    if (form.parameters_.size() == form_parameters_max) return malformed("too many parameters");
    form.parameters_.emplace_back(*std::move(name), *std::move(value));
  }
  return form;
}

const std::string* Form::find(std::string_view name) const noexcept {
  const auto found = std::ranges::find_if(
      parameters_, [name](const auto& parameter) { return parameter.first == name && !parameter.second.empty(); });
  return found == parameters_.end() ? nullptr : &found->second;
}

std::vector<std::string> Form::all(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [key, value] : parameters_) {
    if (key == name && !value.empty()) values.push_back(value);
  }
  return values;
}

}  // namespace jeton::oauth
