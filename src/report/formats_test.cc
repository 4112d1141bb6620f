// What files of other programs must not be able to do to the reports that quote them.
#include <gtest/gtest.h>

#include "report/csv.h"
#include "report/junit.h"
#include "report/markdown.h"
#include "report/sarif.h"
#include "report/xml.h"

namespace assay::report {
namespace {

audit::AuditResult one_flip() {
  audit::AuditResult a;
  a.samples = 2;
  a.rule = *audit::parse_rule("threshold:0.5");
  a.threshold = 0.5;
  a.score = "y";
  a.reference.program = "strict-f32";
  audit::CandidateResult c;
  c.info.program = "evil|`name`<b>,\"quoted\"";
  c.info.emulated = true;
  c.storage = ir::ElemType::float16;
  c.safe = 1;
  c.variants.push_back({.name = "only", .differs = 1, .tally = {}, .differences = {}, .lattice = {}});
  audit::Case flip;
  flip.sample = 7;
  flip.reference_decision.value = 0;
  flip.candidate_decision.value = 1;
  flip.variants = {"only"};
  c.flips = {flip};
  a.candidates = {c};
  return a;
}

TEST(Xml, KeepsWhatXmlAllows) {
  EXPECT_EQ(xml_text("a<b>&\"c\"\n\t"), "a&lt;b&gt;&amp;&quot;c&quot;&#10;&#9;");
  EXPECT_EQ(xml_text("\xc3\xa9\xf0\x9f\x98\x80"), "\xc3\xa9\xf0\x9f\x98\x80");
  const std::string replaced = "\xef\xbf\xbd";
  EXPECT_EQ(xml_text(std::string_view("\x00\x1b", 2)), replaced + replaced);
  EXPECT_EQ(xml_text("\xff"
                     "a"),
            replaced + "a");
  EXPECT_EQ(xml_text("\xc0\x80"), replaced + replaced);                 // overlong
  EXPECT_EQ(xml_text("\xed\xa0\x80"), replaced + replaced + replaced);  // a surrogate
  EXPECT_EQ(xml_text("\xef\xbf\xbf"), replaced + replaced + replaced);  // U+FFFF
  EXPECT_EQ(xml_text("\xe2\x82"), replaced + replaced);                 // cut short
}

TEST(Markdown, NamesMeanNothing) {
  EXPECT_EQ(markdown_code("plain"), "`plain`");
  EXPECT_EQ(markdown_code("a|b"), "`a\\|b`");
  EXPECT_EQ(markdown_code("a`b"), "``a`b``");
  EXPECT_EQ(markdown_code("`"), "`` ` ``");
  EXPECT_EQ(markdown_code("a\nb"), "`a?b`");
  EXPECT_NE(markdown_code(""), "``");
}

TEST(Sarif, FileNamesAreUris) {
  EXPECT_EQ(uri_of("models/a b#1.onnx"), "models/a%20b%231.onnx");
  EXPECT_EQ(uri_of("/abs/x.onnx"), "file:///abs/x.onnx");
  EXPECT_EQ(uri_of("\xc3\xa9"), "%C3%A9");
}

TEST(Gate, AllowedFlipsDoNotFail) {
  const audit::AuditResult a = one_flip();
  Section section{.title = "t", .subtitle = "", .audit = &a};
  EXPECT_TRUE(fails(section));
  EXPECT_NE(to_junit({&section, 1}, "1").find("<failure type=\"flip\""), std::string::npos);
  section.allowed = {{7}};
  EXPECT_FALSE(fails(section));
  EXPECT_EQ(to_junit({&section, 1}, "1").find("<failure"), std::string::npos);
  EXPECT_NE(to_sarif({&section, 1}, "1").find("\"level\":\"note\""), std::string::npos);
  section.findings = {{"model-changed", "it is another one"}};
  EXPECT_TRUE(fails(section));
}

TEST(Csv, QuotesFields) {
  const audit::AuditResult a = one_flip();
  const Section section{.title = "t", .subtitle = "", .audit = &a};
  const auto tables = to_csv({&section, 1});
  ASSERT_EQ(tables.front().first, "candidates.csv");
  EXPECT_NE(tables.front().second.find("t,\"evil|`name`<b>,\"\"quoted\"\"\",,true,2,1,0,1,"), std::string::npos)
      << tables.front().second;
}

TEST(Markdown, StaysBelowTheLimitOfAComment) {
  audit::AuditResult a = one_flip();
  a.score = std::string(1000, 's');
  a.candidates.resize(200, a.candidates.front());
  const std::vector<Section> sections(30, Section{.title = std::string(500, 't'), .subtitle = "", .audit = &a});
  EXPECT_LT(to_markdown(sections, "1").size(), 60'000U);
}

}  // namespace
}  // namespace assay::report
