#include "issuer/mail/mail.h"

#include "crypto/sealed_box.h"

#include <jeton/value.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

namespace jeton::issuer {
namespace {

constexpr std::string_view context = "mail";
constexpr std::size_t line_bytes_max = 998;  // RFC 5322 section 2.1.1
bool is_line(std::string_view text) {
  return text.size() <= line_bytes_max && std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

std::string date_text(store::StoreTime at) {
  constexpr std::array days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(std::chrono::floor<std::chrono::seconds>(at - day));
  return fmt::format("{}, {} {} {} {:02}:{:02}:{:02} +0000", days[std::chrono::weekday(day).c_encoding()],
                     static_cast<unsigned>(date.day()), months[static_cast<unsigned>(date.month()) - 1],
                     static_cast<int>(date.year()), time.hours().count(), time.minutes().count(),
                     time.seconds().count());
}

}  // namespace

std::optional<std::string> compose(const Mail& mail, std::string_view from, std::string_view id, store::StoreTime at) {
  if (!is_mailable(mail.to) || !is_mailable(from) || !is_line(mail.subject) || !is_line(id)) return std::nullopt;
  std::string message = fmt::format(
      "From: <{}>\r\nTo: <{}>\r\nSubject: {}\r\nDate: {}\r\nMessage-ID: <{}@{}>\r\nMIME-Version: 1.0\r\n"
      "Content-Type: text/plain; charset=us-ascii\r\nContent-Transfer-Encoding: 7bit\r\n"
      "Auto-Submitted: auto-generated\r\n\r\n",
      from, mail.to, mail.subject, date_text(at), id, from.substr(from.find('@') + 1));
  std::string_view rest = mail.text;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    if (!is_line(line)) return std::nullopt;
    message += line;
    message += "\r\n";
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
  }
  return message;
}

std::vector<std::byte> seal_mail(const SecretBytes& key, const Mail& mail) {
  Value value = Value::object();
  value.set("to", mail.to);
  value.set("subject", mail.subject);
  value.set("text", mail.text);
  const auto sealed = crypto::seal(key, SecretBytes::from_text(value.to_json()), context);
  return {sealed.begin(), sealed.end()};
}

std::optional<Mail> open_mail(const SecretBytes& key, std::span<const std::byte> sealed) {
  const auto plain = crypto::open(key, sealed, context);
  if (!plain.has_value()) return std::nullopt;
  const auto bytes = plain->reveal(InsecureSecretAccess::get());
  const auto value = Value::parse({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  if (!value.has_value()) return std::nullopt;
  const auto text = [&](std::string_view name) {
    const Value* member = value->find(name);
    return member == nullptr || member->if_string() == nullptr ? std::string() : *member->if_string();
  };
  return Mail{.to = text("to"), .subject = text("subject"), .text = text("text")};
}

}  // namespace jeton::issuer
