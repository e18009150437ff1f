#include "cli/topics.h"

#include <gtest/gtest.h>

namespace jeton::cli {
namespace {

TEST(Topics, EveryErrorCodeIsExplainedWithWhatToDo) {
  for (const Errc code : all_error_codes()) {
    const Topic topic = topic_of(code);
    EXPECT_TRUE(topic.meaning.ends_with('.')) << name_of(code);
    EXPECT_FALSE(topic.remedy.empty()) << name_of(code);
    EXPECT_TRUE(topic_text(name_of(code)).starts_with(name_of(code))) << name_of(code);
  }
  EXPECT_NE(topic_text("bad_input"), "");
}

TEST(Topics, UnknownNameHasNoTopic) {
  EXPECT_EQ(topic_text("expird"), "");
  EXPECT_EQ(topic_text(""), "");
}

TEST(Topics, ExpiredSaysWhatAClientShouldDo) {
  EXPECT_EQ(topic_of(Errc::expired).remedy, "A client should present its refresh token now.");
}

}  // namespace
}  // namespace jeton::cli
