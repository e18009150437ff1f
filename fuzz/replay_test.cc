// Every input of every corpus, and small changes of it, as ordinary tests: without libFuzzer, with any compiler.
#include "target.h"

#include "jose/base64url.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

namespace jeton::fuzz {
namespace {

struct Input {
  std::string target, file, bytes;
  friend std::ostream& operator<<(std::ostream& out, const Input& input) {
    return out << input.target << "/" << input.file;
  }
};

std::vector<Input> inputs_of(const std::string& target) {
  std::vector<Input> inputs;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(JETON_CORPUS_DIR "/") + target)) {
    std::ifstream in(entry.path(), std::ios::binary);
    inputs.push_back({target, entry.path().filename(), std::string(std::istreambuf_iterator<char>(in), {})});
  }
  std::ranges::sort(inputs, {}, &Input::file);
  return inputs;
}

std::vector<Input> all_inputs() {
  std::vector<Input> inputs;
  for (const Target& target : targets()) {
    if (std::string_view(target.name) == "canary") continue;
    std::ranges::move(inputs_of(target.name), std::back_inserter(inputs));
  }
  return inputs;
}

const Target& target_named(std::string_view name) {
  return *std::ranges::find_if(targets(), [&](const Target& target) { return target.name == name; });
}

class Corpus : public testing::TestWithParam<Input> {};

TEST_P(Corpus, PropertiesHold) { EXPECT_NO_THROW(target_named(GetParam().target).run(GetParam().bytes)); }

TEST_P(Corpus, PropertiesHoldForEveryBeginning) {
  const std::string& bytes = GetParam().bytes;
  const std::size_t step = std::max<std::size_t>(bytes.size() / 200, 1);
  for (std::size_t size = 0; size < bytes.size(); size += step) {
    EXPECT_NO_THROW(target_named(GetParam().target).run(bytes.substr(0, size))) << size;
  }
}

TEST_P(Corpus, PropertiesHoldForChangedBytes) {
  std::mt19937 random(42);
  for (int round = 0; round < 200 && !GetParam().bytes.empty(); ++round) {
    std::string bytes = GetParam().bytes;
    for (auto changes = 1 + random() % 3; changes > 0; --changes) {
      const std::size_t at = random() % bytes.size();
      switch (random() % 4) {
        case 0: bytes[at] = static_cast<char>(random()); break;
        case 1: bytes[at] = static_cast<char>(bytes[at] ^ (1 << (random() % 8))); break;
        case 2: bytes.insert(at, 1, bytes[random() % bytes.size()]); break;
        default:
          if (bytes.size() > 1) bytes.erase(at, 1);
      }
    }
    EXPECT_NO_THROW(target_named(GetParam().target).run(bytes)) << bytes;
  }
}

INSTANTIATE_TEST_SUITE_P(All, Corpus, testing::ValuesIn(all_inputs()), [](const auto& instance) {
  std::string name = instance.param.target + "_" + instance.param.file;
  std::ranges::replace_if(name, [](unsigned char c) { return !std::isalnum(c); }, '_');
  return name;
});

TEST(Targets, EachHasACorpus) {
  ASSERT_GE(targets().size(), 12u);
  for (const Target& target : targets()) EXPECT_FALSE(inputs_of(target.name).empty()) << target.name;
}

// What campaigns learned (fuzz/learned, by tools/soak fuzz): an input a line, in base64url.
TEST(Targets, PropertiesHoldForWhatCampaignsLearned) {
  for (const Target& target : targets()) {
    std::ifstream in(std::string(JETON_LEARNED_DIR "/") + target.name + ".base64url");
    std::size_t number = 0;
    for (std::string line; std::getline(in, line);) {
      ++number;
      const auto bytes = jose::base64url::decode(line);
      ASSERT_TRUE(bytes.has_value()) << target.name << ", line " << number;
      const std::string_view input(reinterpret_cast<const char*>(bytes->data()), bytes->size());
      EXPECT_NO_THROW(target.run(input)) << target.name << ", line " << number;
    }
  }
}

// A harness that cannot fail proves nothing.
TEST(Targets, CanaryIsFound) {
  const auto inputs = inputs_of("canary");
  for (const Input& input : inputs) {
    if (input.file == "found")
      EXPECT_THROW(target_named("canary").run(input.bytes), PropertyFailed);
    else
      EXPECT_NO_THROW(target_named("canary").run(input.bytes));
  }
  EXPECT_GE(inputs.size(), 2u);
}

}  // namespace
}  // namespace jeton::fuzz
