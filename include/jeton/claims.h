// Claims: what a token is to say, before it is signed. The subject is given at once, the rest with `with`:
//
//   Claims{"dev_12847"}.with("email", "dev@example.com").with("roles", {"developer", "team_lead"}).with("plan", "pro")
//
// The registered claims `iss aud exp iat jti` are the Signer's and are refused here when it signs; `sub` is the
// constructor's. Names that look secret (`password`, `cardNumber`, nested too) are refused when it signs: everyone who
// holds a token can read it.
#pragma once

#include <jeton/value.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace jeton {

class Claims {
 public:
  explicit Claims(std::string subject) : subject_(std::move(subject)) {}

  Claims& with(std::string name, Value value) & {
    members_.set(std::move(name), std::move(value));
    return *this;
  }
  Claims&& with(std::string name, Value value) && { return std::move(with(std::move(name), std::move(value))); }
  Claims& with(std::string name, std::initializer_list<std::string_view> texts) &;
  Claims&& with(std::string name, std::initializer_list<std::string_view> texts) && {
    return std::move(with(std::move(name), texts));
  }

  const std::string& subject() const noexcept { return subject_; }
  const Value& members() const noexcept { return members_; }  // always an object

 private:
  std::string subject_;
  Value members_ = Value::object();
};

// The first member, at any depth, whose name looks like a secret (password, card number, private key, …), or an empty
// text. camelCase, snake_case and kebab-case are the same.
std::string_view find_sensitive_name(const Value& value) noexcept;

}  // namespace jeton
