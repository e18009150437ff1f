// append_form: one more member of an application/x-www-form-urlencoded text.
#pragma once

#include <string>
#include <string_view>

namespace jeton::http {

// Every byte that is no letter, digit, `-`, `.` or `_` is percent-encoded.
void append_form(std::string& form, std::string_view name, std::string_view value);

}  // namespace jeton::http
