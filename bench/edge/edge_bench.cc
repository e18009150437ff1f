// edge_bench load PORT PID TOKENS COUNT CONNECTIONS RATE SECONDS STATUS TARGET [HEADER…]
// edge_bench once PORT PID TOKENS COUNT CONNECTIONS STATUS TARGET [HEADER…]
//
// Asks the server at PORT for TARGET with the first COUNT tokens of the file TOKENS, one a request; `load` for SECONDS
// (RATE 0: as fast as it can) in an order that jumps about, `once` each token once, in order. STATUS is the answer that
// is wanted, or several ("403,429"). One JSON object: CPU time of the process PID for one request, requests a second,
// latencies.
#include "../issuer/load.h"
#include "../measure.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace jeton::bench {
namespace {

using Words = std::span<const std::string>;

// The lines of a file, mapped.
class Lines {
 public:
  Lines(const std::string& path, std::size_t count_max) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat facts{};
    expect(file >= 0 && ::fstat(file, &facts) == 0 && facts.st_size > 0, "no tokens");
    const auto size = static_cast<std::size_t>(facts.st_size);
    void* const mapped = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0);
    ::close(file);
    expect(mapped != MAP_FAILED, "the tokens cannot be mapped");
    std::string_view rest(static_cast<const char*>(mapped), size);
    while (!rest.empty() && lines_.size() < count_max) {
      const std::size_t end = rest.find('\n');
      lines_.push_back(rest.substr(0, end));
      rest.remove_prefix(std::min(end, rest.size() - 1) + 1);
    }
  }
  const std::vector<std::string_view>& all() const noexcept { return lines_; }

 private:
  std::vector<std::string_view> lines_;
};

class TokenRequests final : public Requests {
 public:
  TokenRequests(const std::string& path, std::size_t count, bool once, const std::string& statuses,
                Words target_and_headers)
      : lines_(path, count), once_(once), statuses_("," + statuses + ",") {
    text_ = "GET " + target_and_headers[0] + " HTTP/1.1\r\nHost: api.example.com\r\n";
    for (const std::string& header : target_and_headers.subspan(1)) text_ += header + "\r\n";
    text_ += "Authorization: Bearer ";
    fixed_ = text_.size();
  }

  std::optional<Next> next() override {
    const auto& lines = lines_.all();
    if (once_ && number_ == lines.size()) return std::nullopt;
    // A prime larger than any count: every token comes once in a round, and never beside its neighbour.
    const std::size_t index = once_ ? number_ : number_ * 2'147'483'647 % lines.size();
    ++number_;
    text_.resize(fixed_);
    text_.append(lines[index]).append("\r\n\r\n");
    return Next{0, text_};
  }
  bool take(std::size_t, int status, std::string_view) override {
    return statuses_.find("," + std::to_string(status) + ",") != std::string::npos;
  }

 private:
  Lines lines_;
  bool once_;
  std::string statuses_;
  std::string text_;
  std::size_t fixed_ = 0;
  std::size_t number_ = 0;
};

std::size_t number(const std::string& word) { return std::strtoul(word.c_str(), nullptr, 10); }

int report(const LoadFigures& figures) {
  std::printf("{\"cpu_us\":%.3f,\"per_s\":%.0f,\"p50_us\":%.0f,\"p99_us\":%.0f,\"answered\":%llu,\"refused\":%llu}\n",
              figures.cpu_us(), figures.per_second(), 1000 * figures.latency_ms(0.5), 1000 * figures.latency_ms(0.99),
              static_cast<unsigned long long>(figures.answered), static_cast<unsigned long long>(figures.refused));
  return 0;
}

LoadOptions options_of(Words words) {
  return {.port = static_cast<std::uint16_t>(number(words[1])),
          .server = static_cast<pid_t>(number(words[2])),
          .connections = number(words[5])};
}

int load(Words words) {
  LoadOptions options = options_of(words);
  options.rate = std::strtod(words[6].c_str(), nullptr);
  options.warm_up = std::chrono::milliseconds{200};
  options.measured = std::chrono::milliseconds(static_cast<int>(1000 * std::strtod(words[7].c_str(), nullptr)));
  TokenRequests requests(words[3], number(words[4]), false, words[8], words.subspan(9));
  return report(run_load(requests, options));
}

int once(Words words) {
  LoadOptions options = options_of(words);
  options.warm_up = {};
  options.measured = std::chrono::hours{1};
  TokenRequests requests(words[3], number(words[4]), true, words[6], words.subspan(7));
  return report(run_load(requests, options));
}

}  // namespace
}  // namespace jeton::bench

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() >= 10 && words[0] == "load") return jeton::bench::load(words);
  if (words.size() >= 8 && words[0] == "once") return jeton::bench::once(words);
  std::fprintf(stderr, "see edge_bench.cc\n");
  return 2;
}
