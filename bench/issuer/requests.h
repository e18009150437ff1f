// The requests that the issuer is measured with.
#pragma once

#include "load.h"

#include <deque>
#include <string>
#include <vector>

namespace jeton::bench {

// One request, again and again.
class SameRequest final : public Requests {
 public:
  // `headers`: whole lines without their ends.
  SameRequest(const std::string& path, const std::vector<std::string>& headers, const std::string& body);
  std::optional<Next> next() override { return Next{0, text_}; }
  bool take(std::size_t, int status, std::string_view) override { return status == 200; }

 private:
  std::string text_;
};

// Many sessions, each refreshed in its turn with the token that its last refresh gave; never twice at once.
class Refreshes final : public Requests {
 public:
  // A file with one refresh token a line.
  static Refreshes read(const std::string& path);
  // Writes the tokens as they are now.
  void write(const std::string& path) const;

  std::optional<Next> next() override;
  bool take(std::size_t slot, int status, std::string_view body) override;

 private:
  std::vector<std::string> texts_;  // whole requests; the token stands at the end of each
  std::deque<std::size_t> idle_;
};

}  // namespace jeton::bench
