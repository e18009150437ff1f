#include "jose/sensitive_names.h"

#include <jeton/claims.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace jeton {
namespace {

// Words as they stand side by side in a name, without what separates them.
constexpr std::array<std::string_view, 30> sensitive = {"password",
                                                        "passwords",
                                                        "passwd",
                                                        "passphrase",
                                                        "passcode",
                                                        "pwd",
                                                        "secret",
                                                        "secrets",
                                                        "credential",
                                                        "credentials",
                                                        "cardnumber",
                                                        "creditcard",
                                                        "debitcard",
                                                        "ccnumber",
                                                        "cvv",
                                                        "cvc",
                                                        "securitycode",
                                                        "iban",
                                                        "bankaccount",
                                                        "accountnumber",
                                                        "ssn",
                                                        "socialsecurity",
                                                        "socialsecuritynumber",
                                                        "pin",
                                                        "privatekey",
                                                        "apikey",
                                                        "refreshtoken",
                                                        "accesstoken",
                                                        "totpseed",
                                                        "recoverycode"};

constexpr bool is_lower(char c) noexcept { return c >= 'a' && c <= 'z'; }
constexpr bool is_upper(char c) noexcept { return c >= 'A' && c <= 'Z'; }

// "userPassword2", "user_password", "USER-PASSWORD", "DBPassword" → user, password; db, password.
std::vector<std::string> words_of(std::string_view name) {
  std::vector<std::string> words;
  bool within = false;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    if (!is_lower(c) && !is_upper(c)) {
      within = false;
      continue;
    }
    const bool after_lower = i > 0 && is_lower(name[i - 1]);
    const bool ends_acronym = i > 0 && is_upper(name[i - 1]) && i + 1 < name.size() && is_lower(name[i + 1]);
    const bool hump = is_upper(c) && (after_lower || ends_acronym);
    if (!within || hump) words.emplace_back();
    words.back().push_back(static_cast<char>(c | 0x20));
    within = true;
  }
  return words;
}

// "userpassword", "clientsecret", "passwordhash": written together. Not "secretary".
bool hides_a_secret(std::string_view word) noexcept {
  for (const std::string_view part : {"password", "passwd", "passphrase"}) {
    if (word.find(part) != word.npos) return true;
  }
  return word.ends_with("secret") || word.ends_with("secrets") || word.ends_with("secretkey");
}

}  // namespace

bool jose::is_sensitive_name(std::string_view name) {
  const std::vector<std::string> words = words_of(name);
  if (std::ranges::any_of(words, hides_a_secret)) return true;
  for (std::size_t first = 0; first < words.size(); ++first) {
    std::string run;
    for (std::size_t last = first; last < std::min(first + 3, words.size()); ++last) {
      run += words[last];
      if (std::ranges::find(sensitive, run) != sensitive.end()) return true;
    }
  }
  return false;
}

std::string_view jose::find_sensitive_name(const Value& value, std::span<const std::string> permitted) {
  if (const auto* members = value.if_object()) {
    for (const Value::Member& member : *members) {
      if (is_sensitive_name(member.name) && std::ranges::find(permitted, member.name) == permitted.end())
        return member.name;
      if (const auto inner = find_sensitive_name(member.value, permitted); !inner.empty()) return inner;
    }
  }
  if (const auto* elements = value.if_array()) {
    for (const Value& element : *elements) {
      if (const auto inner = find_sensitive_name(element, permitted); !inner.empty()) return inner;
    }
  }
  return {};
}

std::string_view find_sensitive_name(const Value& value) noexcept { return jose::find_sensitive_name(value, {}); }

}  // namespace jeton
