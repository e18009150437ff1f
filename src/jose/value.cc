#include <jeton/value.h>

#include "jose/json.h"
#include "jose/json_value.h"

#include <cassert>
#include <charconv>
#include <cmath>

namespace jeton {
namespace {

void append_number(std::string& out, double number) {
  char digits[32];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, number);
  assert(error == std::errc{});
  const std::string_view text(digits, static_cast<std::size_t>(end - digits));
  out += text;
  // A double stays one when it is read back.
  if (text.find_first_of(".e") == std::string_view::npos) out += ".0";
}

void append(std::string& out, const Value& value);

void append_object(std::string& out, const Value::Object& members) {
  out.push_back('{');
  for (const Value::Member& member : members) {
    if (&member != members.data()) out.push_back(',');
    jose::append_json_string(out, member.name);
    out.push_back(':');
    append(out, member.value);
  }
  out.push_back('}');
}

void append_array(std::string& out, const Value::Array& elements) {
  out.push_back('[');
  for (const Value& element : elements) {
    if (&element != elements.data()) out.push_back(',');
    append(out, element);
  }
  out.push_back(']');
}

void append(std::string& out, const Value& value) {
  if (const auto* text = value.if_string()) return jose::append_json_string(out, *text);
  if (const auto* integer = value.if_integer()) {
    out += std::to_string(*integer);
    return;
  }
  if (const auto* truth = value.if_bool()) {
    out += *truth ? "true" : "false";
    return;
  }
  if (const auto* number = value.if_is<double>()) return append_number(out, *number);
  if (const auto* array = value.if_array()) return append_array(out, *array);
  if (const auto* object = value.if_object()) return append_object(out, *object);
  out += "null";
}

}  // namespace

Value::Value() noexcept : data_(nullptr) {}
Value::Value(std::nullptr_t) noexcept : data_(nullptr) {}
Value::Value(double value) noexcept : data_(value) { assert(std::isfinite(value)); }
Value::Value(const char* text) : data_(std::string(text)) {}
Value::Value(std::string_view text) : data_(std::string(text)) {}
Value::Value(std::string text) noexcept : data_(std::move(text)) {}
Value::Value(Array elements) noexcept : data_(std::move(elements)) {}
Value::Value(Object members) noexcept : data_(std::move(members)) {}
// Not the variant's own copy: libstdc++ 12 destroys what it has not made when memory ends meanwhile.
Value::Value(const Value& other) : data_(nullptr) {
  std::visit(
      [this]<class Held>(const Held& held) {
        Held copy(held);
        data_.emplace<Held>(std::move(copy));
      },
      other.data_);
}
Value::Value(Value&&) noexcept = default;
Value& Value::operator=(const Value& other) {
  if (this != &other) *this = Value(other);
  return *this;
}
Value& Value::operator=(Value&&) noexcept = default;
Value::~Value() = default;

Value Value::object() { return Value(Object{}); }
Value Value::array() { return Value(Array{}); }

const Value* Value::find(std::string_view name) const noexcept {
  const Object* members = if_object();
  if (!members) return nullptr;
  for (const Member& member : *members) {
    if (member.name == name) return &member.value;
  }
  return nullptr;
}

Value& Value::set(std::string name, Value value) {
  assert(if_object());
  auto& members = std::get<Object>(data_);
  for (Member& member : members) {
    if (member.name == name) {
      member.value = std::move(value);
      return *this;
    }
  }
  members.push_back({std::move(name), std::move(value)});
  return *this;
}

Value& Value::push(Value value) {
  assert(if_array());
  std::get<Array>(data_).push_back(std::move(value));
  return *this;
}

bool operator==(const Value& a, const Value& b) { return a.data_ == b.data_; }
bool operator==(const Value::Member& a, const Value::Member& b) { return a.name == b.name && a.value == b.value; }

std::string Value::to_json() const {
  std::string out;
  append(out, *this);
  return out;
}

Result<Value> Value::parse(std::string_view json, const Limits& limits) {
  jose::JsonBuffer buffer{.text = std::string(json)};
  if (!jose::parse_json(buffer, {limits.json_depth_max, limits.json_members_max}) || buffer.has_out_of_range_number) {
    return std::unexpected(Error{Errc::malformed_json});
  }
  return jose::to_value(jose::JsonView(buffer));
}

Value jose::to_value(JsonView view) {
  switch (view.type()) {
    case JsonType::null: return nullptr;
    case JsonType::boolean: return view.boolean();
    case JsonType::integer: return view.integer();
    case JsonType::number: return view.number();
    case JsonType::string: return view.string();
    case JsonType::array: {
      Value::Array elements;
      elements.reserve(view.size());
      for (const JsonView child : view.children()) elements.push_back(to_value(child));
      return elements;
    }
    case JsonType::object: {
      Value::Object members;
      members.reserve(view.size());
      for (const JsonView child : view.children()) members.push_back({std::string(child.name()), to_value(child)});
      return members;
    }
    case JsonType::out_of_range: break;
  }
  assert(false && "a document with numbers out of range is refused before");
  return nullptr;
}

}  // namespace jeton
