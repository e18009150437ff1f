#include "crypto/nist_curve.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace jeton::crypto {
namespace {

template <std::size_t size>
constexpr std::string_view octets(const char (&text)[size]) {
  return {text, size - 1};  // zero bytes included, the closing one not
}

constexpr std::array<NistCurve, 3> curves{{
    {Curve::p256, Algorithm::es256, "prime256v1", 32,
     octets("\xff\xff\xff\xff\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff"
            "\xbc\xe6\xfa\xad\xa7\x17\x9e\x84\xf3\xb9\xca\xc2\xfc\x63\x25\x51")},
    {Curve::p384, Algorithm::es384, "secp384r1", 48,
     octets("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
            "\xff\xff\xff\xff\xff\xff\xff\xff\xc7\x63\x4d\x81\xf4\x37\x2d\xdf"
            "\x58\x1a\x0d\xb2\x48\xb0\xa7\x7a\xec\xec\x19\x6a\xcc\xc5\x29\x73")},
    {Curve::p521, Algorithm::es512, "secp521r1", 66,
     octets("\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
            "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
            "\xff\xfa\x51\x86\x87\x83\xbf\x2f\x96\x6b\x7f\xcc\x01\x48\xf7\x09"
            "\xa5\xd0\x3b\xb5\xc9\xb8\x89\x9c\x47\xae\xbb\x6f\xb7\x1e\x91\x38"
            "\x64\x09")},
}};
static_assert(std::ranges::all_of(curves, [](const NistCurve& c) { return c.order_octets.size() == c.bytes; }));

template <class Matches>
const NistCurve* find(Matches matches) noexcept {
  const auto found = std::ranges::find_if(curves, matches);
  return found == curves.end() ? nullptr : &*found;
}

}  // namespace

const NistCurve* nist_curve(Curve curve) noexcept {
  return find([&](const NistCurve& candidate) { return candidate.curve == curve; });
}

const NistCurve* nist_curve_named(std::string_view openssl_name) noexcept {
  return find([&](const NistCurve& candidate) { return candidate.openssl_name == openssl_name; });
}

bool is_scalar(const NistCurve& curve, std::span<const std::byte> value) noexcept {
  return value.size() == curve.bytes && std::ranges::any_of(value, [](std::byte b) { return b != std::byte{0}; }) &&
         std::ranges::lexicographical_compare(value, curve.order());
}

}  // namespace jeton::crypto
