#include <jeton/policy.h>

#include <algorithm>
#include <array>
#include <cstddef>

namespace jeton {
namespace {

constexpr std::size_t header_name_bytes_max = 128;

// CGI, WSGI and PHP make one name of `X-User`, `X_User` and `X.User`; some make it of whatever is no letter or digit.
char folded(char c) noexcept {
  if (c >= 'A' && c <= 'Z') return static_cast<char>(c | 0x20);
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '-';
}

bool is_same_name(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, {}, folded, folded);
}

// What frames a message, says where it goes, or is believed for what it is.
constexpr std::array<std::string_view, 19> reserved = {"host",
                                                       "content-length",
                                                       "transfer-encoding",
                                                       "connection",
                                                       "keep-alive",
                                                       "te",
                                                       "trailer",
                                                       "upgrade",
                                                       "expect",
                                                       "proxy-connection",
                                                       "proxy-authenticate",
                                                       "authorization",
                                                       "cookie",
                                                       "proxy-authorization",
                                                       "set-cookie",
                                                       "content-encoding",
                                                       "content-type",
                                                       "range",
                                                       "date"};

bool is_name_character(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

void append_element(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  constexpr auto is_plain = [](char c) { return c > ' ' && c < 0x7f && c != '%' && c != ','; };
  if (std::ranges::all_of(text, is_plain)) {  // as nearly all are
    out += text;
    return;
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool is_outer_space = byte == ' ' && (i == 0 || i + 1 == text.size());
    if (byte >= ' ' && byte < 0x7f && byte != '%' && byte != ',' && !is_outer_space)
      out += text[i];
    else
      out.append({'%', digits[byte >> 4], digits[byte & 15]});
  }
}

}  // namespace

std::optional<HeaderName> HeaderName::of(std::string_view name) {
  if (name.empty() || name.size() > header_name_bytes_max || !std::ranges::all_of(name, is_name_character)) return {};
  if (std::ranges::any_of(reserved, [&](std::string_view one) { return is_same_name(one, name); })) return {};
  return HeaderName(std::string(name));
}

bool HeaderName::is(std::string_view name) const noexcept { return is_same_name(text_, name); }

HeaderValue HeaderValue::of(std::string_view text) {
  std::string out;
  append_element(out, text);
  return HeaderValue(std::move(out));
}

HeaderValue HeaderValue::joined(std::span<const std::string_view> texts) {
  std::string out;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (i > 0) out += ',';
    append_element(out, texts[i]);
  }
  return HeaderValue(std::move(out));
}

}  // namespace jeton
