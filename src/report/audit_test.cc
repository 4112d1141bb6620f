// The logic of audits, with programs that are tables of numbers.
#include "audit/audit.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <regex>

#include "audit/compare.h"
#include "audit/decision/score.h"
#include "report/json.h"
#include "report/text.h"

namespace assay::audit {
namespace {
using backends::Program;
using ir::Dim;
using ir::ElemType;
using ir::Tensor;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

// Each variant is a function of the input value; the output has `width` values per sample.
class FakeProgram : public Program {
 public:
  using Row = std::function<std::vector<float>(float)>;
  FakeProgram(std::string text, std::vector<Row> variants, ElemType storage = ElemType::float16, int64_t width = 1,
              bool symbolic = true)
      : text_(std::move(text)), rows_(std::move(variants)), storage_(storage), width_(width) {
    const Dim batch = symbolic ? Dim("N") : Dim(1);
    inputs_ = {{"x", ir::Type::tensor(ElemType::float32, std::vector<Dim>{batch, 1})}};
    outputs_ = {{"y", ir::Type::tensor(ElemType::float32, std::vector<Dim>{batch, width})}};
    for (size_t i = 0; i < rows_.size(); ++i) names_.push_back("v" + std::to_string(i));
  }
  const std::string& text() const override { return text_; }
  bool emulated() const override { return true; }
  const std::vector<std::string>& variants() const override { return names_; }
  const profiles::Profile* profile() const override { return nullptr; }
  const std::vector<Port>& inputs() const override { return inputs_; }
  const std::vector<Port>& outputs() const override { return outputs_; }
  ElemType storage() const override { return storage_; }
  Result<std::vector<Tensor>> run(size_t variant, std::span<const Tensor> inputs, const SampleRange&) override {
    const int64_t n = inputs[0].size();
    Tensor out = Tensor::allocate(ElemType::float32, {n, width_});
    for (int64_t i = 0; i < n; ++i) {
      const auto row = rows_[variant](inputs[0].data<float>()[i]);
      std::copy(row.begin(), row.end(), out.mutable_data<float>() + i * width_);
    }
    return std::vector<Tensor>{out};
  }

