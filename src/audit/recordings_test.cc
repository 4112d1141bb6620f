#include "audit/recordings.h"

#include <gtest/gtest.h>

#include <vector>

#include "backends/provenance.h"
#include "backends/recorded.h"
#include "base/output_file.h"

namespace assay::audit {
namespace {
using backends::Provenance;
using backends::RecordedProgram;

ir::Tensor numbers(int64_t first, int64_t samples) {
  ir::Tensor out = ir::Tensor::allocate(ir::ElemType::int64, {samples, 2});
  for (int64_t i = 0; i < out.size(); ++i) out.set_int(i, 2 * first + i);
  return out;
}

// Of ten samples of x.
Provenance provenance() {
  Provenance out;
  const ir::Tensor x = numbers(0, 10);
  out.inputs.push_back({"x", "int64", x.dims(), true, *backends::hash_array({"x", x}, true, nullptr)});
  return out;
}

struct Checked {
  Status status;
  Warnings warnings;
};

Checked check(std::optional<Provenance> recorded, const Arrays& data, size_t first = 0,
              const std::vector<std::string>& files = {}) {
  const auto program = RecordedProgram::create("recorded:r.npz", {{"y", numbers(0, 10)}}, std::move(recorded));
  backends::Program* const programs[] = {program->get()};
  Checked out;
  out.status =
      check_recordings(programs, {.files = files, .data = &data, .first_sample = first}, nullptr, out.warnings);
  return out;
}

TEST(Recordings, TheSameDataAndPartsOfItPass) {
  for (const auto& [first, count] : {std::pair(0, 10), {0, 4}, {4, 6}, {9, 1}}) {
    const Checked checked = check(provenance(), {{"x", numbers(first, count)}}, static_cast<size_t>(first));
    EXPECT_TRUE(checked.status.ok()) << first;
    EXPECT_TRUE(checked.warnings.empty());
  }
  EXPECT_TRUE(check(provenance(), {{"under_another_name", numbers(0, 10)}}).status.ok());
}

TEST(Recordings, OtherDataIsRefused) {
  for (const auto& [first, count, place] : {std::tuple(1, 10, 0), {0, 4, 1}, {4, 6, 5}, {0, 11, 0}})
    EXPECT_EQ(check(provenance(), {{"x", numbers(first, count)}}, static_cast<size_t>(place)).status.error().code,
              Code::record_mismatch)
        << first;
  EXPECT_EQ(check(provenance(), {{"z", numbers(1, 10)}}).status.error().code, Code::record_mismatch);
  EXPECT_EQ(check(provenance(), {{"x", numbers(0, 10).reshaped({20})}}).status.error().code, Code::record_mismatch);
}

TEST(Recordings, WhatIsNotSaidIsWarnedOf) {
  const Checked bare = check(std::nullopt, {{"x", numbers(0, 10)}});
  ASSERT_EQ(bare.warnings.size(), 1U);
  EXPECT_EQ(bare.warnings[0].code, Code::record_unproven);
  EXPECT_EQ(check(Provenance(), {{"x", numbers(0, 10)}}).warnings.size(), 1U);
  Provenance whole = provenance();
  whole.inputs[0].hash.rows.clear();
  EXPECT_TRUE(check(whole, {{"x", numbers(0, 10)}}).warnings.empty());
  EXPECT_EQ(check(whole, {{"x", numbers(0, 4)}}).warnings.size(), 1U);
  EXPECT_TRUE(check(provenance(), {}).warnings.empty()) << "nothing is at hand";
}

TEST(Recordings, OneFileOfTheCommandIsTheModelOrItsSource) {
  const std::string mine = testing::TempDir() + "/mine", other = testing::TempDir() + "/other";
  ASSERT_TRUE(write_file(mine, "a model").ok());
  ASSERT_TRUE(write_file(other, "another").ok());
  const Arrays data = {{"x", numbers(0, 10)}};
  Provenance recorded = provenance();
  EXPECT_EQ(check(recorded, data, 0, {mine}).warnings.size(), 1U);
  recorded.model = *sha256_of_path(mine);
  EXPECT_TRUE(check(recorded, data, 0, {other, mine}).status.ok());
  const Status refused = check(recorded, data, 0, {other}).status;
  EXPECT_EQ(refused.error().code, Code::record_mismatch);
  EXPECT_NE(refused.error().message.find(recorded.model.substr(0, 12)), std::string::npos);
  recorded.source = *sha256_of_path(other);
  EXPECT_TRUE(check(recorded, data, 0, {other}).status.ok());
}

}  // namespace
}  // namespace assay::audit
