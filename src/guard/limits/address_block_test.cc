#include "guard/limits/address_block.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <string_view>

namespace jeton::guard {
namespace {

// The same by the system's own reader.
AddressBlock reference(const std::string& text) {
  AddressBlock block{};
  std::array<unsigned char, 16> bytes{};
  std::size_t first = 0, size = 4;
  if (text.size() > 45 || text.contains('\0')) return block;
  if (::inet_pton(AF_INET, text.c_str(), bytes.data()) != 1) {
    if (::inet_pton(AF_INET6, text.c_str(), bytes.data()) != 1) return block;
    const bool mapped = std::all_of(bytes.begin(), bytes.begin() + 10, [](unsigned char b) { return b == 0; }) &&
                        bytes[10] == 0xFF && bytes[11] == 0xFF;
    first = mapped ? 12 : 0;
    size = mapped ? 4 : 8;
  }
  block[0] = static_cast<char>(size);
  std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(first), size, block.begin() + 1);
  return block;
}

TEST(AddressBlock, ReadsAddressesAsTheSystemDoes) {
  for (const std::string text : {"192.0.2.7",
                                 "0.0.0.0",
                                 "255.255.255.255",
                                 "256.0.0.1",
                                 "1.2.3",
                                 "1.2.3.4.5",
                                 "01.2.3.4",
                                 "1.2.3.4 ",
                                 "::",
                                 "::1",
                                 "1::",
                                 "2001:db8:1:2:3:4:5:6",
                                 "2001:DB8::ABCD",
                                 "1:2:3:4:5:6:7:8:9",
                                 "1:2:3:4:5:6:7",
                                 "1::2::3",
                                 ":1:2:3:4:5:6:7",
                                 "1:2:3:4:5:6:7:",
                                 "1:2:3:4:5:6:7::",
                                 "::2:3:4:5:6:7:8",
                                 "1:2:3:4::5:6:7:8",
                                 "::ffff:192.0.2.7",
                                 "::FFFF:c000:207",
                                 "::192.0.2.7",
                                 "1:2:3:4:5:6:192.0.2.7",
                                 "1:2:3:4:5:6:7:192.0.2.7",
                                 "::192.0.2.7:1",
                                 "1.2.3.4::",
                                 "12345::",
                                 "g::",
                                 "fe80::1%eth0",
                                 "[::1]",
                                 "192.0.2.7:80",
                                 ":",
                                 ":::",
                                 "",
                                 " ",
                                 "1:::2",
                                 "::1:",
                                 "0000:0000::0000",
                                 "::00000"}) {
    EXPECT_EQ(block_of(text), reference(text)) << text;
  }
}

TEST(AddressBlock, ReadsWhatChanceMakesAsTheSystemDoes) {
  std::mt19937_64 random(4291);
  constexpr std::string_view letters = "::::....0129afAFg";
  int addresses = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string text;
    for (std::size_t size = random() % 24; size > 0; --size) text += letters[random() % letters.size()];
    if (i % 3 == 0) text = "::" + text;
    const AddressBlock block = block_of(text);
    ASSERT_EQ(block, reference(text)) << text;
    addresses += block[0] != 0 ? 1 : 0;
  }
  EXPECT_GT(addresses, 1'000);
}

}  // namespace
}  // namespace jeton::guard
