#include "platform/place_file.h"

#include <maxminddb.h>

#include <array>
#include <string_view>
#include <utility>

namespace jeton::platform {
namespace {

constexpr std::size_t place_text_bytes_max = 128;

template <class... Path>
std::string text_at(MMDB_entry_s& entry, Path... path) {
  MMDB_entry_data_s found{};
  const int status = MMDB_get_value(&entry, &found, path..., nullptr);
  if (status != MMDB_SUCCESS || !found.has_data || found.type != MMDB_DATA_TYPE_UTF8_STRING) return {};
  return {found.utf8_string, found.data_size < place_text_bytes_max ? found.data_size : 0};
}

}  // namespace

struct PlaceFile::State {
  MMDB_s file{};
  bool open = false;
  ~State() {
    if (open) MMDB_close(&file);
  }
};

PlaceFile::PlaceFile(std::unique_ptr<State> state) : state_(std::move(state)) {}
PlaceFile::~PlaceFile() = default;

Outcome<std::unique_ptr<PlaceFile>> PlaceFile::open(const std::string& path) {
  auto state = std::make_unique<State>();
  const int status = MMDB_open(path.c_str(), MMDB_MODE_MMAP, &state->file);
  if (status != MMDB_SUCCESS) {
    return std::unexpected(Fault{path + " cannot be used as a file of places: " + MMDB_strerror(status) + ".",
                                 "Give a file in MaxMind's format (.mmdb) in [devices] places, or leave it empty."});
  }
  state->open = true;
  return std::unique_ptr<PlaceFile>(new PlaceFile(std::move(state)));
}

std::string PlaceFile::place_of(const std::string& address) const {
  int not_an_address = 0;
  int status = MMDB_SUCCESS;
  MMDB_lookup_result_s result = MMDB_lookup_string(&state_->file, address.c_str(), &not_an_address, &status);
  if (not_an_address != 0 || status != MMDB_SUCCESS || !result.found_entry) return {};
  const std::string city = text_at(result.entry, "city", "names", "en");
  const std::string country = text_at(result.entry, "country", "iso_code");
  if (city.empty() || country.empty()) return city + country;
  return city + ", " + country;
}

}  // namespace jeton::platform
