// docs/errors.md is what the code does: every code has one row with its class and its answer, and no row is left over.
#include <jeton/error.h>
#include <jeton/guard.h>

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace {

struct Row {
  std::string group, answer;
};

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  std::stringstream rest(line);
  for (std::string cell; std::getline(rest, cell, '|');) {
    const auto first = cell.find_first_not_of(' ');
    if (first != std::string::npos) cells.push_back(cell.substr(first, cell.find_last_not_of(' ') - first + 1));
  }
  return cells;
}

// The rows of the first table, by code. Run from the top of the repository, as ctest does.
std::map<std::string, Row> rows_of_the_page() {
  std::ifstream page("docs/errors.md");
  EXPECT_TRUE(page.good());
  std::map<std::string, Row> rows;
  for (std::string line; std::getline(page, line) && !line.starts_with("## ");) {
    const auto cells = cells_of(line);
    if (cells.size() != 4 || !cells[0].starts_with('`')) continue;
    const std::string code = cells[0].substr(1, cells[0].size() - 2);
    EXPECT_TRUE(rows.emplace(code, Row{cells[1], cells[3]}).second) << code << " stands there twice";
  }
  return rows;
}

std::string answer_as_written(jeton::Errc code, jeton::ErrorStyle style) {
  const jeton::Answer answer = jeton::answer_for(jeton::Error{.code = code}, style, "api");
  return std::to_string(answer.status) + " `" + answer.body + "`";
}

std::string group_as_written(jeton::Errc code) {
  const auto group = jeton::class_of(jeton::Error{.code = code, .claim = "*claim*"});
  return std::string(group);
}

TEST(ErrorsPage, EveryCodeHasItsClassAndItsAnswer) {
  const auto rows = rows_of_the_page();
  for (const jeton::Errc code : jeton::all_error_codes()) {
    const std::string name(name_of(code));
    const auto row = rows.find(name);
    ASSERT_NE(row, rows.end()) << "docs/errors.md has no row for " << name;
    EXPECT_EQ(row->second.group, group_as_written(code)) << name;
    EXPECT_EQ(row->second.answer, answer_as_written(code, jeton::ErrorStyle::reference)) << name;
  }
}

TEST(ErrorsPage, NoRowIsLeftOver) { EXPECT_EQ(rows_of_the_page().size(), jeton::all_error_codes().size()); }

TEST(ErrorsPage, InTheOtherStyleOnlyInvalidTokensDiffer) {
  for (const jeton::Errc code : jeton::all_error_codes()) {
    const std::string reference = answer_as_written(code, jeton::ErrorStyle::reference);
    const std::string other = answer_as_written(code, jeton::ErrorStyle::rfc6750);
    const bool is_invalid_token = reference == R"(403 `{"error":"Invalid token"}`)";
    EXPECT_EQ(other, is_invalid_token ? R"(401 `{"error":"Invalid token"}`)" : reference) << name_of(code);
  }
}

}  // namespace
