#include "crypto/key.h"
#include "crypto/nist_curve.h"
#include "crypto/test_bytes.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace jeton::crypto {
namespace {

struct Rfc6979 {
  Curve curve;
  std::string d, x, y, r, s;
};

// RFC 6979 appendix A.2.5, A.2.6 and A.2.7: message "sample", with the hash that JWS pairs with the curve.
const std::vector<Rfc6979>& rfc6979() {
  static const std::vector<Rfc6979> vectors{
      {Curve::p256, "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721",
       "60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6",
       "7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299",
       "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716",
       "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"},
      {Curve::p384, "6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA9AA47740787137D896D5724E4C70A825F872C9EA60D2EDF5",
       "EC3A4E415B4E19A4568618029F427FA5DA9A8BC4AE92E02E06AAE5286B300C64DEF8F0EA9055866064A254515480BC13",
       "8015D9B72D7D57244EA8EF9AC0C621896708A59367F9DFB9F54CA84B3F1C9DB1288B231C3AE0D4FE7344FD2533264720",
       "94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA73D64C4EA95AD133C81A648152E44ACF96E36DD1E80FABE46",
       "99EF4AEB15F178CEA1FE40DB2603138F130E740A19624526203B6351D0A3A94FA329C145786E679E7B82C71A38628AC8"},
      {Curve::p521,
       "00FAD06DAA62BA3B25D2FB40133DA757205DE67F5BB0018FEE8C86E1B68C7E75CAA896EB32F1F47C70855836A6D16FCC1466F6D8FBEC67D"
       "B"
       "89EC0C08B0E996B83538",
       "01894550D0785932E00EAA23B694F213F8C3121F86DC97A04E5A7167DB4E5BCD371123D46E45DB6B5D5370A7F20FB633155D38FFA16D2BD"
       "7"
       "61DCAC474B9A2F5023A4",
       "00493101C962CD4D2FDDF782285E64584139C2F91B47F87FF82354D6630F746A28A0DB25741B5B34A828008B22ACC23F924FAAFBD4D33F8"
       "1"
       "EA66956DFEAA2BFDFCF5",
       "00C328FAFCBD79DD77850370C46325D987CB525569FB63C5D3BC53950E6D4C5F174E25A1EE9017B5D450606ADD152B534931D7D4E8455CC"
       "9"
       "1F9B15BF05EC36E377FA",
       "00617CCE7CF5064806C467F678D3B4080D6F1CC50AF26CA209417308281B68AF282623EAA63E5B5C0723D8B8C37FF0777B1A20F8CCB1DCC"
       "C"
       "43997F1EE0E44DA4A67A"}};
  return vectors;
}

EcPublic public_of(const Rfc6979& v) { return {v.curve, from_hex(v.x), from_hex(v.y)}; }
Algorithm algorithm_of(const Rfc6979& v) { return nist_curve(v.curve)->algorithm; }
std::shared_ptr<const PublicKey> key_of(const Rfc6979& v) {
  return PublicKey::create(public_of(v), algorithm_of(v), default_limits).value();
}
Bytes joined(const Bytes& r, const Bytes& s) {
  Bytes both = r;
  both.insert(both.end(), s.begin(), s.end());
  return both;
}
Bytes order_of(const Rfc6979& v) {
  const auto order = nist_curve(v.curve)->order();
  return {order.begin(), order.end()};
}
// a + b, or a - b if `sign` is -1; big-endian, of equal length.
Bytes sum(const Bytes& a, const Bytes& b, int sign = 1) {
  Bytes out(a.size());
  int carry = 0;
  for (std::size_t i = a.size(); i-- > 0;) {
    carry += std::to_integer<int>(a[i]) + sign * std::to_integer<int>(b[i]);
    out[i] = std::byte(static_cast<unsigned>(carry) & 0xff);
    carry = carry < 0 ? -1 : carry >> 8;
  }
  return out;
}

TEST(EcdsaKey, SignaturesOfRfc6979Verify) {
  for (const Rfc6979& v : rfc6979()) {
    const Bytes signature = joined(from_hex(v.r), from_hex(v.s));
    const auto key = key_of(v);
    EXPECT_EQ(key->signature_bytes(), signature.size());
    EXPECT_TRUE(key->verify("sample", signature));
    EXPECT_FALSE(key->verify("samplf", signature));
    EXPECT_FALSE(key->verify("", signature));
  }
}

TEST(EcdsaKey, PrivateKeysOfRfc6979Sign) {
  for (const Rfc6979& v : rfc6979()) {
    const auto key = PrivateKey::create(EcPrivate{public_of(v), secret_from_hex(v.d)}, algorithm_of(v), default_limits);
    ASSERT_TRUE(key.has_value());
    // Often enough that r and s of every length in DER occur, those with leading zero bytes among them.
    for (int i = 0; i < 300; ++i) {
      Bytes signature((*key)->signature_bytes());
      ASSERT_TRUE((*key)->sign("sample", signature));
      ASSERT_TRUE(key_of(v)->verify("sample", signature)) << to_hex(signature);
    }
  }
}

// s and n - s both verify: ECDSA signatures have a twin, which is why nothing may be found by a token's bytes.
TEST(EcdsaKey, TheTwinOfASignatureVerifiesToo) {
  for (const Rfc6979& v : rfc6979()) {
    EXPECT_TRUE(key_of(v)->verify("sample", joined(from_hex(v.r), sum(order_of(v), from_hex(v.s), -1))));
  }
}

TEST(EcdsaKey, NumbersOutsideTheRangeAreRefused) {
  for (const Rfc6979& v : rfc6979()) {
    const auto key = key_of(v);
    const Bytes r = from_hex(v.r), s = from_hex(v.s), order = order_of(v);
    const Bytes zero(r.size()), all_ones(r.size(), std::byte{0xff});
    Bytes one(r.size());
    one.back() = std::byte{1};
    ASSERT_TRUE(key->verify("sample", joined(r, s)));
    for (const Bytes& bad : {zero, order, sum(order, one), all_ones}) {
      EXPECT_FALSE(key->verify("sample", joined(bad, s)));
      EXPECT_FALSE(key->verify("sample", joined(r, bad)));
      EXPECT_FALSE(key->verify("sample", joined(bad, bad)));
    }
    EXPECT_FALSE(key->verify("sample", joined(one, one)));
    EXPECT_FALSE(key->verify("sample", joined(sum(order, one, -1), s)));
  }
}

// r + n still fits into P-521's 66 bytes and, for P-256, into 32 when r is small.
TEST(EcdsaKey, ScalarPlusOrderIsRefused) {
  const Rfc6979& v = rfc6979()[2];
  EXPECT_FALSE(key_of(v)->verify("sample", joined(sum(from_hex(v.r), order_of(v)), from_hex(v.s))));
  EXPECT_FALSE(key_of(v)->verify("sample", joined(from_hex(v.r), sum(from_hex(v.s), order_of(v)))));
}

TEST(EcdsaKey, SignatureOfAnotherLengthIsRefused) {
  for (const Rfc6979& v : rfc6979()) {
    const auto key = key_of(v);
    const Bytes good = joined(from_hex(v.r), from_hex(v.s));
    for (std::size_t size = 0; size < good.size(); ++size) {
      EXPECT_FALSE(key->verify("sample", std::span(good).first(size)));
    }
    Bytes longer = good;
    longer.push_back(std::byte{0});
    EXPECT_FALSE(key->verify("sample", longer));
    EXPECT_FALSE(
        key->verify("sample", joined(joined({std::byte{0}}, from_hex(v.r)), joined({std::byte{0}}, from_hex(v.s)))));
    EXPECT_FALSE(key->verify("sample", Bytes(21'000, std::byte{0x30})));
  }
}

TEST(EcdsaKey, SignatureInDerIsRefused) {
  const Rfc6979& v = rfc6979()[0];
  Bytes der = from_hex("3046022100" + v.r + "022100" + v.s);
  EXPECT_FALSE(key_of(v)->verify("sample", der));
  der.resize(64);
  EXPECT_FALSE(key_of(v)->verify("sample", der));
}

TEST(EcdsaKey, EveryChangedBitIsNoticed) {
  const Rfc6979& v = rfc6979()[0];
  const auto key = key_of(v);
  const Bytes good = joined(from_hex(v.r), from_hex(v.s));
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    Bytes changed = good;
    changed[bit / 8] ^= std::byte(1u << bit % 8);
    EXPECT_FALSE(key->verify("sample", changed)) << bit;
  }
}

void expect_refused(const EcPublic& key, Algorithm algorithm, Errc code) {
  const auto made = PublicKey::create(key, algorithm, default_limits);
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().code, code);
}

TEST(EcdsaKey, PointOffTheCurveIsRefused) {
  for (const Rfc6979& v : rfc6979()) {
    EcPublic key = public_of(v);
    key.y.back() ^= std::byte{1};
    expect_refused(key, algorithm_of(v), Errc::invalid_key);
    key = public_of(v);
    std::swap(key.x, key.y);
    expect_refused(key, algorithm_of(v), Errc::invalid_key);
  }
}

TEST(EcdsaKey, InfinityAndZerosAreRefused) {
  for (const Rfc6979& v : rfc6979()) {
    const std::size_t size = nist_curve(v.curve)->bytes;
    expect_refused({v.curve, Bytes(size), Bytes(size)}, algorithm_of(v), Errc::invalid_key);
    expect_refused({v.curve, {}, {}}, algorithm_of(v), Errc::invalid_key);
  }
}

// The point's mirror image is a point too, and x + p would name the same point if it were taken modulo p.
TEST(EcdsaKey, CoordinateBeyondTheFieldIsRefused) {
  const std::size_t size = 66;
  const Rfc6979& v = rfc6979()[2];
  Bytes p(size, std::byte{0xff});  // 2^521 - 1
  p[0] = std::byte{0x01};
  EcPublic key = public_of(v);
  key.x = sum(key.x, p);
  expect_refused(key, Algorithm::es512, Errc::invalid_key);
  key = public_of(v);
  key.y = sum(p, key.y, -1);
  EXPECT_TRUE(PublicKey::create(key, Algorithm::es512, default_limits));
}

TEST(EcdsaKey, CoordinateOfAnotherLengthIsRefused) {
  for (const Rfc6979& v : rfc6979()) {
    for (Bytes EcPublic::* coordinate : {&EcPublic::x, &EcPublic::y}) {
      EcPublic key = public_of(v);
      (key.*coordinate).insert((key.*coordinate).begin(), std::byte{0});
      expect_refused(key, algorithm_of(v), Errc::invalid_key);
      key = public_of(v);
      (key.*coordinate).erase((key.*coordinate).begin());
      expect_refused(key, algorithm_of(v), Errc::invalid_key);
    }
  }
}

TEST(EcdsaKey, CurveServesItsOwnAlgorithmAlone) {
  for (const Rfc6979& v : rfc6979()) {
    for (int i = 0; i < algorithm_count; ++i) {
      const auto algorithm = static_cast<Algorithm>(i);
      if (algorithm != algorithm_of(v)) expect_refused(public_of(v), algorithm, Errc::algorithm_not_allowed);
    }
    EXPECT_EQ(fitting_algorithms(PublicMaterial(public_of(v))), std::vector{algorithm_of(v)});
  }
}

TEST(EcdsaKey, ACurveThatIsNoNistCurveIsRefused) {
  EcPublic key = public_of(rfc6979()[0]);
  key.curve = Curve::ed25519;
  expect_refused(key, Algorithm::es256, Errc::algorithm_not_allowed);
  EXPECT_TRUE(fitting_algorithms(PublicMaterial(key)).empty());
}

void expect_private_refused(const Rfc6979& v, SecretBytes d) {
  const auto made = PrivateKey::create(EcPrivate{public_of(v), std::move(d)}, algorithm_of(v), default_limits);
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().code, Errc::invalid_key);
}

TEST(EcdsaKey, PrivateNumberOutsideTheRangeIsRefused) {
  for (const Rfc6979& v : rfc6979()) {
    const Bytes d = from_hex(v.d), order = order_of(v);
    expect_private_refused(v, SecretBytes(Bytes(d.size())));
    expect_private_refused(v, SecretBytes(order));
    if (d.size() == 66) expect_private_refused(v, SecretBytes(sum(order, d)));  // the same key if taken modulo n
    expect_private_refused(v, SecretBytes(std::span(d).subspan(1)));
    expect_private_refused(v, SecretBytes(joined({std::byte{0}}, d)));
    expect_private_refused(v, SecretBytes{});
  }
}

TEST(EcdsaKey, PrivateNumberOfAnotherKeyIsRefused) {
  for (const Rfc6979& v : rfc6979()) {
    Bytes d = from_hex(v.d);
    d.back() ^= std::byte{1};
    expect_private_refused(v, SecretBytes(d));
    expect_private_refused(v, SecretBytes(sum(order_of(v), from_hex(v.d), -1)));  // the mirrored point's
  }
}

}  // namespace
}  // namespace jeton::crypto
