// Value: one JSON value (RFC 8259) as an ordinary C++ value. It is what claims are made of when a token is written,
// and a free copy of them when one was read.
//
// Integers are 64-bit and stay integers; other numbers are double. Object members keep their order; two members of one
// object never share a name.
#pragma once

#include <jeton/error.h>
#include <jeton/limits.h>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace jeton {

class Value {
 public:
  struct Member;
  using Array = std::vector<Value>;
  using Object = std::vector<Member>;

  Value() noexcept;  // null
  Value(std::nullptr_t) noexcept;
  Value(std::same_as<bool> auto value) noexcept;
  template <std::integral T>
    requires(!std::same_as<T, bool> && !std::same_as<T, char> && (sizeof(T) < 8 || std::signed_integral<T>))
  Value(T value) noexcept;
  Value(double value) noexcept;
  Value(const char* text);
  Value(std::string_view text);
  Value(std::string text) noexcept;
  Value(Array elements) noexcept;
  Value(Object members) noexcept;
  Value(const Value&);
  Value(Value&&) noexcept;
  Value& operator=(const Value&);
  Value& operator=(Value&&) noexcept;
  ~Value();

  static Value object();
  static Value array();

  // Reads one JSON document, strictly: no duplicate names, no trailing bytes, bounded depth and members.
  // Errors: malformed_json.
  static Result<Value> parse(std::string_view json, const Limits& limits = default_limits);

  // The shortest JSON text; characters outside ASCII are written as they are.
  std::string to_json() const;

  template <class T>
  const T* if_is() const noexcept {
    return std::get_if<T>(&data_);
  }
  const std::string* if_string() const noexcept { return if_is<std::string>(); }
  const std::int64_t* if_integer() const noexcept { return if_is<std::int64_t>(); }
  const bool* if_bool() const noexcept { return if_is<bool>(); }
  const Array* if_array() const noexcept { return if_is<Array>(); }
  const Object* if_object() const noexcept { return if_is<Object>(); }
  bool is_null() const noexcept { return if_is<std::nullptr_t>() != nullptr; }

  // The member of that name, or null if this is no object or has none.
  const Value* find(std::string_view name) const noexcept;
  // Sets a member; this must be an object. An existing one is replaced.
  Value& set(std::string name, Value value);
  // Appends an element; this must be an array.
  Value& push(Value value);

  friend bool operator==(const Value&, const Value&);

 private:
  std::variant<std::nullptr_t, bool, std::int64_t, double, std::string, Array, Object> data_;
};

struct Value::Member {
  std::string name;
  Value value;
  friend bool operator==(const Member&, const Member&);
};

Value::Value(std::same_as<bool> auto value) noexcept : data_(value) {}

template <std::integral T>
  requires(!std::same_as<T, bool> && !std::same_as<T, char> && (sizeof(T) < 8 || std::signed_integral<T>))
Value::Value(T value) noexcept : data_(static_cast<std::int64_t>(value)) {}

}  // namespace jeton
