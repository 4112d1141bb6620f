#include "audit/decision/rule.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "audit/decision/boxes.h"
#include "audit/forecast/forecast.h"
#include "audit/forecast/prove.h"

namespace assay::audit {
namespace {
using ir::ElemType;
using Values = std::vector<double>;
using List = std::vector<int64_t>;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Judge judge_of(const char* rule) { return Judge(*parse_rule(rule), ElemType::float64); }

TEST(Rule, EachHasOneSpelling) {
  const std::pair<const char*, const char*> spellings[] = {
      {"ranking", "ranking"},
      {"ranking:10", "ranking:10"},
      {"boxes", "boxes:iou=0.5,score=0.5,format=xyxy"},
      {"boxes:format=cxcywh,iou=0.50", "boxes:iou=0.5,score=0.5,format=cxcywh"},
      {"ctc", "ctc:blank=0"},
      {"argmax-sequence", "argmax-sequence"},
      {"argmax-sequence:end=2", "argmax-sequence:end=2"},
      {"tolerance:rel=1e-3", "tolerance:abs=0,rel=0.001"},
      {"multilabel:>0.50", "multilabel:>0.5"},
      {"multilabel:0.1,0.20", "multilabel:0.1,0.2"}};
  for (const auto& [text, spelled] : spellings) {
    const auto rule = parse_rule(text);
    ASSERT_TRUE(rule.ok()) << text;
    EXPECT_EQ(rule->text(), spelled);
    EXPECT_EQ(*parse_rule(rule->text()), *rule) << text;
  }
}

TEST(Rule, WhatIsNoneIsRefused) {
  for (const char* text : {"rank", "ranking:0", "ranking:", "boxes:iou=0", "boxes:iou", "boxes:a=1", "ctc:blank=x",
                           "tolerance", "tolerance:abs=inf", "multilabel:", "multilabel:0.5,", "argmax:1"})
    EXPECT_FALSE(parse_rule(text).ok()) << text;
}

TEST(Ranking, CountsThePairsThatSwap) {
  const Judge judge = judge_of("ranking");
  const Judged a = judge.judge(Values{4, 3, 2, 1}), b = judge.judge(Values{1, 3, 2, 4});
  EXPECT_EQ(a.decision.top, (List{0, 1, 2, 3}));
  EXPECT_EQ(b.decision.top, (List{3, 1, 2, 0}));
  EXPECT_EQ(a.score, 1);
  const Change change = judge.change(a.decision, b.decision);
  EXPECT_EQ(change.counts[0].second, 5u);  // all pairs but 1<>2
  EXPECT_EQ(change.pairs.size(), 5u);
  EXPECT_TRUE(judge.change(a.decision, a.decision).empty());
  EXPECT_EQ(judge.lead(b, a), -2);  // 0 stands 2 behind 1 now
  // Ties go to the lower index, and have no lead.
  EXPECT_EQ(judge.judge(Values{1, 1}).decision.top, (List{0, 1}));
  EXPECT_EQ(judge.judge(Values{1, 1}).score, 0);
}

TEST(Ranking, OfTheBestKnowsNoOrderOfTheRest) {
  const Judge judge = judge_of("ranking:2");
  const Decision a = judge.judge(Values{5, 4, 3, 2}).decision, b = judge.judge(Values{5, 1, 3, 2}).decision;
  EXPECT_EQ(a.top, (List{0, 1}));
  EXPECT_EQ(b.top, (List{0, 2}));
  EXPECT_EQ(judge.change(a, b).words, "1 pair swaps: 1<>2");
  EXPECT_TRUE(judge.same(judge.judge(Values{9, 8, 1, 2}).decision, a));
}

TEST(Multilabel, EachLabelHasItsThreshold) {
  const Judge judge = judge_of("multilabel:0.5,2");
  EXPECT_EQ(judge.judge(Values{0.5, 1.9}).decision.top, (List{0}));
  EXPECT_EQ(judge.judge(Values{0.5, 2}).decision.top, (List{0, 1}));
  EXPECT_TRUE(judge.judge(Values{0.5, kNan}).decision.undefined());
  EXPECT_FALSE(judge.same(judge.judge(Values{0, 0}).decision, judge.judge(Values{0, kNan}).decision));
  EXPECT_EQ(judge.judge(Values{0.25, 3}).score, 0.25);
  EXPECT_EQ(judge.judge(Values{0.25, 3}).boundary, 0.5);
}

TEST(Strings, CtcJoinsRepetitionsAndDropsBlanks) {
  const Judge judge = judge_of("ctc:blank=2");
  const auto steps = [](const List& symbols) {
    Values v(symbols.size() * 3, 0.0);
    for (size_t i = 0; i < symbols.size(); ++i) v[i * 3 + static_cast<size_t>(symbols[i])] = 1;
    return v;
  };
  EXPECT_EQ(judge.judge(steps({0, 0, 2, 0, 1, 1, 2}), 3).decision.top, (List{0, 0, 1}));
  const Decision none = judge.judge(steps({2, 2}), 3).decision;
  EXPECT_TRUE(none.top.empty());
  EXPECT_FALSE(none.undefined());
  EXPECT_EQ(judge.change(none, judge.judge(steps({1, 0}), 3).decision).words, "edit distance 2: nothing -> 1 0");
  EXPECT_EQ(judge_of("argmax-sequence:end=2").judge(steps({0, 0, 2, 1}), 3).decision.top, (List{0, 0}));
}

TEST(Tolerance, ComparesValueByValue) {
  const Judge judge = judge_of("tolerance:abs=0.1,rel=0.01");
  const double inf = std::numeric_limits<double>::infinity();
  const Judged r = judge.judge(Values{100, kNan, inf, 0});
  EXPECT_TRUE(judge.same(judge.judge(Values{101.09, kNan, inf, -0.1}).decision, r.decision));
  EXPECT_FALSE(judge.same(judge.judge(Values{101.2, kNan, inf, 0}).decision, r.decision));
  EXPECT_FALSE(judge.same(judge.judge(Values{100, 0, inf, 0}).decision, r.decision));
  EXPECT_FALSE(judge.same(judge.judge(Values{100, kNan, 1e30, 0}).decision, r.decision));
  EXPECT_EQ(judge.change(r.decision, judge.judge(Values{102, 1, inf, 0.3}).decision).counts,
            (std::vector<std::pair<std::string, uint64_t>>{{"beyond", 3}, {"element", 1}}));
}

TEST(Boxes, OverlapOfEachFormat) {
  const Values corner{10, 20, 14, 26, 0.9, 3}, size{10, 20, 4, 6, 0.9, 3}, middle{12, 23, 4, 6, 0.9, 3},
      turned{20, 10, 26, 14, 0.9, 3};
  const Detection a = detection_of(corner, BoxFormat::xyxy);
  EXPECT_EQ(detection_of(size, BoxFormat::xywh), a);
  EXPECT_EQ(detection_of(middle, BoxFormat::cxcywh), a);
  EXPECT_EQ(detection_of(turned, BoxFormat::yxyx), a);
  EXPECT_EQ(detection_of(Values{0, 0, 1, 1, 1, 1e300}, BoxFormat::xyxy).label, int64_t{1} << 53);
  EXPECT_EQ(overlap(a, {12, 20, 16, 26, 0, 0}), 1.0 / 3);
  EXPECT_EQ(overlap(a, {14, 20, 16, 26, 0, 0}), 0);
  EXPECT_EQ(overlap({1, 1, 1, 1, 0, 0}, {1, 1, 1, 1, 0, 0}), 1);
}

TEST(Boxes, ArePairedOnce) {
  const Detection a{0, 0, 10, 10, 1, 1}, near{1, 0, 11, 10, 1, 1}, far{7, 0, 17, 10, 1, 1}, other{0, 0, 10, 10, 1, 2};
  BoxMatch m = match({a}, {near, a}, 0.5);  // the better pair takes it
  EXPECT_EQ(m.found, 1u);
  EXPECT_EQ(m.lost + m.moved + m.relabelled, 0u);
  m = match({a, a}, {near}, 0.5);
  EXPECT_EQ(m.lost, 1u);
  EXPECT_EQ(match({a}, {far}, 0.5).moved, 1u);
  EXPECT_EQ(match({a}, {other}, 0.5).relabelled, 1u);
  m = match({a}, {other, near}, 0.5);  // one of its class comes first, though it overlaps less
  EXPECT_EQ(m.relabelled, 0u);
  EXPECT_EQ(m.found, 1u);
}

TEST(Shares, AreClopperPearsons) {
  // Tables: 0 of 10: 0 to 0.3085; 5 of 10: 0.1871 to 0.8129; 1 of 100: 0.000253 to 0.05446.
  EXPECT_EQ(share_interval(0, 10).first, 0);
  EXPECT_NEAR(share_interval(0, 10).second, 0.3085, 5e-5);
  EXPECT_NEAR(share_interval(5, 10).first, 0.1871, 5e-5);
  EXPECT_NEAR(share_interval(5, 10).second, 0.8129, 5e-5);
  EXPECT_NEAR(share_interval(1, 100).first, 0.000253, 5e-7);
  EXPECT_NEAR(share_interval(1, 100).second, 0.05446, 5e-6);
  EXPECT_EQ(share_interval(10, 10).second, 1);
  EXPECT_NEAR(share_interval(0, 1'000'000'000).second, 3.68888e-9, 1e-13);
  EXPECT_NEAR(share_interval(500'000'000, 1'000'000'000).second, 0.5 + 1.96 * 0.5 / std::sqrt(1e9), 1e-8);
  EXPECT_EQ(share_interval(0, 0), std::pair(0.0, 1.0));
}

TEST(Forecast, LeadsAreHeldAgainstErrors) {
  const Judge judge = judge_of("threshold:0");
  Forecast f;
  const auto add = [&](double r, double c) {
    const Judged a = judge.judge(Values{r}), b = judge.judge(Values{c});
    add_sample(f, judge, a, b, !judge.same(b.decision, a.decision), ElemType::float32);
  };
  add(1, 0.5);      // falls by a half
  add(0.25, 0.25);  // unchanged
  add(-8, -8.5);    // falls too: away from the boundary
  add(kNan, 1);
  EXPECT_EQ(f.samples, 4u);
  EXPECT_EQ(f.undefined, 1u);
  EXPECT_EQ(f.unchanged, 1u);
  EXPECT_EQ(f.margin_in_errors.bins(), (std::vector<std::pair<int, uint64_t>>{{1, 1}, {4, 1}}));
  EXPECT_EQ(f.error[0].total(), 2u);
  EXPECT_EQ(f.error[1].total(), 0u);
  // Of the 9 pairs of a lead and an error two cross: 0.25 with each fall of a half. One in four samples flips: the
  // undefined one.
  EXPECT_EQ(f.flips, 1u);
  EXPECT_NEAR(expected_flips(f, 900).expected, 900 * 2.0 / 9, 1e-3);
}

TEST(Proofs, BoundsMustStayOnTheReferencesSide) {
  const auto proved = [](const char* rule, const Values& reference, double radius, size_t columns = 1) {
    const Judge judge = judge_of(rule);
    const Judged r = judge.judge(reference, columns);
    Values low = reference, high = reference;
    spread(low, high, Values(reference.size(), radius));
    Reach reach;
    reach.add(judge, r, low, high);
    return reach.same;
  };
  const std::tuple<const char*, Values, double, size_t> cases[] = {
      {"threshold:0.5", {0.75}, 0.25, 1},   {"threshold:0.5", {0.25}, 0.25, 1}, {"argmax", {3, 1, 2}, 0.5, 1},
      {"topk:2", {3, 1, 2.5}, 0.75, 1},     {"ranking", {3, 1, 2.5}, 0.25, 1},  {"ranking:1", {3, 1, 2.5}, 0.25, 1},
      {"multilabel:0,1", {0.5, 3}, 0.5, 1}, {"tolerance:abs=0.1", {5}, 0.1, 1}, {"ctc:blank=0", {3, 1, 0, 1}, 0.5, 2}};
  for (const auto& [rule, reference, radius, columns] : cases) {
    EXPECT_TRUE(proved(rule, reference, radius * 0.99, columns)) << rule;
    EXPECT_FALSE(proved(rule, reference, radius * 1.01, columns)) << rule;
    EXPECT_FALSE(proved(rule, reference, kNan, columns)) << rule;
    EXPECT_FALSE(proved(rule, reference, HUGE_VAL, columns)) << rule;
  }
}

TEST(Proofs, NoFiniteBoundIsWithinTheToleranceOfAnInfinity) {
  const Judge judge = judge_of("tolerance:abs=1,rel=0.1");
  for (const double infinity : {HUGE_VAL, -HUGE_VAL}) {
    Reach reach;
    reach.add(judge, judge.judge(Values{infinity, 2}), Values{80000, 2}, Values{80001, 2});
    EXPECT_FALSE(reach.same);
  }
}

TEST(Rule, WhatHasNoValuesIsNotDecided) {
  for (const char* rule :
       {"threshold:0", "argmax", "topk:1", "ranking", "multilabel:0", "ctc", "argmax-sequence", "tolerance:abs=1"}) {
    for (const size_t columns : {1u, 4u}) EXPECT_FALSE(judge_of(rule).check(0, columns).ok()) << rule;
  }
  EXPECT_TRUE(judge_of("boxes").check(0, 6).ok());  // a detector that finds nothing
}
}  // namespace
}  // namespace assay::audit
