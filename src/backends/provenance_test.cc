#include "backends/provenance.h"

#include <gtest/gtest.h>

#include <vector>

namespace assay::backends {
namespace {

const std::string kHash(64, 'a');

std::string provenance(const std::string& inputs) {
  return R"({"assay_recording":1,"host":{"system":"macOS 14","machine":"arm64","later":[1]},"python":"3.9",)"
         R"("runtime":{"name":"coremltools","version":"8","options":[["compute_units","ALL"]]},"model":null,)"
         R"("converted_from":{"name":"m.onnx","sha256":")" +
         kHash + R"("},"first_sample":7,"inputs":[)" + inputs + "]}";
}

TEST(Provenance, IsRead) {
  const auto read = parse_provenance(provenance(R"({"name":"x","type":"float32","shape":[2,3],"by_rows":true,)"
                                                R"("sha256":")" +
                                                kHash + R"(","rows":"00000000000000010fffffffffffffff"})"),
                                     "r.npz");
  ASSERT_TRUE(read.ok()) << read.error().message;
  const std::vector<Recording::Fact> facts = {{"system", "macOS 14"},  {"machine", "arm64"}, {"runtime", "coremltools"},
                                              {"version", "8"},        {"python", "3.9"},    {"source", "m.onnx"},
                                              {"source_sha256", kHash}};
  EXPECT_EQ(read->recording.facts, facts);
  EXPECT_EQ(read->recording.options, (std::vector<Recording::Fact>{{"compute_units", "ALL"}}));
  EXPECT_EQ(read->model, "");
  EXPECT_EQ(read->source, kHash);
  EXPECT_EQ(read->first_sample, 7U);
  ASSERT_EQ(read->inputs.size(), 1U);
  EXPECT_EQ(read->inputs[0].hash.rows, (std::vector<uint64_t>{1, 0x0fffffffffffffff}));
}

TEST(Provenance, NamesThePlaceOfWhatIsWrong) {
  const auto error = parse_provenance(provenance(R"({"name":"x","type":3})"), "r.npz").error();
  EXPECT_EQ(error.code, Code::data_malformed);
  EXPECT_EQ(error.where, "r.npz");
  EXPECT_NE(error.message.find("at inputs[0].type text is wanted"), std::string::npos) << error.message;
}

// The same numbers as Python's hashlib gives for the definition in docs/recording.md.
TEST(Provenance, HashesOfArrays) {
  const std::vector<float> values = {1, 2, 3, 4};
  const auto tensor =
      ir::Tensor::view(ir::ElemType::float32, {2, 2}, reinterpret_cast<const std::byte*>(values.data()), nullptr);
  const ArrayHash rows = *hash_array({"x", tensor}, true, nullptr);
  EXPECT_EQ(rows.sha256, "d781582a8cfec8ded2552778e797b031373fd1d2a660132bd9dc6439bce00842");
  EXPECT_EQ(rows.rows, (std::vector<uint64_t>{0xb9c80b5adeca4507, 0x986c627ee6ef1bcc}));
  EXPECT_EQ(hash_array({"x", tensor}, false, nullptr)->sha256,
            "207e8d3b8e37189e128c948060f461a52e7ec3765cdfd1d61d0683aa6a86a750");
  const Threads threads(3);
  EXPECT_EQ(hash_array({"x", tensor}, true, &threads)->sha256, rows.sha256);
  EXPECT_EQ(hash_array({"x", ir::Tensor::of_strings({2}, {"a", "b"})}, true, nullptr)->sha256,
            "5ba104686f34110dfe9eb78c6ecf52fc132d8b265f1864d57d11625f5ce32287");
}

TEST(Provenance, PlaceOfThePartAtHand) {
  EXPECT_EQ(place_in_recording(0, 10, 0, 10), 0U);
  EXPECT_EQ(place_in_recording(0, 10, 500, 10), 0U);  // a recording of that part
  EXPECT_EQ(place_in_recording(0, 10, 4, 6), 4U);
  EXPECT_EQ(place_in_recording(3, 10, 4, 6), 1U);
  EXPECT_FALSE(place_in_recording(3, 10, 2, 6));
  EXPECT_FALSE(place_in_recording(0, 10, 5, 6));
  EXPECT_FALSE(place_in_recording(0, 10, SIZE_MAX, 6));
  EXPECT_FALSE(place_in_recording(0, 10, 0, 11));
}

}  // namespace
}  // namespace assay::backends
