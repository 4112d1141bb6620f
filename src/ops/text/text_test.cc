#include <gtest/gtest.h>

#include "ops/testing.h"
#include "ops/text/utf8.h"

namespace assay::ops {
namespace {

using ir::Tensor;
using testing::i64;
using testing::OneOp;
using testing::strings;
using Words = std::vector<std::string>;

TEST(StringConcat, Broadcasts) {
  const Tensor z = OneOp("StringConcat").in(strings({2, 1}, {"a", "b"})).in(strings({3}, {"x", "", "ü"})).run();
  EXPECT_EQ(z.dims(), (ir::Dims{2, 3}));
  EXPECT_EQ(z.strings(), (Words{"ax", "a", "aü", "bx", "b", "bü"}));
}

TEST(StringSplit, DelimitersAndWhitespace) {
  struct Case {
    std::string delimiter;
    int64_t most;
    std::string text;
    Words parts;
  };
  const Case cases[] = {
      {",", -1, ",a,b,,c,", {"", "a", "b", "", "c", ""}},
      {",", 1, ",a,b", {"", "a,b"}},
      {",", 0, "a,b", {"a,b"}},
      {",", -1, "", {""}},
      {"XX", -1, "aXXbXXXc", {"a", "b", "Xc"}},
      {"", -1, "  a \t b\n", {"a", "b"}},
      {"", 1, "  a  b   c  ", {"a", "b   c"}},
      {"", 0, "  a  b ", {"a  b"}},
      {"", -1, " \t ", {}},
  };
  for (const Case& c : cases) {
    OneOp op("StringSplit");
    op.attr("delimiter", c.delimiter).attr("maxsplit", c.most).in(strings({1}, {c.text})).outputs(2);
    const auto out = op.run_all();
    EXPECT_EQ(out[0].strings(), c.parts) << c.text;
    EXPECT_EQ(out[0].dims(), (ir::Dims{1, std::ssize(c.parts)}));
    EXPECT_EQ(out[1].int_at(0), std::ssize(c.parts));
  }
}

TEST(StringSplit, FillsRowsUp) {
  const auto out = OneOp("StringSplit").in(strings({2}, {"a b", "c"})).outputs(2).run_all();
  EXPECT_EQ(out[0].strings(), (Words{"a", "b", "c", ""}));
  EXPECT_EQ(testing::integers(out[1]), (ir::Dims{2, 1}));
  EXPECT_EQ(OneOp("StringSplit").in(strings({0}, {})).outputs(2).run_all()[0].dims(), (ir::Dims{0, 0}));
}

TEST(Utf8, SimpleMappingsOfUnicode) {
  EXPECT_EQ(with_case("Straße ÉCOLE ǅ", Case::upper), "STRAßE ÉCOLE Ǆ");
  EXPECT_EQ(with_case("Straße ÉCOLE Σ", Case::lower), "straße école σ");
  EXPECT_EQ(with_case("\xff", Case::lower), std::nullopt);
  EXPECT_EQ(with_case("\xc3", Case::unchanged), std::nullopt);
}

TEST(StringNormalizer, StopWordsAndCase) {
  const auto run = [](std::string action, int64_t sensitive, Words stop, Tensor x) {
    return OneOp("StringNormalizer")
        .attr("case_change_action", std::move(action))
        .attr("is_case_sensitive", sensitive)
        .attr("stopwords", std::move(stop))
        .in(std::move(x))
        .run();
  };
  EXPECT_EQ(run("NONE", 0, {"MONDAY"}, strings({2}, {"monday", "Été"})).strings(), (Words{"Été"}));
  EXPECT_EQ(run("UPPER", 1, {"monday"}, strings({2}, {"Monday", "monday"})).strings(), (Words{"MONDAY"}));
  const Tensor none = run("LOWER", 0, {"a"}, strings({1, 2}, {"a", "A"}));
  EXPECT_EQ(none.dims(), (ir::Dims{1, 1}));
  EXPECT_EQ(none.strings(), (Words{""}));
  EXPECT_EQ(OneOp("StringNormalizer")
                .attr("case_change_action", std::string("LOWER"))
                .in(strings({1}, {"\xff"}))
                .try_run()
                .error()
                .code,
            Code::value_range);
  EXPECT_FALSE(OneOp("StringNormalizer").in(strings({2, 1}, {"a", "b"})).infer().ok());
  EXPECT_FALSE(OneOp("StringNormalizer").attr("locale", std::string("tr_TR")).in(strings({1}, {"a"})).infer().ok());
}

TEST(RegexFullMatch, WholeStrings) {
  const auto run = [](std::string pattern, Words text) {
    const auto n = std::ssize(text);
    return OneOp("RegexFullMatch").attr("pattern", std::move(pattern)).in(strings({n}, std::move(text))).try_run();
  };
  const auto y = run("[a-z]+@x\\.org", {"ab@x.org", "ab@x.org ", "@x.org", ""});
  ASSERT_TRUE(y.ok());
  EXPECT_EQ(testing::integers((*y)[0]), (ir::Dims{1, 0, 0, 0}));
  EXPECT_EQ((*run("(a*)*b", {std::string(100000, 'a')}))[0].int_at(0), 0);  // no backtracking
  EXPECT_FALSE(run("(", {"a"}).ok());
  EXPECT_FALSE(run("(?=a)", {"a"}).ok());
}

OneOp vectorizer(ir::Dims counts, ir::Dims indexes, ir::Dims pool, int64_t least, int64_t most, int64_t skips,
                 std::string mode = "TF") {
  OneOp op("TfIdfVectorizer");
  op.attr("ngram_counts", std::move(counts)).attr("ngram_indexes", std::move(indexes));
  op.attr("pool_int64s", std::move(pool)).attr("min_gram_length", least).attr("max_gram_length", most);
  op.attr("max_skip_count", skips).attr("mode", std::move(mode));
  return op;
}

TEST(TfIdfVectorizer, CountsWithSkips) {
  const Tensor x = i64({12}, {1, 1, 3, 3, 3, 7, 8, 6, 7, 5, 6, 8});
  const ir::Dims counts{0, 4}, indexes{0, 1, 2, 3, 4, 5, 6}, pool{2, 3, 5, 4, 5, 6, 7, 8, 6, 7};
  EXPECT_EQ(testing::doubles(vectorizer(counts, indexes, pool, 2, 2, 0).in(x).run()),
            (std::vector<double>{0, 0, 0, 0, 1, 1, 1}));
  EXPECT_EQ(testing::doubles(vectorizer(counts, indexes, pool, 2, 2, 5).in(x).run()),
            (std::vector<double>{0, 0, 0, 0, 1, 3, 1}));
  EXPECT_EQ(testing::doubles(vectorizer(counts, indexes, pool, 1, 2, 5).in(x).run()),
            (std::vector<double>{0, 3, 1, 0, 1, 3, 1}));
  EXPECT_EQ(testing::doubles(vectorizer(counts, indexes, pool, 1, 2, INT64_MAX).in(x).run())[5], 3);
}

TEST(TfIdfVectorizer, WeightsAndStrings) {
  OneOp op("TfIdfVectorizer");
  op.attr("ngram_counts", ir::Dims{0}).attr("ngram_indexes", ir::Dims{1, 0}).attr("pool_strings", Words{"a", "b"});
  op.attr("min_gram_length", int64_t{1}).attr("max_gram_length", int64_t{1}).attr("max_skip_count", int64_t{0});
  op.attr("weights", std::vector<float>{2, 0.5f});
  const Tensor x = strings({2, 3}, {"a", "a", "b", "c", "b", "b"});
  EXPECT_EQ(testing::doubles(OneOp(op).attr("mode", std::string("TFIDF")).in(x).run()),
            (std::vector<double>{0.5, 4, 1, 0}));
  EXPECT_EQ(testing::doubles(OneOp(op).attr("mode", std::string("IDF")).in(x).run()),
            (std::vector<double>{0.5, 2, 0.5, 0}));
}

TEST(TfIdfVectorizer, HostileAttributesAreErrors) {
  const Tensor x = i64({3}, {1, 2, 3});
  for (const ir::Dims& counts : {ir::Dims{}, ir::Dims{5}, ir::Dims{-1}, ir::Dims{3, 1}})
    EXPECT_FALSE(vectorizer(counts, {0, 1}, {1, 2, 3, 4}, 1, 1, 0).in(x).infer().ok());
  EXPECT_FALSE(vectorizer({0}, {0, -1}, {1, 2}, 1, 1, 0).in(x).infer().ok());
  EXPECT_FALSE(vectorizer({0}, {0, INT64_MAX}, {1, 2}, 1, 1, 0).in(x).infer().ok());
  EXPECT_FALSE(vectorizer({0}, {0}, {1, 2}, 1, 1, 0).in(x).infer().ok());
  EXPECT_FALSE(vectorizer({0, 0}, {0, 1}, {1, 2, 3}, 1, 2, 0).in(x).infer().ok());
  EXPECT_FALSE(vectorizer({0}, {0, 1}, {1, 2}, 1, 2, 0).in(x).infer().ok());
  EXPECT_FALSE(vectorizer({0}, {0, 1}, {1, 2}, 1, 1, -1).in(x).infer().ok());
}

}  // namespace
}  // namespace assay::ops
