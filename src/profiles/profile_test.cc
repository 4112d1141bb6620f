// The loader: what it reads, and how it refuses. The shipped profiles themselves: every one loads and is complete.
#include "profiles/profile.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <random>
#include <set>

#include "profiles/built_in.h"
#include "profiles/settings.h"

namespace assay::profiles {
namespace {

constexpr const char* kHead = "name = \"mine\"\ndoc = \"d\"\nstorage = \"float16\"\n";
constexpr const char* kEvidence = "evidence.source = \"here\"\nevidence.certainty = \"measured\"\n";

Result<Profile> parse(const std::string& text) { return parse_profile(text, "my.toml"); }

std::string statement(const std::string& body) { return kHead + ("[[statement]]\n" + body) + "\n" + kEvidence; }

/// Error of a file as "WHERE | message | fix"; "" when it loads.
std::string refusal(const std::string& text) {
  const auto profile = parse(text);
  if (profile.ok()) return "";
  EXPECT_EQ(profile.error().code, Code::profile_invalid);
  return profile.error().where + " | " + profile.error().message + " | " + profile.error().fix;
}

TEST(Profile, ReadsEverySettingThatItNames) {
  const auto p = parse(statement(R"(
match.class = ["contraction", "composite"]
match.matrix-only = true
set.operand = "tf32 toward-zero"
set.accumulator = { kind = "aligned", block = 8, fraction-bits = 25, block-rounding = "float16 nearest-even" }
set.result = "float16 nearest-even flush clamp limit=32768"
set.bias = "after-store"
set.subnormals = "flush"
set.special-values = "neural-engine"
set.divide-by-reciprocal = true
set.plain-softplus = true
)"));
  ASSERT_TRUE(p.ok()) << p.error().message;
  const auto policy = policy_for(*p, 0, {"", "Conv", "contraction", ir::ElemType::float32});
  ASSERT_TRUE(policy.operand && policy.result);
  EXPECT_EQ(policy.operand->format, num::format(num::FormatId::tf32));
  EXPECT_EQ(policy.operand->mode, num::Mode::toward_zero);
  EXPECT_EQ(policy.accumulator.kind, num::Accumulator::Kind::aligned);
  EXPECT_EQ(policy.accumulator.block, 8);
  EXPECT_EQ(policy.accumulator.fraction_bits, 25);
  EXPECT_EQ(policy.accumulator.block_format, num::FormatId::float16);
  EXPECT_EQ(policy.accumulator.block_mode, num::Mode::nearest_even);
  EXPECT_TRUE(policy.result->flush_subnormals);
  EXPECT_EQ(policy.result->overflow, num::Overflow::clamp);
  EXPECT_EQ(policy.result->limit, 32768);
  EXPECT_EQ(policy.bias, num::Bias::after_store);
  EXPECT_TRUE(policy.flush_subnormals && policy.divide_by_reciprocal && policy.plain_softplus);
  EXPECT_EQ(policy.special_values, num::SpecialValues::neural_engine);
  // Not of its class, or a product with a vector: the storage's rounding and nothing else.
  for (const OpQuery& other : {OpQuery{"", "Add", "elementwise", ir::ElemType::float32},
                               OpQuery{"", "MatMul", "contraction", ir::ElemType::float32, false}}) {
    num::Policy plain;
    plain.result = num::Rounding{num::format(num::FormatId::float16)};
    EXPECT_EQ(policy_for(*p, 0, other), plain);
  }
}

TEST(Profile, DeclaredTypesAreKept) {
  const auto p = parse(statement("set.result = \"float16 limit=32768\"\nset.step = \"float16\""));
  ASSERT_TRUE(p.ok());
  const auto policy = [&](ir::ElemType declared) { return policy_for(*p, 0, {"", "Add", "elementwise", declared}); };
  EXPECT_EQ(policy(ir::ElemType::float16).result->limit, 32768);
  EXPECT_FALSE(policy(ir::ElemType::bfloat16).result.has_value());
  EXPECT_FALSE(policy(ir::ElemType::bfloat16).step.has_value());
  EXPECT_EQ(policy(ir::ElemType::float64).compute, num::FormatId::float64);
  EXPECT_FALSE(policy(ir::ElemType::float64).result.has_value());
}

TEST(Profile, LaterStatementsOverrideFieldByField) {
  const auto p = parse(statement("set.bias = \"first\"\nset.operand = \"bfloat16\"") +
                       "[[statement]]\nmatch.op = \"Gemm\"\n" + "set.operand = \"tf32\"\n" + kEvidence);
  ASSERT_TRUE(p.ok());
  const auto gemm = policy_for(*p, 0, {"", "Gemm", "contraction", ir::ElemType::float32});
  EXPECT_EQ(gemm.bias, num::Bias::first);
  EXPECT_EQ(gemm.operand->format, num::format(num::FormatId::tf32));
  const auto conv = policy_for(*p, 0, {"", "Conv", "contraction", ir::ElemType::float32});
  EXPECT_EQ(conv.operand->format, num::format(num::FormatId::bfloat16));
}

TEST(Profile, VariantsAreCompleteAndOrdered) {
  const std::string text = statement("set.bias = \"first\"") + R"([[variant]]
name = "a"
doc = "as stated"
[[variant]]
name = "b"
doc = "wide"
storage = "float32"
weights = "float16"
[[variant.statement]]
set.bias = "after"
evidence.source = "there"
evidence.certainty = "inferred"
)";
  const auto p = parse(text);
  ASSERT_TRUE(p.ok()) << p.error().where << p.error().message;
  ASSERT_EQ(p->variants.size(), 2u);
  EXPECT_EQ(p->variants[0].storage.type, ir::ElemType::float16);
  EXPECT_EQ(p->variants[1].storage.type, ir::ElemType::float32);
  EXPECT_FALSE(p->variants[1].storage.results.has_value());
  EXPECT_TRUE(p->variants[1].storage.weights.has_value());
  EXPECT_EQ(p->variants[1].statements.size(), 2u);
  EXPECT_EQ(p->variants[1].own, 1u);
  const OpQuery conv{"", "Conv", "contraction", ir::ElemType::float32};
  EXPECT_EQ(policy_for(*p, 0, conv).bias, num::Bias::first);
  EXPECT_EQ(policy_for(*p, 1, conv).bias, num::Bias::after);
}

TEST(Profile, LikeTakesAnothersStatements) {
  const auto p = parse("name = \"mine\"\ndoc = \"d\"\nlike = \"f16-throughout\"\n");
  ASSERT_TRUE(p.ok()) << p.error().message;
  const OpQuery conv{"", "Conv", "contraction", ir::ElemType::float32};
  EXPECT_EQ(policy_for(*p, 0, conv), policy_for(*built_in_profile("f16-throughout"), 0, conv));
  EXPECT_EQ(p->storage, ir::ElemType::float16);
  EXPECT_NE(refusal("name = \"m\"\ndoc = \"d\"\nlike = \"f16-throughou\"\n").find("did you mean 'f16-throughout'?"),
            std::string::npos);
}

TEST(Profile, RefusesWithLineKeyAndSuggestion) {
  EXPECT_EQ(refusal(statement("set.acumulator = \"chain\"")),
            "my.toml:5 | statement[1].set.acumulator: unknown key 'acumulator' | did you mean 'accumulator'?");
  EXPECT_EQ(refusal(statement("set.operand = \"tf33\"")),
            "my.toml:5 | statement[1].set.operand: unknown format 'tf33' | did you mean 'tf32'?");
  EXPECT_EQ(refusal(statement("set.operand = \"tf32 nearest-evn\"")),
            "my.toml:5 | statement[1].set.operand: unknown rounding word 'nearest-evn' | did you mean 'nearest-even'?");
  EXPECT_EQ(refusal(statement("set.accumulator = { kind = \"chain\", block = 4 }")),
            "my.toml:5 | statement[1].set.accumulator.block: has no meaning for this kind of accumulator | "
            "docs/profiles.md describes every key");
  EXPECT_EQ(refusal(std::string(kHead) + "[[statement]]\nset.bias = \"after\"\n"),
            "my.toml:4 | statement[1]: 'evidence' is missing | say where this is known from: evidence.source, "
            "evidence.certainty");
  EXPECT_EQ(refusal(statement("match.class = \"contractions\"\nset.bias = \"after\"")),
            "my.toml:5 | statement[1].match.class: unknown class 'contractions' | did you mean 'contraction'?");
  EXPECT_NE(refusal("name = \"mine\"\ndoc = \"d\"\nstorrage = \"float16\"").find("my.toml:3 | storrage: unknown key"),
            std::string::npos);
  EXPECT_NE(refusal("name = \"mine\"\ndoc = \"d").find("my.toml:2"), std::string::npos);
}

TEST(Profile, RefusesWhatMakesNoSense) {
  for (const std::string& text : {
           std::string(),
           std::string("name = 3\ndoc = \"d\"\n"),
           std::string("name = \"Mine@x\"\ndoc = \"d\"\n"),
           std::string("name = \"mine\"\n"),
           std::string("name = \"mine\"\ndoc = \"\"\n"),
           std::string("name = \"mine\"\ndoc = \"d\"\nstorage = \"tf32\"\n"),
           std::string("name = \"mine\"\ndoc = \"d\"\nstorage = \"float16\"\ninputs = \"float32\"\n"),
           std::string("name = \"mine\"\ndoc = \"d\"\nstatement = 3\n"),
           std::string("name = \"mine\"\ndoc = \"d\"\nlike = \"mine\"\n"),
           statement(""),
           statement("set = {}"),
           statement("set.result = \"float32\""),
           statement("set.operand = \"\""),
           statement("set.operand = \"e1m3\""),
           statement("set.operand = \"e5m99999999999\""),
           statement("set.operand = \"float16 limit=nan\""),
           statement("set.operand = \"float16 limit=1e300\""),
           statement("set.operand = \"float16 limit=0.1\""),
           statement("set.accumulator = 4"),
           statement("set.accumulator = { block = 4 }"),
           statement("set.accumulator = { kind = \"lanes\", lanes = 3 }"),
           statement("set.accumulator = { kind = \"aligned\", block = 4000000000 }"),
           statement("set.accumulator = { kind = \"aligned\", block-rounding = \"tf32\" }"),
           statement("match.declared = \"int8\"\nset.bias = \"after\""),
           statement("match.op = [1]\nset.bias = \"after\""),
           statement("set.divide-by-reciprocal = \"yes\""),
           std::string(kHead) + "[[not-modelled]]\nwhat = \"w\"\n" + kEvidence,
           std::string(kHead) + "[[variant]]\nname = \"v\"\ndoc = \"d\"\n[[variant]]\nname = \"v\"\ndoc = \"d\"\n",
       })
    EXPECT_NE(refusal(text), "") << text;
  std::string many(kHead);
  for (int i = 0; i < 7; ++i) many += "[[variant]]\nname = \"v" + std::to_string(i) + "\"\ndoc = \"d\"\n";
  EXPECT_NE(refusal(many).find("more than six variants"), std::string::npos);
}

TEST(Profile, HostileFilesAreErrorsNotCrashes) {
  std::string dots = "a";
  for (int i = 0; i < 200000; ++i) dots += ".a";
  EXPECT_NE(refusal(dots + " = 1\n"), "");
  std::string nested;
  for (int i = 0; i < 480; ++i) nested += ".a";
  EXPECT_NE(refusal("x" + nested + " = 1\n[y" + nested + "]\nz" + nested + " = 2\n"), "");
  std::string brackets = "a = ";
  for (int i = 0; i < 900; ++i) brackets += "[";
  EXPECT_NE(refusal(brackets), "");
  EXPECT_NE(refusal(std::string(2 << 20, 'x')), "");
  for (const char* header : {"[=", "[[[x]]]", "[.a]", "[\"a", "a.=1", "[a.]", "= 1"})
    EXPECT_NE(refusal(header), "") << header;
  EXPECT_NE(refusal(std::string("name = \"\xff\xfe\"\n")), "");
  EXPECT_NE(refusal(std::string("name = \"a\0b\"\n", 13)), "");
}

/// Shipped files, damaged at random: each loads or is refused, and what loads can be used.
TEST(Profile, DamagedFilesAreRefusedOrLoad) {
  const char* const words[] = {"[[", "]]", "=", "\"", "{", "}", ".", "\n", "set.", "1e999", "'''", "\\u0000", ","};
  std::mt19937 random(1);
  const auto pick = [&](size_t n) { return static_cast<size_t>(random() % n); };
  for (int i = 0; i < 2000; ++i) {
    const BuiltIn& file = built_in_files()[pick(built_in_files().size())];
    std::string text(file.text.substr(0, 3000));
    for (size_t edits = 1 + pick(5); edits > 0; --edits) {
      const size_t at = pick(text.size());
      if (edits % 3 == 0)
        text[at] = static_cast<char>(random());
      else if (edits % 3 == 1)
        text.insert(at, words[pick(std::size(words))]);
      else
        text.erase(at, std::min(pick(20), text.size() - at - 1));
    }
    const auto profile = parse(text);
    if (!profile.ok()) {
      EXPECT_EQ(profile.error().code, Code::profile_invalid);
      continue;
    }
    for (size_t v = 0; v < profile->variants.size(); ++v) {
      policy_for(*profile, v, {"", "Conv", "contraction"});
      EXPECT_EQ(storage_only(*profile, v), !not_expressible(*profile, v).has_value());
    }
  }
}

/// The examples that the documents show.
TEST(Profile, WorkedExamplesOfTheDocumentsLoad) {
  for (const char* page : {"docs/profiles.md", "docs/adding-a-profile.md"}) {
    std::ifstream file(std::string(ASSAY_SOURCE_DIR) + "/" + page);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const size_t begin = text.find("```toml\n");
    ASSERT_NE(begin, std::string::npos) << page;
    const auto p = parse(text.substr(begin + 8, text.find("```\n", begin + 8) - begin - 8));
    EXPECT_TRUE(p.ok()) << page << " " << p.error().where << " " << p.error().message;
  }
}

/// docs/profiles.md names every setting, accumulator key and built-in profile's family.
TEST(Profile, TheDocumentNamesEverySetting) {
  std::ifstream file(std::string(ASSAY_SOURCE_DIR) + "/docs/profiles.md");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  for (const std::string& name : setting_names()) EXPECT_NE(text.find("| `" + name + "` |"), std::string::npos) << name;
  for (const std::string& word : certainties()) EXPECT_NE(text.find("| `" + word + "` |"), std::string::npos) << word;
}

TEST(BuiltIn, EveryProfileLoadsAndIsComplete) {
  const auto names = built_in_names();
  ASSERT_GE(names.size(), 37u);
  for (const Profile& p : built_in_profiles()) {
    ASSERT_FALSE(p.variants.empty()) << p.name << " " << p.doc;
    EXPECT_LE(p.variants.size(), kMaxVariants) << p.name;
    EXPECT_EQ(p.file, "profiles/" + p.name + ".toml");
    for (const Variant& v : p.variants)
      for (const Statement& s : v.statements) {
        EXPECT_NE(s.fields, 0u) << p.name;
        EXPECT_GE(s.evidence.source.size(), 10u) << p.name << ":" << s.line;
      }
  }
}

/// A variant that computes what another does would be run for nothing and hide what is open.
TEST(BuiltIn, VariantsDifferInWhatTheyCompute) {
  for (const Profile& p : built_in_profiles())
    for (size_t i = 0; i < p.variants.size(); ++i)
      for (size_t j = 0; j < i; ++j) {
        bool differ = p.variants[i].storage.type != p.variants[j].storage.type;
        for (const char* numeric : {"contraction", "reduction", "composite", "elementwise"})
          for (const char* op : {"MatMul", "ReduceSum", "Softmax", "Add", "Div"}) {
            const OpQuery query{"", op, numeric, ir::ElemType::float32};
            differ = differ || policy_for(p, i, query) != policy_for(p, j, query);
          }
        EXPECT_TRUE(differ) << p.name << ": " << p.variants[i].name << " and " << p.variants[j].name;
      }
}

TEST(BuiltIn, ThePrimaryCpuIsTheReference) {
  for (const char* numeric : {"contraction", "reduction", "composite", "elementwise", "exact", "convert"}) {
    const OpQuery query{"", "MatMul", numeric, ir::ElemType::float32};
    EXPECT_EQ(policy_for(*built_in_profile("strict-f32"), 0, query), num::Policy{});
    for (const char* name : {"cpu-f32", "coreml-nn-cpu", "coreml-mlprogram-f32-cpu", "pytorch-mps-f32"})
      EXPECT_EQ(policy_for(*built_in_profile(name), 0, query), num::Policy{}) << name;
  }
}

TEST(BuiltIn, IdentitiesTellWhatProfilesDo) {
  const auto identity = [](const std::string& text) { return identity_of(*parse(text)); };
  const auto variants = [](const std::string& second) {
    return std::string(kHead) + "[[variant]]\nname = \"a\"\ndoc = \"d\"\n[[variant]]\nname = \"b\"\ndoc = \"d\"\n" +
           second;
  };
  const std::string plain = identity(variants(""));
  EXPECT_EQ(plain.size(), 16u);
  EXPECT_EQ(plain, identity(variants("")));
  EXPECT_NE(plain, identity(variants("storage = \"bfloat16\"\n")));
  EXPECT_NE(plain, identity(variants("inputs = \"float16 toward-zero\"\n")));
  EXPECT_NE(plain, identity(variants("weights = \"float16 toward-zero\"\n")));
  EXPECT_NE(identity(statement("set.bias = \"first\"")), identity(statement("set.bias = \"after-store\"")));
  EXPECT_NE(identity(statement("set.bias = \"first\"")),
            identity(statement("match.class = [\"contraction\"]\nset.bias = \"first\"")));
  std::set<std::string> seen;
  for (const Profile& p : built_in_profiles()) EXPECT_TRUE(seen.insert(identity_of(p)).second) << p.name;
}

TEST(BuiltIn, FindSuggests) {
  const ProfileSet set;
  EXPECT_TRUE(set.find("strict-f32").ok());
  const auto missing = set.find("strict-f23");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, Code::unknown_profile);
  EXPECT_EQ(missing.error().fix, "did you mean 'strict-f32'?");
}

TEST(BuiltIn, UsersAddTheirOwn) {
  const std::string path = ::testing::TempDir() + "profile_test_mine.toml";
  std::ofstream(path) << statement("set.bias = \"first\"");
  ProfileSet set;
  ASSERT_TRUE(set.add_file(path).ok());
  EXPECT_TRUE(set.find("mine").ok());
  const auto again = set.add_file(path);
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code, Code::profile_invalid);
  std::remove(path.c_str());
  EXPECT_EQ(set.add_file(path).error().code, Code::file_missing);
}

TEST(BuiltIn, WhatPlainOnnxCanSay) {
  for (const char* name : {"strict-f32", "f16-storage", "bf16-storage"})
    EXPECT_TRUE(storage_only(*built_in_profile(name), 0)) << *not_expressible(*built_in_profile(name), 0);
  const auto why = not_expressible(*built_in_profile("f16-throughout"), 0);
  ASSERT_TRUE(why.has_value());
  EXPECT_EQ(why->find("every operation: accumulator = "), 0u) << *why;
  EXPECT_TRUE(not_expressible(*built_in_profile("f64"), 0).has_value());
}

}  // namespace
}  // namespace assay::profiles
