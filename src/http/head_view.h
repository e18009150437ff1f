// HeadView: a request line and its header fields (RFC 9112), read strictly and without copying. It is the only reading
// of a request's head: nothing later in the room looks at the raw bytes again, so no two parsers can disagree about
// where a request ends.
//
// What RFC 9112 leaves to the recipient is refused: bare LF and bare CR, folded lines, space before the colon,
// control characters in values, absolute-form and authority-form targets, more than one Host or Content-Length,
// Content-Length beside Transfer-Encoding, any coding but exactly `chunked`, percent-encoding, dot segments and
// doubled slashes in a path.
//
// Views are into the bytes that were read, and end with them. The object is large; keep one and read into it again.
#pragma once

#include "http/message.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>

namespace jeton::http {

// Why a request is answered without a handler: the status and the static text of `{"error":"…"}`.
// Status 0: there is nobody to answer (the peer has gone, or never sent a byte).
struct Refusal {
  int status;
  std::string_view error;
};

enum class BodyFraming : std::uint8_t { none, counted, chunked };

inline constexpr std::size_t header_fields_max = 100;

struct FieldView {
  std::string_view name, value;  // the value without the blanks around it
};

struct HeadView {
  Method method = Method::get;
  std::string_view method_name;  // as received
  std::string_view target;       // as received, "/path?query"
  std::string_view path;         // the part before "?"
  std::string_view query;        // the part after "?", raw
  std::string_view host;         // the Host field; empty if there is none (HTTP/1.0)
  BodyFraming framing = BodyFraming::none;
  std::uint64_t body_bytes = 0;  // when counted
  bool http_1_0 = false;
  bool keep_alive = true;
  bool expects_continue = false;

  std::span<const FieldView> fields() const noexcept { return {fields_.data(), field_count_}; }
  // The first of that name; null if there is none.
  const FieldView* find(std::string_view name) const noexcept;

 private:
  friend std::optional<Refusal> read_field_lines(std::string_view lines, HeadView& view);
  std::array<FieldView, header_fields_max> fields_;
  std::size_t field_count_ = 0;
};

// find_head_end looks for the empty line in what has arrived so far. Returns the size of the head, the empty line
// included, or 0 when more bytes are needed. `scanned` says how far earlier calls on the same bytes have looked; begin
// with 0. Refuses as soon as a byte shows that this will never be a good head, so that no timeout has to.
std::expected<std::size_t, Refusal> find_head_end(std::string_view bytes, std::size_t& scanned);

// strict: as above. raw: any printable ASCII but `#`, for a handler that brings the path into one spelling itself
// before it looks at it.
enum class PathReading : std::uint8_t { strict, raw };

// Reads into `view`, whatever it held before. `head` is exactly the bytes that find_head_end counted.
std::optional<Refusal> read_head_view(std::string_view head, HeadView& view, PathReading paths = PathReading::strict);

// The field lines alone, each with its CR LF, as find_head_end has seen to: of an answer too.
std::optional<Refusal> read_field_lines(std::string_view lines, HeadView& view);

// Calls `take` for each element of a comma-separated list of tokens, without the blanks around it; empty ones are left
// out.
template <class Take>
void for_each_option(std::string_view list, Take take) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    std::string_view option = list.substr(0, comma);
    while (option.starts_with(' ') || option.starts_with('\t')) option.remove_prefix(1);
    while (option.ends_with(' ') || option.ends_with('\t')) option.remove_suffix(1);
    if (!option.empty()) take(option);
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
}

// The grammar of RFC 9110, section 5: shared with the chunk reader's trailers and the writer of answers.
bool is_field_name(std::string_view name) noexcept;    // token, not empty
bool is_field_value(std::string_view value) noexcept;  // no control character but tab
bool same_field_name(std::string_view a, std::string_view b) noexcept;

}  // namespace jeton::http
