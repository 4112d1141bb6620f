#include "report/html.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "report/text.h"

namespace assay::report {
namespace {
using audit::AuditResult;

AuditResult sample() {
  AuditResult a;
  a.samples = 10;
  a.rule = *audit::parse_rule("threshold:0.5");
  a.threshold = 0.5;
  a.score = "index('<b>&', 0)";
  a.labels = true;
  a.reference = {"strict-f32", "strict-f32", "abc", false};
  a.reference_tally.cells = {{{0, 0}, 5}, {{1, 1}, 4}, {{1, 0}, 1}};
  audit::CandidateResult c;
  c.info = {"<script>alert(1)</script>", "p", "abc", true};
  c.storage = ir::ElemType::float16;
  c.interval = num::rounding_interval(0.5, num::Comparison::at_least,
                                      num::Rounding{.format = num::format(num::FormatId::float16)});
  c.safe = 9;
  audit::VariantResult v;
  v.name = "primary\"'";
  v.tally.cells = {{{0, 0}, 5}, {{1, 1}, 5}};
  v.differences.emplace_back().output = "</td>";
  v.differences[0].abs.add(-12, 7);
  c.variants = {v};
  c.margins.negative.add(-3, 2);
  c.margins.positive.add(9, 8);
  audit::Case flip;
  flip.sample = 1234;
  flip.label = 1;
  flip.reference_score = 0.49994999170303345;
  flip.candidate_score = 0.5;
  flip.reference_decision.value = 0;
  flip.candidate_decision.value = 1;
  flip.margin_ulp = 0.125;
  flip.explained_by_output_rounding = true;
  flip.variants = {v.name};
  c.flips = {flip};
  c.not_modelled = {{"knot tables", "unpublished", "a source & more", "assumed"}};
  a.candidates = {c};
  return a;
}

TEST(Html, EscapesEveryName) {
  const AuditResult a = sample();
  const Section sections[] = {{"<title>", "data\"", &a}, {"second", "", &a}};
  const std::string page = to_html(sections, "0.1.0");
  EXPECT_EQ(page.find("<script>alert"), std::string::npos);
  // The one script that runs is ours, and the page names its hash.
  EXPECT_EQ(page.find("<script"), page.rfind("<script"));
  EXPECT_NE(page.find("script-src 'sha256-"), std::string::npos);
  EXPECT_EQ(page.find("(&#39;<b>"), std::string::npos);
  EXPECT_NE(page.find("&lt;script&gt;"), std::string::npos);
  EXPECT_NE(page.find("a source &amp; more"), std::string::npos);
  std::string page_without_names = page;  // of the vocabulary of SVG, which nothing is loaded from
  const std::string svg = "http://www.w3.org/2000/svg";
  page_without_names.erase(page_without_names.find(svg), svg.size());
  for (const char* outside : {"http://", "https://", "url(", "src=", "@import"})
    EXPECT_EQ(page_without_names.find(outside), std::string::npos) << outside;
  // The numbers that the verdict rests on.
  for (const char* text : {"1 flip", "0.49995", "negative &#8594; positive", "output rounding alone", "0.4998779296875",
                           "emulated", "knot tables", "1 of 1 candidate"})
    EXPECT_NE(page.find(text), std::string::npos) << text;
}

TEST(Html, CopesWithoutARoundingInterval) {
  AuditResult a = sample();
  a.score = "sigmoid(y)";
  a.score_type = ir::ElemType::float32;
  a.candidates[0].interval = {};
  const Section sections[] = {{"title", "", &a}};
  const std::string page = to_html(sections, "0.1.0");
  EXPECT_EQ(page.find("merely by being stored"), std::string::npos);
  EXPECT_EQ(page.find("changes no decision"), std::string::npos);
  EXPECT_EQ(page.find("class=\"band\""), std::string::npos);
  EXPECT_NE(page.find("In ULPs of float16"), std::string::npos);
}

TEST(Text, ShowsVerdictsWithTheirNumbers) {
  const std::string text = to_text(sample());
  for (const char* part :
       {"10 samples", "negative -> positive", "0.49995", "1 flip", "output rounding", "not enough evidence"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  AuditResult hostile = sample();
  hostile.candidates[0].info.program = "a\033[31mb";
  EXPECT_EQ(to_text(hostile).find('\033'), std::string::npos);
}

TEST(Text, TablesAlign) {
  EXPECT_EQ(table({{"a", "n"}, {"long", "12"}, {"\xc3\xa9", "3"}}, {false, true}),
            "a      n\nlong  12\n\xc3\xa9      3\n");
}

}  // namespace
}  // namespace assay::report