 private:
  std::string text_;
  std::vector<Row> rows_;
  std::vector<std::string> names_;
  std::vector<Port> inputs_, outputs_;
  ElemType storage_;
  int64_t width_;
};

FakeProgram::Row plus(float d) {
  return [d](float x) { return std::vector<float>{x + d}; };
}
FakeProgram::Row to_half() {
  return [](float x) { return std::vector<float>{num::float16_value(num::float16_bits(x))}; };
}

Arrays data(const std::vector<float>& x) {
  return {{"x", Tensor::of<float>(ElemType::float32, {static_cast<int64_t>(x.size()), 1}, x)}};
}

AuditOptions options(const std::string& rule = "threshold:0.5") {
  AuditOptions o;
  o.rule = *parse_rule(rule);
  return o;
}

Result<AuditResult> run(FakeProgram& reference, std::vector<Program*> candidates, const std::vector<float>& x,
                        const std::vector<int64_t>& labels, const AuditOptions& o) {
  Warnings warnings;
  return run_audit(reference, candidates, data(x), labels, o, warnings);
}

TEST(Audit, SafeAtRiskAndFlipsAddUp) {
  FakeProgram reference("ref", {plus(0)});
  FakeProgram candidate("cand", {plus(0.2f), plus(0.05f), plus(0)});
  const auto r = run(reference, {&candidate}, {0.1f, 0.4f, 0.47f, 0.9f}, {0, 1, 1, 1}, options());
  ASSERT_TRUE(r.ok()) << r.error().message;
  const CandidateResult& c = r->candidates[0];
  // 0.4 differs under v0 only; 0.47 under v0 and v1; the third variant never differs.
  EXPECT_EQ(c.safe, 2u);
  EXPECT_TRUE(c.flips.empty());
  ASSERT_EQ(c.at_risk.size(), 2u);
  EXPECT_EQ(c.at_risk[0].sample, 1);
  EXPECT_EQ(c.at_risk[0].variants, (std::vector<std::string>{"v0"}));
  EXPECT_EQ(c.at_risk[1].variants, (std::vector<std::string>{"v0", "v1"}));
  EXPECT_EQ(c.at_risk[0].label, 1);
  EXPECT_EQ(c.at_risk[0].reference_decision.value, 0);
  EXPECT_EQ(c.at_risk[0].candidate_decision.value, 1);
  EXPECT_FALSE(c.at_risk[0].explained_by_output_rounding);
  EXPECT_LT(c.at_risk[0].candidate_margin_ulp, 0);
  EXPECT_FALSE(fails(*r, FailOn::flips));
  EXPECT_TRUE(fails(*r, FailOn::at_risk));
  EXPECT_FALSE(fails(*r, FailOn::none));
  EXPECT_EQ(r->reference_tally.cells.at({1, 0}), 2u);
  EXPECT_EQ(c.primary().tally.cells.at({1, 1}), 3u);
}

TEST(Audit, OutputRoundingExplainsFlipsInItsInterval) {
  FakeProgram reference("ref", {plus(0)});
  FakeProgram half("half", {to_half()}), shift("shift", {plus(0.01f)});
  const auto r = run(reference, {&half, &shift}, {0.4998f, 0.49995f, 0.495f}, {}, options());
  ASSERT_TRUE(r.ok());
  ASSERT_EQ(r->candidates[0].flips.size(), 1u);
  const Case& flip = r->candidates[0].flips[0];
  EXPECT_EQ(flip.sample, 1);
  EXPECT_TRUE(flip.explained_by_output_rounding);
  EXPECT_FALSE(flip.label.has_value());
  EXPECT_DOUBLE_EQ(flip.margin_ulp, (0.5 - static_cast<double>(0.49995f)) / 0x1p-11);
  EXPECT_TRUE(r->candidates[0].interval.contains(0.49995));
  EXPECT_EQ(r->candidates[0].interval.becomes_positive.low, 0.4998779296875);
  // 0.495 + 0.01 is positive too, but rounding 0.495 would not have made it so.
  ASSERT_EQ(r->candidates[1].flips.size(), 3u);
  EXPECT_FALSE(r->candidates[1].flips[2].explained_by_output_rounding);
  EXPECT_TRUE(fails(*r, FailOn::flips));
}

TEST(Audit, OnlyScoresThatAreStoredHaveARoundingInterval) {
  FakeProgram reference("ref", {plus(0)}), half("half", {to_half()});
  AuditOptions o = options();
  for (const char* score : {"y", "max(y)", "min(index(y, 0), max(y))", "index(y, 0)"}) {
    o.score = score;
    EXPECT_FALSE(run(reference, {&half}, {0.3f}, {}, o)->candidates[0].interval.empty()) << score;
  }
  for (const char* score : {"sigmoid(y)", "max(sigmoid(y))", "index(softmax(y), 0)", "mean(y)", "max(y, sum(y))"}) {
    o.score = score;
    const auto r = run(reference, {&half}, {0.3f}, {}, o);
    EXPECT_TRUE(r->candidates[0].interval.empty()) << score;
    EXPECT_NE(report::to_json(*r).find("\"rounding_interval\":null"), std::string::npos) << score;
  }
}

TEST(Audit, NanDecidesUndefined) {
  FakeProgram reference("ref", {plus(0)});
  FakeProgram candidate("cand", {[](float x) { return std::vector<float>{x > 0.8f ? kNan : x}; }});
  const auto r = run(reference, {&candidate}, {0.1f, 0.9f, kNan, kInf, 0.7f}, {0, 1, 1, 1, 1}, options());
  ASSERT_TRUE(r.ok());
  const CandidateResult& c = r->candidates[0];
  ASSERT_EQ(c.flips.size(), 2u);  // 0.9 and infinity; NaN equals itself
  EXPECT_EQ(c.flips[0].sample, 1);
  EXPECT_TRUE(c.flips[0].candidate_decision.undefined());
  EXPECT_TRUE(std::isnan(c.flips[0].candidate_margin_ulp));
  EXPECT_EQ(r->reference_tally.non_finite, 2u);
  EXPECT_EQ(c.primary().tally.non_finite, 3u);
  EXPECT_EQ(c.primary().differences[0].nan_mismatches, 2u);
  EXPECT_EQ(r->reference_tally.decisions.at(-1), 1u);
  EXPECT_EQ(c.margins.undefined, 1u);
}

TEST(Audit, ArgmaxAndTopK) {
  const auto row = [](float x) { return std::vector<float>{x, 0.5f, 0.25f}; };
  const auto other = [](float x) { return std::vector<float>{x - 0.1f, 0.5f, 0.25f}; };
  FakeProgram reference("ref", {row}, ElemType::float16, 3), candidate("cand", {other}, ElemType::float16, 3);
  const std::vector<float> x = {0.55f, 0.9f, 0.5f, 0.3f};
  const auto r = run(reference, {&candidate}, x, {0, 0, 1, 2}, options("argmax"));
  ASSERT_TRUE(r.ok());
  ASSERT_EQ(r->candidates[0].flips.size(), 2u);
  EXPECT_EQ(r->candidates[0].flips[0].sample, 0);
  EXPECT_EQ(r->candidates[0].flips[1].sample, 2);  // a tie: the lowest index wins
  EXPECT_EQ(r->candidates[0].flips[1].margin_ulp, 0);
  EXPECT_EQ(r->classes, 3);
  EXPECT_EQ(*metrics_of(r->reference_tally, Rule::Kind::argmax).accuracy, 0.5);
  const auto top = run(reference, {&candidate}, x, {0, 0, 1, 2}, options("topk:2"));
  ASSERT_TRUE(top.ok());
  ASSERT_EQ(top->candidates[0].flips.size(), 1u);  // 0.3 - 0.1 leaves the two best
  EXPECT_EQ(top->candidates[0].flips[0].sample, 3);
  EXPECT_EQ(top->candidates[0].flips[0].candidate_decision.top, (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(run(reference, {&candidate}, x, {}, options("topk:3")).error().code, Code::bad_decision);
  EXPECT_EQ(run(reference, {&candidate}, x, {}, options()).error().code, Code::bad_decision);
  EXPECT_EQ(run(reference, {&candidate}, x, {0, 0, 1, 3}, options("argmax")).error().code, Code::labels_value);
}

TEST(Audit, WrongLabels) {
  FakeProgram p("p", {plus(0)});
  EXPECT_EQ(run(p, {&p}, {0.1f, 0.2f}, {1}, options()).error().code, Code::labels_length);
  EXPECT_EQ(run(p, {&p}, {0.1f, 0.2f}, {1, 2}, options()).error().code, Code::labels_value);
}

class MergeTest : public testing::Test {
 protected:
  std::vector<float> x_;
  std::vector<int64_t> labels_;
  FakeProgram reference_{"ref", {plus(0)}};
  FakeProgram a_{"a", {to_half(), plus(1e-4f), plus(-1e-3f)}};
  FakeProgram b_{"b", {plus(1e-5f)}, ElemType::float32, 1, false};

  void SetUp() override {
    std::mt19937 random(5);
    for (int i = 0; i < 200; ++i) {
      x_.push_back(0.5f + static_cast<float>(static_cast<int>(random() % 2001) - 1000) * (i % 2 ? 1e-6f : 4e-4f));
      labels_.push_back(random() % 2);
    }
    x_[17] = kNan;
    x_[90] = kInf;
    x_[91] = -x_[91];
  }
  AuditResult part(size_t first, size_t count, std::shared_ptr<const Threads> threads = nullptr) {
    AuditOptions o = options();
    o.first_sample = static_cast<int64_t>(first) + 1000;
    o.threads = std::move(threads);
    const auto begin = static_cast<std::ptrdiff_t>(first), end = static_cast<std::ptrdiff_t>(first + count);
    auto r = run(reference_, {&a_, &b_}, {x_.begin() + begin, x_.begin() + end},
                 {labels_.begin() + begin, labels_.begin() + end}, o);
    EXPECT_TRUE(r.ok());
    return *r;
  }
};

TEST_F(MergeTest, AnySplitGivesTheSameBytes) {
  const std::string whole = report::to_json(part(0, x_.size()));
  EXPECT_EQ(report::to_json(part(0, x_.size(), std::make_shared<const Threads>(2))), whole);
  std::mt19937 random(9);
  for (int trial = 0; trial < 6; ++trial) {
    std::vector<AuditResult> parts;
    for (size_t first = 0; first < x_.size();) {
      const size_t count = std::min<size_t>(1 + random() % 90, x_.size() - first);
      // Through the text and back, as `assay merge` does.
      const auto back = report::parse_audit(report::to_json(part(first, count)), "part");
      ASSERT_TRUE(back.ok()) << back.error().message;
      parts.push_back(*back);
      first += count;
    }
    std::shuffle(parts.begin(), parts.end(), random);
    const auto merged = merge(parts);
    ASSERT_TRUE(merged.ok()) << merged.error().message;
    EXPECT_EQ(report::to_json(*merged), whole);
  }
}

TEST_F(MergeTest, RefusesWhatDoesNotFit) {
  EXPECT_EQ(merge({part(0, 10), part(9, 10)}).error().code, Code::merge_mismatch);
  EXPECT_EQ(merge({part(0, 10), part(11, 10)}).error().code, Code::merge_mismatch);
  EXPECT_EQ(merge({part(0, 10), part(0, 10)}).error().code, Code::merge_mismatch);
  AuditResult other = part(10, 10);
  other.rule.threshold = 0.25;
  EXPECT_EQ(merge({part(0, 10), other}).error().code, Code::merge_mismatch);
  other = part(10, 10);
  other.candidates[1].info.program = "c";
  EXPECT_EQ(merge({part(0, 10), other}).error().code, Code::merge_mismatch);
  other = part(10, 10);
  other.reference.profile_identity = "other";  // one name, another storage
  EXPECT_EQ(merge({part(0, 10), other}).error().code, Code::merge_mismatch);
  other = part(10, 10);
  other.candidates[1].info.profile_identity = "other";
  EXPECT_EQ(merge({part(0, 10), other}).error().code, Code::merge_mismatch);
  EXPECT_EQ(merge({}).error().code, Code::merge_mismatch);
  EXPECT_TRUE(merge({part(10, 10), part(0, 10)}).ok());
}

TEST_F(MergeTest, ColoursFollowTheVerdict) {
  AuditResult audit = part(0, 20);
  const std::string plain = report::to_text(audit), coloured = report::to_text(audit, {.colour = true});
  EXPECT_EQ(plain.find('\033'), std::string::npos);
  EXPECT_NE(coloured.find("\033[32;1m"), std::string::npos);
  EXPECT_EQ(std::regex_replace(coloured, std::regex("\033\\[[0-9;]*m"), ""), plain);  // columns stay where they are
  audit.score = "max(\033[8mp)";
  EXPECT_EQ(report::to_text(audit).find('\033'), std::string::npos);
}

TEST_F(MergeTest, DamagedJsonIsAnError) {
  const std::string good = report::to_json(part(0, 20));
  for (size_t cut = 0; cut < good.size(); cut += 97) {
    const auto r = report::parse_audit(good.substr(0, cut), "cut");
    ASSERT_FALSE(r.ok());
    EXPECT_EQ(r.error().code, Code::data_malformed);
  }
  for (const char* text : {"{}", "[]", "null", R"({"samples": -1})", R"({"samples": 1e300})"})
    EXPECT_EQ(report::parse_audit(text, "x").error().code, Code::data_malformed) << text;
}

TEST(Score, Grammar) {
  const std::string names[] = {"a:0", "b", "max"};
  const auto eval = [&](const char* text) {
    const std::vector<SampleValue> values = {{{2}, {1, 3}}, {{2, 2}, {0, -1, 5, 2}}, {{}, {7}}};
    const auto score = Score::parse(text, names);
    EXPECT_TRUE(score.ok()) << text << ": " << score.error().message;
    return *score->evaluate(values);
  };
  EXPECT_EQ(eval("max('a:0')").values, std::vector<double>{3});
  EXPECT_EQ(eval("max(max(b), sigmoid('a:0'))").values, std::vector<double>{5});
  EXPECT_EQ(eval("mean(b)").values, std::vector<double>{1.5});
  EXPECT_EQ(eval("sum(b, 'a:0')").values, std::vector<double>{10});
  EXPECT_EQ(eval("min(b)").values, std::vector<double>{-1});
  EXPECT_EQ(eval("index(b, 1, 0)").values, std::vector<double>{5});
  EXPECT_EQ(eval("index(b, -1)").values, (std::vector<double>{5, 2}));
  EXPECT_EQ(eval("max").values, std::vector<double>{7});
  EXPECT_EQ(eval("index(sigmoid(b), 0, 0)").values, std::vector<double>{0.5});
  const auto soft = eval("softmax(b)").values;
  EXPECT_DOUBLE_EQ(soft[0] + soft[1], 1);
  EXPECT_NEAR(soft[0], 1 / (1 + std::exp(-1.0)), 1e-15);
  EXPECT_EQ(Score::parse(" max( sigmoid('a:0'),b ) ", names)->text(), "max(sigmoid('a:0'), b)");
  for (const char* text :
       {"", "c", "sigmoid(b", "sigmoid(b, b)", "index(b)", "index(b, x)", "b b", "'a:0", "mux(b)", "max()"})
    EXPECT_EQ(Score::parse(text, names).error().code, Code::bad_decision) << text;
  const std::vector<SampleValue> values = {{{2}, {1, 3}}, {{2, 2}, {0, -1, 5, 2}}, {{}, {7}}};
  EXPECT_EQ(Score::parse("index(b, 2)", names)->evaluate(values).error().code, Code::bad_decision);
  EXPECT_FALSE(Score::parse(std::string(5000, '('), names).ok());
}

TEST(Rule, Spellings) {
  EXPECT_EQ(parse_rule("threshold:0.50")->text(), "threshold:0.5");
  EXPECT_EQ(parse_rule("threshold:>1e-1")->text(), "threshold:>0.1");
  EXPECT_EQ(parse_rule("topk:5")->text(), "topk:5");
  for (const char* text : {"", "threshold", "threshold:x", "threshold:nan", "topk:0", "topk:1.5", "argmax:1", "argmin"})
    EXPECT_EQ(parse_rule(text).error().code, Code::bad_decision) << text;
}

TEST(Judge, ThresholdIsRoundedToTheDeclaredTypeAndStrictness) {
  const Judge judge(*parse_rule("threshold:0.1"), ElemType::float32);
  EXPECT_EQ(judge.threshold(), static_cast<double>(0.1f));
  const double at = judge.threshold();
  EXPECT_EQ(judge.judge(std::span(&at, 1)).decision.value, 1);
  const Judge strict(*parse_rule("threshold:>0.1"), ElemType::float32);
  EXPECT_EQ(strict.judge(std::span(&at, 1)).decision.value, 0);
}

TEST(Auc, ExactWhereNoBucketIsShared) {
  Tally tally;
  for (const auto& [score, label] : std::vector<std::pair<double, int>>{{0.1, 0}, {0.4, 0}, {0.35, 1}, {0.8, 1}}) {
    tally.buckets.add(score, ElemType::float32, label == 1);
    ++tally.cells[{label, score >= 0.5 ? 1 : 0}];
  }
  const Metrics m = metrics_of(tally, Rule::Kind::threshold);
  EXPECT_EQ(m.auc->value, 0.75);
  EXPECT_EQ(m.auc->bound, 0);
  EXPECT_EQ(*m.accuracy, 0.75);
  EXPECT_EQ(*m.precision, 1);
  EXPECT_EQ(*m.recall, 0.5);
  EXPECT_DOUBLE_EQ(*m.f1, 2.0 / 3);
}

TEST(Differences, ZerosNansAndUlps) {
  const std::vector<float> a = {0.0f, kNan, 1.0f, 2.0f, kInf, 0.0f},
                           b = {-0.0f, kNan, std::nextafter(1.0f, 2.0f), kNan, 1.0f, 1.0f};
  Differences d;
  d.add(Tensor::of<float>(ElemType::float32, {6}, a), Tensor::of<float>(ElemType::float32, {6}, b), 0, 0, 6, 3);
  EXPECT_EQ(d.equal, 2u);
  EXPECT_EQ(d.nan_mismatches, 1u);
  EXPECT_EQ(d.infinite, 1u);
  EXPECT_EQ(d.reference_zeros, 1u);
  EXPECT_TRUE(std::isinf(d.max_abs));
  EXPECT_EQ(d.max_rel, 0x1p-23);
  EXPECT_EQ(d.worst.sample, 3);
  EXPECT_EQ(d.worst.element, 4);
}

TEST(Differences, UlpsAreOfFloat32UnlessBothSidesAreFloat64) {
  const float third = 1.0f / 3;
  const float half = num::float16_value(num::float16_bits(third));
  const auto of = [](ElemType type, double value) {
    Tensor t = Tensor::allocate(type, {1});
    if (ir::is_float(type))
      t.set_float(0, value);
    else
      t.set_int(0, static_cast<int64_t>(value));
    return t;
  };
  const auto between = [](const Tensor& a, const Tensor& b) {
    Differences one, d;
    one.add(a, b, 0, 0, 1, 0);
    d.merge(one);
    return d;
  };
  const uint32_t a = std::bit_cast<uint32_t>(third), b = std::bit_cast<uint32_t>(half);
  const uint64_t steps = a > b ? a - b : b - a;  // of one sign
  ASSERT_GT(steps, 100u);
  for (const ElemType recorded : {ElemType::float16, ElemType::float32, ElemType::float64}) {
    const Differences d = between(of(ElemType::float32, third), of(recorded, half));
    EXPECT_EQ(d.max_ulp, steps);
    EXPECT_EQ(d.ulp_type, ElemType::float32);
  }
  const Differences wide = between(of(ElemType::float64, 1), of(ElemType::float64, 1 + 0x1p-52));
  EXPECT_EQ(wide.max_ulp, 1u);
  EXPECT_EQ(wide.ulp_type, ElemType::float64);
  EXPECT_EQ(between(of(ElemType::int64, 1), of(ElemType::int64, 2)).ulp_type, ElemType::undefined);
  EXPECT_EQ(together({between(of(ElemType::int64, 1), of(ElemType::int64, 2)), wide}).ulp_type, ElemType::float64);
}

TEST(Compare, AllPairsAndLimits) {
  FakeProgram a("a", {plus(0)}), b("b", {plus(0.25f)}), c("c", {plus(0)});
  Program* programs[] = {&a, &b, &c};
  Warnings warnings;
  CompareOptions o;
  o.max_abs = 0.125;
  const auto r = compare(programs, data({0.5f, 1.5f}), o, warnings);
  ASSERT_TRUE(r.ok());
  ASSERT_EQ(r->pairs.size(), 3u);
  EXPECT_EQ(r->pairs[0].outputs[0].max_abs, 0.25);
  EXPECT_FALSE(r->pairs[0].within_limits);
  EXPECT_TRUE(r->pairs[1].within_limits);
  EXPECT_FALSE(r->within_limits);
}

TEST(RunProgram, FixedBatchIsRunSampleBySample) {
  FakeProgram one("one", {plus(1)}, ElemType::float32, 1, false);
  Warnings warnings;
  const auto out = run_program(one, 0, data({1, 2, 3}), warnings);
  ASSERT_TRUE(out.ok());
  EXPECT_EQ((*out)[0].tensor.dims(), (ir::Dims{3, 1}));
  EXPECT_EQ((*out)[0].tensor.float_at(2), 4);
}

}  // namespace
}  // namespace assay::audit
