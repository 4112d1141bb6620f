// Files that lie: each is an error with the right code, never a crash (run under asan and ubsan too).
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "onnx/import.h"
#include "onnx/test_bytes.h"
#include "ops/propagate.h"

namespace assay::onnx {
namespace {
using namespace bytes;
namespace fs = std::filesystem;

const std::string kX = str(11, value("x", tensor_type(1, dim(2))));
const std::string kY = str(12, value("y", ""));
const std::string kCopy = str(1, node("Identity", {"x"}, {"y"}));

Result<ir::Graph> import(const std::string& bytes) {
  Warnings warnings;
  return import_bytes(std::as_bytes(std::span(bytes)), warnings);
}
Code code_of(const std::string& bytes) {
  const auto g = import(bytes);
  return g.ok() ? Code{} : g.error().code;
}
/// A model with one initializer, which is its output too.
std::string with_tensor(const std::string& t) { return model(str(5, t) + str(12, value("t", ""))); }

TEST(Hostile, Bytes) {
  const std::string good = model(kCopy + kX + kY);
  ASSERT_TRUE(import(good).ok());
  EXPECT_EQ(code_of(""), Code::model_invalid);
  EXPECT_EQ(code_of("\xff\xff\xff"), Code::file_malformed);
  EXPECT_EQ(code_of(std::string("\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11)),
            Code::file_malformed);                                              // length 2^64-1
  EXPECT_EQ(code_of(good + std::string("\x00\x01", 2)), Code::file_malformed);  // field 0
  EXPECT_EQ(code_of(good + "\x0b"), Code::file_malformed);                      // a group
  EXPECT_EQ(code_of(good + num(7, 1)), Code::file_malformed);                   // graph as number
  std::string deep = tensor_type(1, dim(1));
  for (int i = 0; i < 200; ++i) deep = str(4, str(1, deep));  // sequences of sequences
  EXPECT_EQ(code_of(model(kCopy + str(11, value("x", deep)) + kY)), Code::limit_exceeded);
}

TEST(Hostile, FlippedBytesAreAnErrorOrAModel) {
  const std::string weights = tensor("w", 1, {2}, str(9, raw<float>({1, 2})));
  std::string bytes = model(str(5, weights) + kCopy + kX + kY);
  for (size_t i = 0; i < bytes.size(); ++i) {
    for (const char c : {'\x00', '\x7f', '\xff'}) {
      const char old = std::exchange(bytes[i], c);
      const auto g = import(bytes);
      if (!g.ok()) {
        EXPECT_NE(g.error().code, Code::internal) << i;
      }
      bytes[i] = old;
    }
  }
}

TEST(Hostile, Versions) {
  EXPECT_EQ(code_of(model(kCopy + kX + kY, 2)), Code::model_invalid);
  EXPECT_EQ(code_of(model(kCopy + kX + kY, 15)), Code::opset_unsupported);
  EXPECT_EQ(code_of(model(kCopy + kX + kY, 8, 29)), Code::opset_unsupported);
  EXPECT_EQ(code_of(model(kCopy + kX + kY, 8, 0)), Code::model_invalid);
  EXPECT_EQ(code_of(num(1, 8) + str(7, kCopy + kX + kY)), Code::model_invalid);  // no operator set
}

TEST(Hostile, Tensors) {
  const std::string two = str(9, raw<float>({1, 2}));
  EXPECT_TRUE(import(with_tensor(tensor("t", 1, {2}, two))).ok());
  EXPECT_EQ(code_of(with_tensor(tensor("t", 1, {3}, two))), Code::model_invalid);
  EXPECT_EQ(code_of(with_tensor(tensor("t", 1, {-2}, two))), Code::model_invalid);
  EXPECT_EQ(code_of(with_tensor(tensor("t", 0, {2}, two))), Code::model_invalid);
  EXPECT_EQ(code_of(with_tensor(tensor("t", 27, {2}, two))), Code::model_invalid);
  EXPECT_EQ(code_of(with_tensor(tensor("t", 8, {2}, two))), Code::model_invalid);  // raw strings
  EXPECT_EQ(code_of(with_tensor(tensor("t", 1, {int64_t{1} << 40, int64_t{1} << 40}, two))), Code::limit_exceeded);
  EXPECT_EQ(code_of(with_tensor(tensor("t", 1, {int64_t{1} << 62, 0}, two))),
            Code::model_invalid);  // data, no elements
  EXPECT_EQ(code_of(with_tensor(tensor("t", 1, {2}, ""))), Code::model_invalid);
  EXPECT_EQ(code_of(with_tensor(tensor("t", 1, {2}, two + str(4, raw<float>({1, 2}))))), Code::model_invalid);
  EXPECT_EQ(code_of(with_tensor(tensor("t", 7, {int64_t{1} << 40}, str(7, "\x01")))), Code::model_invalid);
  EXPECT_EQ(code_of(with_tensor(tensor("t", 7, {1}, str(7, "\x81")))), Code::model_invalid);  // cut varint
  EXPECT_EQ(code_of(with_tensor(tensor("t", 1, std::vector<int64_t>(65, 1), two))), Code::limit_exceeded);
}

TEST(Hostile, SparseTensors) {
  const auto sparse = [](std::vector<int64_t> indices, std::vector<int64_t> dims) {
    std::string s = str(1, tensor("t", 1, {2}, str(9, raw<float>({1, 2})))) +
                    str(2, tensor("", 7, {static_cast<int64_t>(indices.size())}, str(9, raw(indices))));
    for (const int64_t d : dims) s += num(3, static_cast<uint64_t>(d));
    return model(str(15, s) + str(12, value("t", "")));
  };
  const auto g = import(sparse({1, 5}, {2, 3}));
  ASSERT_TRUE(g.ok()) << g.error().message;
  EXPECT_EQ(g->at(g->outputs[0]).constant->float_at(5), 2.0);
  EXPECT_EQ(g->at(g->outputs[0]).constant->float_at(0), 0.0);
  EXPECT_EQ(code_of(sparse({1, 6}, {2, 3})), Code::model_invalid);
  EXPECT_EQ(code_of(sparse({5, 1}, {2, 3})), Code::model_invalid);
  EXPECT_EQ(code_of(sparse({-1, 1}, {2, 3})), Code::model_invalid);
  EXPECT_EQ(code_of(sparse({1}, {2, 3})), Code::model_invalid);
  EXPECT_EQ(code_of(sparse({0, 1}, {int64_t{1} << 32, int64_t{1} << 32})), Code::limit_exceeded);
  EXPECT_EQ(code_of(sparse({0, 1}, {int64_t{1} << 32})), Code::limit_exceeded);
}

TEST(Hostile, Graphs) {
  EXPECT_EQ(code_of(model(kCopy + kCopy + kX + kY)), Code::model_invalid);  // y twice
  EXPECT_EQ(code_of(model(kCopy + kX + kX + kY)), Code::model_invalid);     // x twice
  EXPECT_EQ(code_of(model(str(1, node("Identity", {"z"}, {"y"})) + kX + kY)), Code::model_invalid);
  EXPECT_EQ(code_of(model(str(1, node("Identity", {"b"}, {"a"})) + str(1, node("Identity", {"a"}, {"b"})) + kX +
                          str(12, value("b", "")))),
            Code::model_invalid);  // a cycle
  EXPECT_EQ(code_of(model(kCopy + kX + str(12, value("q", "")))), Code::model_invalid);
  EXPECT_EQ(code_of(model(kCopy + str(11, value("x", "")) + kY)), Code::model_invalid);
  EXPECT_EQ(code_of(model(kCopy + str(11, value("x", str(7, ""))) + kY)), Code::type_unsupported);
  std::string body = str(12, value("x", ""));
  for (int i = 0; i < 30; ++i)
    body =
        str(1, node("If", {}, {"i" + std::to_string(i)}, str(5, str(1, "g") + str(6, body)))) + str(12, value("x", ""));
  EXPECT_EQ(code_of(model(body + kX + kCopy + kY)), Code::limit_exceeded);
}

std::string function(const std::string& name, const std::string& nodes) {
  return str(25, str(1, name) + str(4, "a") + str(5, "b") + nodes + str(9, str(1, "") + num(2, 17)) + str(10, "f"));
}
std::string call(const std::string& name, const std::string& in, const std::string& out) {
  return node(name, {in}, {out}, str(7, "f"));
}

TEST(Functions, AreInlinedWithTheCallersNames) {
  const std::string g = str(1, call("Twice", "x", "y") + str(3, "call")) + kX + kY;
  const auto model_of =
      import(model(g, 8, 17,
                   function("Twice", str(7, call("Once", "a", "t")) + str(7, call("Once", "t", "b"))) +
                       function("Once", str(7, node("Identity", {"a"}, {"b"})))));
  ASSERT_TRUE(model_of.ok()) << model_of.error().message;
  ASSERT_EQ(model_of->ops.size(), 2U);
  EXPECT_EQ(model_of->at(model_of->ops[0].outputs[0]).name, "call/t");
  EXPECT_EQ(model_of->at(model_of->outputs[0]).name, "y");
  EXPECT_EQ(model_of->ops[1].outputs[0], model_of->outputs[0]);
}

TEST(Functions, AttributesComeFromTheCallOrTheDefault) {
  const auto attr = [](const std::string& name, int64_t i) {
    return str(1, name) + num(3, static_cast<uint64_t>(i)) + num(20, 2);
  };
  const std::string inner = node("Concat", {"a", "a"}, {"b"}, str(5, str(1, "axis") + str(21, "where") + num(20, 2)));
  const std::string f = function("F", str(7, inner) + str(11, attr("where", 3)));
  const auto axis = [&](const std::string& given) {
    const auto g = import(model(str(1, call("F", "x", "y") + given) + kX + kY, 8, 17, f));
    return g.ok() ? g->ops[0].attr_int("axis", -1) : -2;
  };
  EXPECT_EQ(axis(""), 3);
  EXPECT_EQ(axis(str(5, attr("where", 1))), 1);
}

TEST(Functions, CannotEatTheMachine) {
  const std::string g = str(1, call("A", "x", "y")) + kX + kY;
  EXPECT_EQ(code_of(model(g, 8, 17, function("A", str(7, call("A", "a", "b"))))), Code::model_invalid);
  EXPECT_EQ(
      code_of(model(g, 8, 17, function("A", str(7, call("B", "a", "b"))) + function("B", str(7, call("A", "a", "b"))))),
      Code::model_invalid);
  EXPECT_EQ(code_of(model(g, 8, 17, function("A", "") + function("A", ""))), Code::model_invalid);
  EXPECT_EQ(code_of(model(g, 8, 17, function("A", ""))), Code::model_invalid);  // b is not written
  std::string chain;
  for (int i = 0; i < 100; ++i)
    chain += function(i == 0 ? "A" : "F" + std::to_string(i), str(7, call("F" + std::to_string(i + 1), "a", "b")));
  EXPECT_EQ(code_of(model(g, 8, 17, chain)), Code::limit_exceeded);
  // Ten calls a level, seven levels: ten million nodes from two kilobytes.
  std::string bomb;
  for (int i = 0; i < 7; ++i) {
    std::string calls;
    for (int k = 0; k < 10; ++k)
      calls += str(7, call("F" + std::to_string(i + 1), "a", k == 9 ? "b" : "t" + std::to_string(k)));
    bomb += function(i == 0 ? "A" : "F" + std::to_string(i), calls);
  }
  bomb += function("F7", str(7, node("Identity", {"a"}, {"b"})));
  EXPECT_EQ(code_of(model(g, 8, 17, bomb)), Code::limit_exceeded);
}

class External : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("external_" + std::to_string(::getpid()));
    fs::create_directories(folder_ / "m" / "sub");
    write("m/w.bin", raw<float>({1, 2, 3, 4}));
    write("m/sub/w.bin", raw<float>({5, 6}));
    write("secret.bin", raw<float>({7, 8}));
  }
  void TearDown() override { fs::remove_all(folder_); }
  void write(const std::string& name, const std::string& bytes) {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
  }
  static std::string entry(const std::string& key, const std::string& value_of) {
    return str(13, str(1, key) + str(2, value_of));
  }
  Result<ir::Graph> load(const std::string& entries) {
    write("m/model.onnx", with_tensor(tensor("t", 1, {2}, entries + num(14, 1))));
    Warnings warnings;
    return import_model((folder_ / "m/model.onnx").string(), warnings);
  }
  Code code(const std::string& entries) {
    const auto g = load(entries);
    return g.ok() ? Code{} : g.error().code;
  }
  fs::path folder_;
};

TEST_F(External, IsRead) {
  const auto g = load(entry("location", "w.bin") + entry("offset", "4") + entry("length", "8"));
  ASSERT_TRUE(g.ok()) << g.error().message;
  EXPECT_EQ(g->at(g->outputs[0]).constant->float_at(1), 3.0);
  EXPECT_TRUE(load(entry("location", "./sub//w.bin") + entry("checksum", "x")).ok());
}

TEST_F(External, PathsStayInTheFolder) {
  for (const char* bad : {"../secret.bin", "sub/../../secret.bin", "/etc/passwd", "", "C:w.bin", "..\\secret.bin",
                          "sub", ".", "none.bin"})
    EXPECT_EQ(code(entry("location", bad)), Code::external_data) << bad;
  EXPECT_EQ(code(entry("location", std::string("w.bin\0x", 7))), Code::external_data);
  EXPECT_EQ(code(""), Code::external_data);
}

TEST_F(External, LinksAreRefused) {
  fs::create_symlink("../secret.bin", folder_ / "m/soft.bin");
  fs::create_symlink("w.bin", folder_ / "m/inside.bin");
  fs::create_symlink("..", folder_ / "m/up");
  fs::create_hard_link(folder_ / "secret.bin", folder_ / "m/hard.bin");
  ASSERT_EQ(::mkfifo((folder_ / "m/pipe").c_str(), 0600), 0);
  for (const char* bad : {"soft.bin", "inside.bin", "up/secret.bin", "hard.bin", "pipe"})
    EXPECT_EQ(code(entry("location", bad)), Code::external_data) << bad;
}

TEST_F(External, RangesAreChecked) {
  const std::string file = entry("location", "w.bin");
  for (const char* offset : {"-1", "+1", " 4", "4x", "0x4", "17", "12", "9223372036854775807", "9223372036854775808",
                             "99999999999999999999", ""})
    EXPECT_EQ(code(file + entry("offset", offset) + entry("length", "8")), Code::external_data) << offset;
  for (const char* length : {"4", "12", "17", "9223372036854775807"})
    EXPECT_EQ(code(file + entry("length", length)), Code::external_data) << length;
  EXPECT_EQ(code(file), Code::external_data);  // the whole file is longer than the tensor
  EXPECT_EQ(code(file + entry("length", "8") + entry("length", "8")), Code::external_data);
  EXPECT_EQ(code(file + entry("length", "8") + entry("basepath", "/")), Code::external_data);
  EXPECT_EQ(code(file + entry("length", "8") + str(9, raw<float>({1, 2}))), Code::model_invalid);
}

TEST_F(External, ModelsFromMemoryHaveNone) {
  EXPECT_EQ(code_of(with_tensor(tensor("t", 1, {2}, entry("location", "w.bin") + num(14, 1)))), Code::external_data);
}

TEST(Tensors, EveryTypeAndStorage) {
  struct Case {
    int type;
    std::string data;
    std::vector<double> expect;
  };
  const Case cases[] = {
      {1, str(4, raw<float>({1.5F, -2})), {1.5, -2}},
      {1, varint(4 << 3 | 5) + raw<float>({1.5F}) + varint(4 << 3 | 5) + raw<float>({-2}), {1.5, -2}},  // unpacked
      {2, str(5, varint(255) + varint(0)), {255, 0}},
      {3, str(5, varint(static_cast<uint64_t>(-1)) + varint(1)), {-1, 1}},
      {4, num(5, 65535) + num(5, 1), {65535, 1}},
      {6, str(5, varint(static_cast<uint64_t>(-7)) + varint(7)), {-7, 7}},
      {7, str(7, varint(static_cast<uint64_t>(-9)) + varint(9)), {-9, 9}},
      {9, str(5, varint(1) + varint(0)), {1, 0}},
      {10, str(5, varint(0x3c00) + varint(0xc000)), {1, -2}},
      {11, str(10, raw<double>({0.1, -3})), {0.1, -3}},
      {12, str(11, varint(4000000000U) + varint(1)), {4e9, 1}},
      {13, str(11, varint(5) + varint(1)), {5, 1}},
      {16, str(5, varint(0x3f80) + varint(0xc000)), {1, -2}},
      {17, str(5, varint(0x38) + varint(0xb8)), {1, -1}},
      {21, str(5, varint(0xf1)), {1, 15}},
      {22, str(5, varint(0xf1)), {1, -1}},
      {23, str(9, "\xa2"), {1, -1}},
      {25, str(9, "\x0d"), {1, 3}},
      {26, str(5, varint(0x0d)), {1, -1}},
      {2, str(9, std::string("\x05\x00", 2)), {5, 0}},
      {9, str(9, std::string("\x05\x00", 2)), {1, 0}},  // any byte but 0 is true
  };
  for (const Case& c : cases) {
    const auto g = import(with_tensor(tensor("t", c.type, {2}, c.data)));
    ASSERT_TRUE(g.ok()) << c.type << g.error().message;
    const ir::Tensor& t = *g->at(g->outputs[0]).constant;
    for (int64_t i = 0; i < 2; ++i)
      EXPECT_EQ(ir::is_float(t.elem()) ? t.float_at(i) : static_cast<double>(t.int_at(i)),
                c.expect[static_cast<size_t>(i)])
          << c.type;
  }
  const auto strings = import(with_tensor(tensor("t", 8, {2}, str(6, "a") + str(6, ""))));
  ASSERT_TRUE(strings.ok());
  EXPECT_EQ(strings->at(strings->outputs[0]).constant->strings(), (std::vector<std::string>{"a", ""}));
}

TEST(Graphs, InitializersThatAreInputsAreConstants) {
  for (const int ir : {3, 8}) {
    const auto g = import(model(str(11, value("w", tensor_type(1, dim(1)))) +
                                    str(5, tensor("w", 1, {1}, str(9, raw<float>({1})))) + kX + kCopy + kY,
                                ir));
    ASSERT_TRUE(g.ok());
    ASSERT_EQ(g->inputs.size(), 1U);
    EXPECT_EQ(g->at(g->inputs[0]).name, "x");
  }
}

TEST(Graphs, DimensionsMayBeUnknown) {
  const std::string dims = dim(0) + dim(-1) + str(1, "") + str(1, str(2, "batch size")) + dim(3);
  const auto g = import(model(kCopy + str(11, value("x", tensor_type(1, dims))) + kY));
  ASSERT_TRUE(g.ok());
  EXPECT_EQ(to_string(g->at(g->inputs[0]).type), "float32[?,?,?,\"batch size\",3]");
}

TEST(Graphs, ConstantNodesOfEveryForm) {
  const auto constant = [&](const std::string& attr) {
    const auto g = import(model(str(1, node("Constant", {}, {"y"}, str(5, attr))) + kY));
    return g.ok() ? g->at(g->outputs[0]).constant : nullptr;
  };
  EXPECT_EQ(constant(str(1, "value_int") + num(3, 5) + num(20, 2))->int_at(0), 5);
  EXPECT_EQ(constant(str(1, "value_ints") + num(8, 5) + num(8, 6) + num(20, 7))->ints(), (ir::Dims{5, 6}));
  EXPECT_EQ(constant(str(1, "value_floats") + str(7, raw<float>({5, 6})) + num(20, 6))->float_at(1), 6.0);
  EXPECT_EQ(constant(str(1, "value_string") + str(4, "s") + num(20, 3))->strings()[0], "s");
  EXPECT_EQ(constant(str(1, "value") + str(5, tensor("", 1, {1}, str(9, raw<float>({3})))) + num(20, 4))->float_at(0),
            3.0);
  EXPECT_EQ(constant(""), nullptr);
}

Status inference_of_last(const ir::Graph& g) {
  std::vector<ir::Value> values = g.values;
  auto known = ops::propagate(g, g.ops.back(), values);
  return known.ok() ? Status() : Status(std::move(known).error());
}

// Rules of nested graphs run on import already, on whatever the file has.
TEST(Graphs, NestedGraphsOfTheWrongForm) {
  const auto graph_attr = [](const char* name, const std::string& graph) {
    return str(5, str(1, name) + str(6, graph) + num(20, 5));
  };
  const std::string b = str(11, value("c", tensor_type(9, ""))), m = str(11, value("m", tensor_type(7, "")));
  const std::string one = str(1, node("Identity", {"x"}, {"r"})) + str(12, value("r", ""));
  const std::string bad =
      str(1, node("Identity", {}, {"r"})) + str(11, value("i", "")) + str(11, value("k", "")) + str(12, value("r", ""));
  const std::string with_input = str(11, value("i", "")) + one;
  for (const std::string& branches :
       {std::string(), graph_attr("then_branch", one), graph_attr("then_branch", one) + graph_attr("else_branch", ""),
        graph_attr("then_branch", one) + str(5, str(1, "else_branch") + num(3, 1) + num(20, 2)),
        graph_attr("then_branch", one) + graph_attr("else_branch", with_input)}) {
    auto g = import(model(str(1, node("If", {"c"}, {"y"}, branches)) + kX + b + kY));
    EXPECT_TRUE(!g.ok() || !inference_of_last(*g).ok());
  }
  for (const std::string& body : {std::string(), one, bad, with_input})
    for (const auto& inputs : {std::vector<std::string>{}, {"m"}, {"m", "", "x"}, {"m", "", "x", "x"}, {"x", "x"}}) {
      auto g = import(model(str(1, node("Loop", inputs, {"y"}, graph_attr("body", body))) + kX + b + m + kY));
      EXPECT_TRUE(!g.ok() || !inference_of_last(*g).ok());
    }
}

TEST(Graphs, NestedGraphsCapture) {
  const std::string body = str(1, node("Identity", {"x"}, {"r"})) + str(12, value("r", ""));
  // If has no row in every build; what matters is that the body is read first.
  const auto g =
      import(model(str(1, node("If", {"c"}, {"y"}, str(5, str(1, "then_branch") + str(6, body) + num(20, 5)))) + kX +
                   str(11, value("c", tensor_type(9, ""))) + kY));
  if (g.ok()) {
    const auto& inner = *std::get<std::shared_ptr<ir::Graph>>(g->ops[0].attrs[0].value);
    ASSERT_EQ(inner.captures.size(), 1U);
    EXPECT_EQ(g->at(inner.captures[0].second).name, "x");
  } else {
    EXPECT_EQ(g.error().code, Code::op_unsupported);
    EXPECT_EQ(g.error().message.find("Identity"), std::string::npos);
  }
}

}  // namespace
}  // namespace assay::onnx
