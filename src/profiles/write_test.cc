#include "profiles/write.h"

#include <gtest/gtest.h>

namespace assay::profiles {
namespace {

TEST(WriteProfile, EveryBuiltInReadsBackTheSame) {
  for (const Profile& profile : built_in_profiles()) {
    const std::string text = to_toml(profile);
    const auto again = parse_profile(text, "again.toml");
    ASSERT_TRUE(again.ok()) << again.error().where << ": " << again.error().message << "\n" << text;
    EXPECT_EQ(identity_of(*again), identity_of(profile)) << text;
    EXPECT_EQ(again->not_modelled.size(), profile.not_modelled.size());
    EXPECT_EQ(again->variants.front().statements.front().evidence.source,
              profile.variants.front().statements.front().evidence.source);
  }
}

TEST(WriteProfile, QuotesAndControlCharactersSurvive) {
  Profile profile = *built_in_profile("f16-storage");
  profile.doc = "a \"quoted\" word, a \\ and a\ttab";
  const auto again = parse_profile(to_toml(profile), "again.toml");
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(again->doc, profile.doc);
}

}  // namespace
}  // namespace assay::profiles
