#include "audit/blame/blame.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "audit/blame/sample_search.h"

namespace assay::audit {
namespace {

/// Runs a search to its end against a rule that is known in full.
SampleBlame searched(size_t units, uint64_t budget, const std::function<bool(const Kept&)>& same) {
  SampleSearch search(units, budget);
  SampleBlame found;
  std::set<Kept> run;
  const Known known = [&](const Kept& kept) -> std::optional<bool> {
    if (!run.contains(kept)) return std::nullopt;
    return same(kept);
  };
  while (!search.advance(known, found)) run.insert(search.wanted().begin(), search.wanted().end());
  return found;
}

bool all_of(const Kept& kept, const std::vector<size_t>& wanted) {
  return std::ranges::all_of(wanted, [&](size_t u) { return kept[u]; });
}

TEST(SampleSearch, OneOperationIsFoundBothWays) {
  const auto found = searched(9, 300, [](const Kept& kept) { return bool{kept[5]}; });
  EXPECT_EQ(found.undo, std::vector<size_t>{5});
  EXPECT_EQ(found.cause, std::vector<size_t>{5});
  EXPECT_EQ(found.smallest, std::vector<size_t>{5});
  EXPECT_TRUE(found.complete);
}

TEST(SampleSearch, SetsAreFoundWhereNoneSufficesAlone) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    const size_t units = 2 + random() % 40;
    std::vector<size_t> wanted;
    for (size_t u = 0; u < units; ++u)
      if (random() % 6 == 0) wanted.push_back(u);
    if (wanted.size() < 2) continue;
    const auto found = searched(units, 5000, [&](const Kept& kept) { return all_of(kept, wanted); });
    EXPECT_TRUE(found.undo.empty());
    EXPECT_EQ(found.smallest, wanted);
    EXPECT_EQ(found.cause, wanted);  // each lowered alone breaks it
    EXPECT_TRUE(found.complete);
  }
}

TEST(SampleSearch, OneOfSeveralWaysIsOneMinimal) {
  const auto same = [](const Kept& kept) { return (kept[1] && kept[7]) || (kept[2] && kept[3] && kept[8]); };
  const auto found = searched(10, 300, same);
  Kept kept(10, false);
  for (const size_t u : found.smallest) kept[u] = true;
  EXPECT_TRUE(same(kept));
  for (const size_t u : found.smallest) {
    kept[u] = false;
    EXPECT_FALSE(same(kept));
    kept[u] = true;
  }
}

TEST(SampleSearch, ManyOperationsAreHalved) {
  const auto found = searched(1000, 300, [](const Kept& kept) { return bool{kept[777]}; });
  EXPECT_EQ(found.undo, std::vector<size_t>{777});
  EXPECT_EQ(found.cause, std::vector<size_t>{777});
  EXPECT_TRUE(found.complete);
  EXPECT_LT(found.runs, 100U);
}

TEST(SampleSearch, TheBudgetHolds) {
  const auto found = searched(50, 20, [](const Kept& kept) { return kept[3] && kept[44]; });
  EXPECT_EQ(found.runs, 20U);
  EXPECT_FALSE(found.complete);
}

TEST(SampleSearch, WhereFloat32DoesNotHelpNothingIsNamed) {
  const auto found = searched(6, 300, [](const Kept&) { return false; });
  EXPECT_TRUE(found.undo.empty() && found.smallest.empty() && found.cause.empty());
  EXPECT_EQ(found.runs, 1U);
  EXPECT_TRUE(found.complete);
}

SampleBlame sample(int64_t number, bool at_risk) {
  SampleBlame one;
  one.sample = number;
  one.at_risk = at_risk;
  return one;
}

TEST(Blame, PartsMergeInAnyOrderAndKeepTheFirst) {
  BlameResult a, b, whole;
  a.limit = b.limit = whole.limit = 3;
  a.samples = {sample(0, true), sample(4, false)};
  b.samples = {sample(5, false), sample(8, true), sample(9, false)};
  for (const auto* part : {&a, &b})
    for (const SampleBlame& one : part->samples) whole.samples.push_back(one);
  whole.trim();
  BlameResult ab = a, ba = b;
  ab.merge(b);
  ba.merge(a);
  for (const BlameResult* merged : {&ab, &ba}) {
    ASSERT_EQ(merged->samples.size(), 3U);
    EXPECT_EQ(merged->samples[0].sample, 4);
    EXPECT_EQ(merged->samples[1].sample, 5);
    EXPECT_EQ(merged->samples[2].sample, 9);
    EXPECT_EQ(merged->skipped, 2U);
  }
  EXPECT_EQ(whole.skipped, 2U);
}

TEST(Blame, TaintedOperationsGetNoPoints) {
  BlameResult blame;
  blame.ops.resize(3);
  blame.limit = 9;
  SampleBlame one = sample(1, false);
  one.smallest = {0, 2};
  one.cause = {2};
  one.origins = {0};
  one.tainted = {2};
  blame.samples = {one};
  const auto ranks = blame.ranking();
  ASSERT_EQ(ranks.size(), 1U);
  EXPECT_EQ(ranks[0].op, 0U);
  EXPECT_EQ(ranks[0].points, 3U);  // in the smallest set, and where it goes wrong first
}

}  // namespace
}  // namespace assay::audit
