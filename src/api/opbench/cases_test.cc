#include "api/opbench/cases.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "api/opbench/differ.h"
#include "api/opbench/model.h"
#include "ops/def.h"

namespace assay::api::opbench {
namespace {

constexpr std::string_view kDomains[] = {"", "ai.onnx.ml", "ai.onnx.preview.training", "com.microsoft"};

std::string plain_name(const Case& c) {
  Case unlabelled = c;
  unlabelled.label.clear();
  return name_of(unlabelled);
}

TEST(OpBench, EveryOperatorThatRunsHasACaseOrAReason) {
  std::set<std::string, std::less<>> known;
  for (const Case& c : cases()) known.insert(plain_name(c));
  for (const Unposed& u : unposed()) EXPECT_TRUE(known.emplace(u.op).second) << u.op << " has a case too";
  std::set<std::string, std::less<>> rows;
  for (const ops::OpDef* row : ops::op_table()) {
    const std::string domain(row->domain), name = domain + (domain.empty() ? "" : ".") + std::string(row->name);
    rows.insert(name);
    const bool timed = row->eval && std::ranges::find(kDomains, row->domain) != std::end(kDomains);
    EXPECT_TRUE(!timed || known.contains(name)) << name << " is not timed";
  }
  for (const std::string& name : known) EXPECT_TRUE(rows.contains(name)) << "there is no " << name;
}

TEST(OpBench, NamesTellCasesApart) {
  std::set<std::string> names;
  for (const Case& c : cases()) EXPECT_TRUE(names.insert(name_of(c)).second) << name_of(c);
}

TEST(OpBench, EveryCaseIsAModel) {
  for (const Case& c : cases()) {
    const auto model = make_model(c);
    ASSERT_TRUE(model.ok()) << name_of(c) << ": " << model.error().message << " at " << model.error().where;
    EXPECT_FALSE(model->onnx.empty());
  }
}

ir::Tensor floats(std::vector<float> values) {
  return ir::Tensor::of<float>(ir::ElemType::float32, {static_cast<int64_t>(values.size())}, values);
}
ir::Tensor codes(std::vector<uint8_t> values) {
  return ir::Tensor::of<uint8_t>(ir::ElemType::uint8, {static_cast<int64_t>(values.size())}, values);
}

TEST(OpBench, DifferencesAreMeasuredAgainstTheLargestElement) {
  const Case c{.op = "Neg", .operands = "", .tolerance = 1e-3};
  const ir::Tensor theirs = floats({1000, 0}), near = floats({1000, 0.9F}), far = floats({1000, 1.1F});
  EXPECT_EQ(difference(c, {&near, 1}, {&theirs, 1}), "");
  EXPECT_EQ(difference(c, {&far, 1}, {&theirs, 1}), "output 0: element 1 is 1.10000002, not 0");
  const ir::Tensor other = codes({1, 2});
  EXPECT_EQ(difference(c, {&other, 1}, {&theirs, 1}), "output 0: is uint8[2], not float32[2]");
}

TEST(OpBench, NeighbouringCodesAreTheSameWhereTheCaseSaysSo) {
  const ir::Tensor a = codes({1, 2}), b = codes({1, 3});
  EXPECT_EQ(difference({.op = "x", .operands = "", .check = Check::codes}, {&a, 1}, {&b, 1}), "");
  EXPECT_NE(difference({.op = "x", .operands = ""}, {&a, 1}, {&b, 1}), "");
  EXPECT_EQ(difference({.op = "x", .operands = "", .check = Check::type}, {&a, 1}, {&b, 1}), "");
}

}  // namespace
}  // namespace assay::api::opbench
