// What is written is what the format's own tools write, byte for byte where bytes are told; what is read comes back.
#include <gtest/gtest.h>

#include "coreml/file/testing.h"

namespace assay::coreml {
namespace {
using namespace testing;
using mil::DataType;
using mil::Type;
using mil::Value;

const std::string kModelFile = "/Data/com.apple.CoreML/model.mlmodel";
const std::string kWeightFile = "/Data/com.apple.CoreML/weights/weight.bin";

Value blob(DataType type, std::vector<int64_t> dims, const std::string& bytes) {
  Value v;
  v.type = Type::tensor(type, std::move(dims));
  v.content = mil::Payload::copy(std::as_bytes(std::span(bytes)));
  v.in_file = true;
  return v;
}

/// A program of constants alone.
mil::Model constants(const std::vector<Value>& values) {
  mil::Block block;
  for (const Value& v : values) {
    mil::Operation op;
    op.type = "const";
    op.outputs.push_back({"v" + std::to_string(block.operations.size()), v.type});
    op.attributes.emplace_back("val", v);
    block.operations.push_back(op);
  }
  mil::Function function;
  function.opset = "CoreML5";
  function.blocks.emplace_back("CoreML5", block);
  mil::Program program;
  program.functions.emplace_back("main", function);
  mil::Model model;
  model.description.main.inputs.push_back({.name = "x"});
  model.content = program;
  return model;
}

const mil::Block& block_of(const mil::Model& model) {
  return *std::get<mil::Program>(model.content).functions[0].second.body();
}

TEST(RoundTrip, WeightFileVectors) {
  std::vector<float> floats(12);
  for (size_t i = 0; i < floats.size(); ++i) floats[i] = static_cast<float>(i);
  const std::vector<int8_t> bytes = {-5, -4, -3, -2, -1, 0, 1, 2, 3, 4};
  const mil::Model model =
      constants({blob(DataType::float32, {3, 4}, raw(floats)), blob(DataType::int8, {10}, raw(bytes)),
                 blob(DataType::uint4, {5}, "\x21\x43\x05"), blob(DataType::uint3, {9}, "\xd1\x58\x1f\x01"),
                 blob(DataType::int4, {5}, "\xf8\x70\x03")});
  const Folder folder;
  ASSERT_EQ(code_of(write_model(model, folder.path("m.mlpackage"))), Code{});
  std::string expected = header(5);
  expected = at(expected, 64, record(2, 48, 128) + raw(floats));
  expected = at(expected, 192, record(4, 10, 256) + raw(bytes));
  expected = at(expected, 320, record(11, 3, 384, 4) + "\x21\x43\x05");
  expected = at(expected, 448, record(12, 4, 512, 5) + "\xd1\x58\x1f\x01");
  expected = at(expected, 576, record(8, 3, 640, 4) + "\xf8\x70\x03");
  ASSERT_EQ(expected.size(), 643U);
  EXPECT_EQ(folder.read("m.mlpackage" + kWeightFile), expected);
  const auto again = read_model(folder.path("m.mlpackage"));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(block_of(*again).operations[3].attributes[0].second.offset, 448U);
  EXPECT_EQ(block_of(*again).operations[0].attributes[0].second.floats()[11], 11);
}

TEST(RoundTrip, IdenticalConstantsShareARecord) {
  const std::string a = raw<float>({1, 2, 3}), b = raw<float>({1, 2, 4});
  // The last one has the bytes of the first, but is of another type.
  const mil::Model model =
      constants({blob(DataType::float32, {3}, a), blob(DataType::float32, {3}, b), blob(DataType::float32, {1, 3}, a),
                 blob(DataType::int32, {3}, a), blob(DataType::float32, {3}, b)});
  const Folder folder;
  ASSERT_EQ(code_of(write_model(model, folder.path("m.mlpackage"))), Code{});
  const std::string weights = folder.read("m.mlpackage" + kWeightFile);
  EXPECT_EQ(weights.substr(0, 4), raw<uint32_t>({3}));
  EXPECT_EQ(weights.size(), 64U + 2 * 128 + 64 + 12);
  const auto again = read_model(folder.path("m.mlpackage"));
  ASSERT_TRUE(again.ok());
  std::vector<uint64_t> offsets;
  for (const mil::Operation& op : block_of(*again).operations) offsets.push_back(op.attributes[0].second.offset);
  EXPECT_EQ(offsets, (std::vector<uint64_t>{64, 192, 64, 320, 192}));
}

TEST(RoundTrip, ADroppedDuplicateLeavesNothingBehind) {
  const std::string big(1000, '\x7f');
  const mil::Model model = constants({blob(DataType::uint8, {1000}, big), blob(DataType::uint8, {1000}, big),
                                      blob(DataType::uint8, {3}, "abc"), blob(DataType::uint8, {2}, "de")});
  const Folder folder;
  ASSERT_EQ(code_of(write_model(model, folder.path("m.mlpackage"))), Code{});
  std::string expected = header(3);
  expected = at(expected, 64, record(3, 1000, 128) + big);
  expected = at(expected, 1152, record(3, 3, 1216) + "abc");
  expected = at(expected, 1280, record(3, 2, 1344) + "de");
  EXPECT_EQ(folder.read("m.mlpackage" + kWeightFile), expected);
}

TEST(RoundTrip, StreamedConstants) {
  Value v = blob(DataType::float32, {6}, "");
  int runs = 0;
  v.content = mil::Payload::stream(24, [&runs](const mil::Payload::Sink& sink) -> Status {
    ++runs;
    for (const float part : {1.0F, 2.0F, 3.0F}) {
      const float pair[2] = {part, -part};
      ASSAY_CHECK(sink(std::as_bytes(std::span(pair))));
    }
    return {};
  });
  Value small = v;
  small.in_file = false;
  const Folder folder;
  ASSERT_EQ(code_of(write_model(constants({v, small}), folder.path("m.mlpackage"))), Code{});
  EXPECT_EQ(runs, 2);
  const auto again = read_model(folder.path("m.mlpackage"));
  ASSERT_TRUE(again.ok());
  for (const mil::Operation& op : block_of(*again).operations)
    EXPECT_EQ(op.attributes[0].second.floats(), (std::vector<double>{1, -1, 2, -2, 3, -3}));
  v.content = mil::Payload::stream(20, std::get<mil::Payload>(v.content).source);
  EXPECT_FALSE(write_model(constants({v}), folder.path("n.mlpackage")).ok());
  EXPECT_EQ(folder.count(), 1U) << "no partial output";
}

/// x[1,3] fp16 plus a constant of the weight file; 313 bytes as protoc encodes it.
std::string minimal_model() {
  const std::string type = tensor(10, {1, 3});
  const std::string add = str(1, "add") + bound("x", "x") + bound("y", "w") + str(3, named("y", type)) +
                          str(5, entry("name", string_value("y")));
  const std::string block = str(2, "y") + str(3, const_op("w", type, blob_value(type, 64))) + str(3, add);
  const std::string feature = str(3, str(5, str(1, varint(1) + varint(3)) + num(2, 65552)));
  const std::string description = str(1, str(1, "x") + feature) + str(10, str(1, "y") + feature);
  return program_model(block, str(1, named("x", type)), description);
}

TEST(RoundTrip, MinimalProgram) {
  const std::string bytes = minimal_model();
  EXPECT_EQ(bytes.size(), 313U);
  const std::string weights = header(1) + record(1, 6, 128) + "abcdef";
  const Folder folder;
  const auto model = read_model(folder.package(bytes, weights));
  ASSERT_TRUE(model.ok()) << model.error().message;
  EXPECT_EQ(mil::content_name(*model), "mlProgram");
  EXPECT_EQ(block_of(*model).operations[1].type, "add");
  ASSERT_EQ(code_of(write_model(*model, folder.path("copy.mlpackage"))), Code{});
  EXPECT_EQ(folder.read("copy.mlpackage" + kModelFile), bytes);
  EXPECT_EQ(folder.read("copy.mlpackage" + kWeightFile), weights);
  // float16 arrays and operator set CoreML6 need version 7.
  EXPECT_EQ(code_of(write_model(*model, folder.path("old.mlpackage"), {6})), Code::not_convertible);
  EXPECT_EQ(code_of(write_model(*model, folder.path("new.mlpackage"), {99})), Code::usage);
  EXPECT_EQ(code_of(write_model(*model, folder.path("m.mlmodel"))), Code::not_convertible);
  EXPECT_EQ(code_of(write_model(*model, folder.path("m.onnx"))), Code::usage);
  EXPECT_EQ(folder.count(), 2U);
}

TEST(RoundTrip, UnknownFieldsStay) {
  const std::string unknown = str(4000, "later");
  const std::string params = num(1, 3) + unknown + str(20, str(1, raw<float>({1, 2})) + unknown);
  const std::string layer = str(1, "l") + str(2, "x") + str(3, "y") + str(140, params) + unknown;
  const std::string network = str(1, layer) + num(5, 1) + str(10, "update") + unknown;
  const std::string feature = str(1, "x") + str(3, num(1000, 1) + unknown) + unknown;
  const std::string description = str(1, feature) + unknown;
  const std::string bytes = num(1, 4) + str(2, description) + str(500, network) + unknown;
  const Folder folder;
  const auto model = read_model(folder.write("a.mlmodel", bytes));
  ASSERT_TRUE(model.ok()) << model.error().message;
  const auto& net = std::get<mil::NetworkModel>(model->content).network;
  EXPECT_EQ(net.layers[0].params.weights("weights").floats.size, 8U);
  ASSERT_EQ(code_of(write_model(*model, folder.path("b.mlmodel"))), Code{});
  const std::string first = folder.read("b.mlmodel");
  size_t found = 0;
  for (size_t i = first.find("later"); i != std::string::npos; i = first.find("later", i + 1)) ++found;
  EXPECT_EQ(found, 8U);
  const auto second = read_model(folder.path("b.mlmodel"));
  ASSERT_TRUE(second.ok());
  ASSERT_EQ(code_of(write_model(*second, folder.path("c.mlmodel"))), Code{});
  EXPECT_EQ(folder.read("c.mlmodel"), first);
}

TEST(RoundTrip, SeveralUnknownDimensionsStay) {
  const std::string variadic = str(1, num(1, 11) + num(2, 2) + dim(4) + str(3, str(2, num(1, 1))));
  const std::string bytes = program_model(str(2, "x"), str(1, named("x", variadic)), str(1, str(1, "x")));
  const Folder folder;
  const auto model = read_model(folder.package(bytes, header(0)));
  ASSERT_TRUE(model.ok());
  EXPECT_FALSE(std::get<mil::Program>(model->content).functions[0].second.inputs[0].type.dims.has_value());
  ASSERT_EQ(code_of(write_model(*model, folder.path("b.mlpackage"))), Code{});
  const std::string first = folder.read("b.mlpackage" + kModelFile);
  EXPECT_NE(first.find(str(3, str(2, num(1, 1)))), std::string::npos);
  ASSERT_EQ(code_of(write_model(*read_model(folder.path("b.mlpackage")), folder.path("b.mlpackage"))), Code{});
  EXPECT_EQ(folder.read("b.mlpackage" + kModelFile), first);
}

TEST(RoundTrip, OtherKindsAreNamedAndPassedOn) {
  const std::string bytes = num(1, 3) + str(2, str(1, str(1, "x"))) + str(302, "some trees");
  const Folder folder;
  const auto model = read_model(folder.write("a.mlmodel", bytes));
  ASSERT_TRUE(model.ok());
  EXPECT_EQ(mil::content_name(*model), "treeEnsembleRegressor");
  ASSERT_EQ(code_of(write_model(*model, folder.path("b.mlmodel"))), Code{});
  EXPECT_EQ(folder.read("b.mlmodel"), bytes);
}

}  // namespace
}  // namespace assay::coreml
