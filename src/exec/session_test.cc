#include "exec/session.h"

#include <gtest/gtest.h>
#if defined(__SSE2__)
#include <immintrin.h>
#endif

#include <cstring>
#include <random>

#include "num/simd.h"
#include "ops/def.h"
#include "ops/propagate.h"

namespace assay::exec {
namespace {

using ir::Dims;
using ir::ElemType;
using ir::Graph;
using ir::Tensor;
using ir::Type;
using ir::ValueId;

// A small network builder: values typed by the rows' own inference.
class Net {
 public:
  Graph graph;
  std::mt19937 random{11};

  ValueId input(const std::string& name, ElemType elem, std::vector<ir::Dim> shape) {
    const ValueId v = graph.add_value(name, Type::tensor(elem, std::move(shape)));
    graph.inputs.push_back(v);
    return v;
  }
  ValueId weight(const Dims& dims) {
    return graph.add_constant("w" + std::to_string(graph.values.size()), noise(dims));
  }
  ValueId variance(int64_t channels) {
    Tensor t = noise({channels});
    for (float& v : std::span(t.mutable_data<float>(), static_cast<size_t>(channels))) v = v * v;
    return graph.add_constant("w" + std::to_string(graph.values.size()), std::move(t));
  }
  ValueId normalised(ValueId x, int64_t channels) {
    return op("BatchNormalization",
              {x, weight({channels}), weight({channels}), weight({channels}), variance(channels)});
  }
  ValueId ints(const Dims& values) {
    return graph.add_constant("i" + std::to_string(graph.values.size()), Tensor::of_ints(values));
  }
  ValueId op(const std::string& type, std::vector<ValueId> in, std::vector<ir::Attr> attrs = {}) {
    ir::Op node{.domain = "", .type = type, .name = type + std::to_string(graph.ops.size())};
    node.inputs = std::move(in);
    node.attrs = std::move(attrs);
    node.def = ops::find_op("", type);
    const ValueId out = graph.add_value("v" + std::to_string(graph.values.size()), Type{});
    node.outputs = {out};
    graph.add_op(std::move(node));
    EXPECT_TRUE(ops::propagate(graph, graph.ops.back(), graph.values).ok());
    graph.values[out].constant = nullptr;
    return out;
  }
  Tensor noise(const Dims& dims) {
    std::normal_distribution<float> normal;
    Tensor t = Tensor::allocate(ElemType::float32, dims);
    for (int64_t i = 0; i < t.size(); ++i) t.mutable_data<float>()[i] = normal(random);
    return t;
  }
  std::shared_ptr<const Graph> done(ValueId output) {
    graph.outputs = {output};
    return std::make_shared<const Graph>(graph);
  }
};

// Convolutions with normalisation, activations and a residual, a reshape and a product with a normalisation over its
// columns, which is not fused: fusion, views and reuse all happen.
std::shared_ptr<const Graph> network() {
  Net n;
  const ir::Attr pads{"pads", std::vector<int64_t>{1, 1, 1, 1}};
  const ValueId x = n.input("x", ElemType::float32, {ir::Dim(std::string("N")), 3, 9, 7});
  const ValueId stem = n.op("Relu", {n.op("Conv", {x, n.weight({8, 3, 3, 3}), n.weight({8})}, {pads})});
  const ValueId branch = n.op("Relu", {n.normalised(n.op("Conv", {stem, n.weight({8, 8, 3, 3})}, {pads}), 8)});
  const ValueId sum = n.op("Add", {n.op("Conv", {branch, n.weight({8, 8, 1, 1}), n.weight({8})}), stem});
  const ValueId act = n.op("Sigmoid", {n.op("Mul", {n.op("Relu", {sum}), n.weight({8, 1, 1})})});
  const ValueId flat = n.op("Reshape", {act, n.ints({0, -1})});
  const ValueId product = n.normalised(n.op("MatMul", {flat, n.weight({8 * 9 * 7, 5})}), 5);
  return n.done(n.op("Add", {product, n.weight({5})}));
}

Tensor run_one(const std::shared_ptr<const Graph>& graph, const Tensor& x, SessionOptions options, int threads) {
  auto session = Session::create(graph, std::make_shared<const Threads>(threads), options);
  EXPECT_TRUE(session.ok());
  auto out = session->run({&x, 1});
  EXPECT_TRUE(out.ok()) << out.error().message;
  const MemoryReport memory = session->memory();
  EXPECT_GE(memory.arena_bytes, memory.lower_bound_bytes);
  if (options.reuse_memory) {
    EXPECT_LE(memory.arena_bytes, memory.lower_bound_bytes + memory.lower_bound_bytes / 4);
  }
  return (*out)[0];
}

TEST(Session, SameBitsFusedOrNotReusedOrNotOnAnyThreadsAndPath) {
  const auto graph = network();
  Net inputs;
  for (const int64_t batch : {1, 4}) {
    const Tensor x = inputs.noise({batch, 3, 9, 7});
    const Tensor reference = run_one(graph, x, {.fuse = false, .reuse_memory = false}, 1);
    EXPECT_EQ(reference.dims(), (Dims{batch, 5}));
    for (const num::Isa isa : num::available_isas()) {
      ASSERT_TRUE(num::force_isa(isa).ok());
      for (const bool fuse : {false, true})
        for (const bool reuse : {false, true})
          for (const int threads : {1, 3})
            EXPECT_TRUE(same_bits(reference, run_one(graph, x, {.fuse = fuse, .reuse_memory = reuse}, threads)))
                << num::isa_name(isa) << " fuse " << fuse << " reuse " << reuse << " threads " << threads;
    }
    ASSERT_TRUE(num::force_isa(num::Isa::best).ok());
  }
}

// Elementwise operations one behind the other, whose operands repeat along any axis; one side comes back in later, and
// the first operand dies in the run. Float32, float16 storage with rounded steps, and float64 sums.
TEST(Session, RunsOfElementwiseOperationsAreTheSeparateOperations) {
  Net n;
  const ValueId x = n.input("x", ElemType::float32, {ir::Dim(std::string("N")), 5, 700});
  const ValueId rows = n.op("ReduceMax", {x, n.ints({2})}), side = n.op("Sigmoid", {x});
  const ValueId first = n.op("Sub", {n.op("Neg", {side}), rows});
  const ValueId scaled = n.op("Mul", {n.op("Tanh", {n.op("Mul", {first, n.weight({5, 1})})}), n.weight({700})});
  const ValueId bound = n.graph.add_constant("bound", Tensor::scalar(0.25F));
  const ValueId cut = n.op("Clip", {n.op("Add", {side, scaled}), ir::kNoValue, bound});
  const ValueId result = n.op("LeakyRelu", {n.op("Div", {cut, n.weight({1})})}, {{"alpha", 0.3F}});
  n.done(n.op("Transpose", {result}));
  Net inputs;
  const Tensor in = inputs.noise({2, 5, 700});
  for (const auto& [storage, compute] : {std::pair{ElemType::undefined, num::FormatId::float32},
                                         {ElemType::float16, num::FormatId::float32},
                                         {ElemType::float64, num::FormatId::float64}}) {
    Graph graph = n.graph;
    for (ir::Op& op : graph.ops) {
      graph.at(op.outputs[0]).storage = storage;
      op.policy.compute = compute;
      if (storage != ElemType::float16) continue;
      op.policy.result = op.policy.attribute = {.format = num::format(num::FormatId::float16)};
    }
    const auto program = std::make_shared<const Graph>(std::move(graph));
    const Tensor want = run_one(program, in, {.fuse = false, .reuse_memory = false}, 1);
    for (const num::Isa isa : num::available_isas()) {
      ASSERT_TRUE(num::force_isa(isa).ok());
      for (const bool reuse : {false, true})
        for (const int threads : {1, 3})
          EXPECT_TRUE(same_bits(want, run_one(program, in, {.fuse = true, .reuse_memory = reuse}, threads)))
              << num::isa_name(isa) << " reuse " << reuse << " threads " << threads;
    }
    ASSERT_TRUE(num::force_isa(num::Isa::best).ok());
  }
}

TEST(Session, NewShapesMakeNewPlansAndOldOnesStay) {
  const auto graph = network();
  auto session = Session::create(graph, std::make_shared<const Threads>(1));
  ASSERT_TRUE(session.ok());
  Net inputs;
  std::vector<Tensor> xs, first;
  for (int64_t batch = 1; batch <= 6; ++batch) {
    xs.push_back(inputs.noise({batch, 3, 9, 7}));
    auto out = session->run({&xs.back(), 1});
    ASSERT_TRUE(out.ok());
    first.push_back((*out)[0]);
  }
  for (size_t i = 0; i < xs.size(); ++i) {
    auto again = session->run({&xs[i], 1});
    ASSERT_TRUE(again.ok());
    EXPECT_TRUE(same_bits(first[i], (*again)[0]));
  }
}

TEST(Session, OutputsOutliveTheNextRun) {
  const auto graph = network();
  auto session = Session::create(graph, std::make_shared<const Threads>(1));
  ASSERT_TRUE(session.ok());
  Net inputs;
  const Tensor a = inputs.noise({1, 3, 9, 7}), b = inputs.noise({1, 3, 9, 7});
  auto first = session->run({&a, 1});
  ASSERT_TRUE(first.ok());
  Tensor copy = Tensor::allocate(ElemType::float32, (*first)[0].dims());
  std::memcpy(copy.mutable_bytes(), (*first)[0].bytes(), copy.byte_size());
  ASSERT_TRUE(session->run({&b, 1}).ok());
  EXPECT_TRUE(same_bits(copy, (*first)[0]));
}

// An output that is another shape of an intermediate: its memory must not go to later operations.
TEST(Session, OutputsMayBeViewsOfIntermediates) {
  Net n;
  const ValueId x = n.input("x", ElemType::float32, {4, 6});
  const ValueId early = n.op("Sigmoid", {x});
  const ValueId view = n.op("Reshape", {early, n.ints({6, 4})});
  ValueId late = n.op("Tanh", {early});
  for (const char* op : {"Sigmoid", "Tanh", "Exp", "Sigmoid"}) late = n.op("Transpose", {n.op(op, {late})});
  n.graph.outputs = {view, late};
  const auto graph = std::make_shared<const Graph>(n.graph);
  const Tensor input = n.noise({4, 6});
  std::vector<Tensor> results[2];
  for (const bool reuse : {false, true}) {
    auto session = Session::create(graph, std::make_shared<const Threads>(1), {.fuse = true, .reuse_memory = reuse});
    ASSERT_TRUE(session.ok());
    auto out = session->run({&input, 1});
    ASSERT_TRUE(out.ok());
    results[reuse] = *std::move(out);
  }
  for (size_t i = 0; i < 2; ++i) EXPECT_TRUE(same_bits(results[0][i], results[1][i])) << i;
}

// What moves nothing for the shapes at hand shares its operand's memory, what moves something does not.
TEST(Session, OperationsThatMoveNothingAreViews) {
  Net n;
  const ValueId x = n.input("x", ElemType::float32, {1, 4, ir::Dim(std::string("N"))});
  const ValueId first = n.op("Sigmoid", {x});
  const ValueId zero = n.ints({0}), far = n.ints({1000}), last = n.ints({2});
  ValueId same = n.op("Slice", {first, zero, far, last});
  same = n.op("Expand", {same, n.ints({1, 1, 1})});
  same = n.op("Cast", {n.op("Tile", {same, n.ints({1, 1, 1})})}, {{"to", int64_t{1}}});
  same = n.op("Transpose", {same}, {{"perm", std::vector<int64_t>{1, 0, 2}}});
  const ValueId turned = n.op("Transpose", {same}, {{"perm", std::vector<int64_t>{2, 1, 0}}});
  const ValueId reversed = n.op("Slice", {first, n.ints({-1}), n.ints({-1000}), last, n.ints({-1})});
  n.graph.outputs = {same, turned, reversed, n.op("Tanh", {first})};
  auto session = Session::create(std::make_shared<const Graph>(n.graph), std::make_shared<const Threads>(1));
  ASSERT_TRUE(session.ok());
  for (const int64_t size : {3, 1}) {
    const Tensor in = n.noise({1, 4, size});
    auto out = session->run({&in, 1});
    ASSERT_TRUE(out.ok()) << out.error().message;
    const Tensor &a = (*out)[0], &b = (*out)[1], &c = (*out)[2];
    EXPECT_EQ(a.dims(), (Dims{4, 1, size}));
    EXPECT_EQ(b.dims(), (Dims{size, 1, 4}));
    for (int64_t i = 0; i < 4; ++i) {
      for (int64_t j = 0; j < size; ++j) {
        EXPECT_NE(a.float_at(i * size + j), 0);
        EXPECT_EQ(a.float_at(i * size + j), b.float_at(j * 4 + i));
        EXPECT_EQ(a.float_at(i * size + j), c.float_at(i * size + size - 1 - j));
      }
    }
    EXPECT_EQ(session->memory().arena_bytes, 64U);  // the sigmoid alone
  }
}

#if defined(__SSE2__)
// A host built with -ffast-math flushes subnormals; the engine must not notice, in any of its threads.
TEST(Session, HostsThatFlushSubnormalsChangeNothing) {
  const auto graph = network();
  Net inputs;
  Tensor x = inputs.noise({4, 3, 9, 7});
  for (int64_t i = 0; i < x.size(); ++i) x.mutable_data<float>()[i] *= 1e-40F;
  const Tensor reference = run_one(graph, x, {}, 3);
  const unsigned saved = _mm_getcsr();
  _mm_setcsr(saved | 0x8040);  // FTZ and DAZ
  const Tensor flushed = run_one(graph, x, {}, 3);
  _mm_setcsr(saved);
  EXPECT_TRUE(same_bits(reference, flushed));
}
#endif

TEST(Session, RefusesInputsThatDoNotFit) {
  const auto graph = network();
  auto session = Session::create(graph, std::make_shared<const Threads>(1));
  ASSERT_TRUE(session.ok());
  Net inputs;
  const Tensor wrong_shape = inputs.noise({1, 3, 9, 8});
  EXPECT_EQ(session->run({&wrong_shape, 1}).error().code, Code::data_shape);
  const Tensor wrong_type = Tensor::allocate(ElemType::int64, {1, 3, 9, 7});
  EXPECT_EQ(session->run({&wrong_type, 1}).error().code, Code::data_type);
  EXPECT_EQ(session->run({}).error().code, Code::data_missing);
}

TEST(Session, ShapesThatOnlyDataTells) {
  Net n;
  const ValueId x = n.input("x", ElemType::float32, {2, 6});
  const ValueId shape = n.input("shape", ElemType::int64, {2});
  const auto graph = n.done(n.op("Relu", {n.op("Reshape", {x, shape})}));
  auto session = Session::create(graph, std::make_shared<const Threads>(1));
  ASSERT_TRUE(session.ok());
  const Tensor in = n.noise({2, 6});
  for (const Dims& dims : {Dims{3, 4}, Dims{12, 1}, Dims{-1, 2}}) {
    const Tensor inputs[] = {in, Tensor::of_ints(dims)};
    auto out = session->run(inputs);
    ASSERT_TRUE(out.ok()) << out.error().message;
    EXPECT_EQ((*out)[0].dims(), dims[0] < 0 ? (Dims{6, 2}) : dims);
  }
  const Tensor bad[] = {in, Tensor::of_ints({5, 5})};
  EXPECT_FALSE(session->run(bad).ok());
}

TEST(Session, StatesLiveFromRunToRun) {
  Net n;
  const ValueId x = n.input("x", ElemType::float32, {3});
  const ValueId before = n.graph.add_value("total", Type::of(ElemType::float32, {3}));
  const ValueId after = n.op("Add", {before, x});
  n.graph.states = {{"total", before, after}, {"same", n.graph.add_value("same", Type::of(ElemType::float32, {1})), 0}};
  n.graph.states[1].after = n.graph.states[1].before;
  auto graph = std::make_shared<Graph>(*n.done(after));  // what is kept is an output too
  auto session = Session::create(graph, std::make_shared<const Threads>(1));
  ASSERT_TRUE(session.ok()) << session.error().message;
  const Tensor in = n.noise({3});
  const auto total = [&](float times) {
    auto out = session->run({&in, 1});
    EXPECT_TRUE(out.ok() && out->size() == 1);
    EXPECT_FLOAT_EQ(static_cast<float>((*out)[0].float_at(1)), times * static_cast<float>(in.float_at(1)));
    (*out)[0].set_float(1, 99);  // the caller's own
  };
  total(1);
  total(2);
  const Tensor wrong = n.noise({4});
  EXPECT_FALSE(session->run({&wrong, 1}).ok());
  total(3);
  session->reset();
  total(1);
}

TEST(Session, StatesHaveAFixedShape) {
  Net n;
  const ValueId x = n.input("x", ElemType::float32, {ir::Dim()});
  const ValueId before = n.graph.add_value("s", Type::of(ElemType::float32, {3}));
  n.graph.states = {{"s", before, x}};
  auto session =
      Session::create(std::make_shared<Graph>(*n.done(n.op("Neg", {x}))), std::make_shared<const Threads>(1));
  ASSERT_TRUE(session.ok());
  const Tensor good = n.noise({3}), bad = n.noise({2});
  EXPECT_TRUE(session->run({&good, 1}).ok());
  EXPECT_EQ(session->run({&bad, 1}).error().code, Code::model_invalid);
  n.graph.at(before).type.shape->front() = ir::Dim();
  EXPECT_FALSE(Session::create(std::make_shared<Graph>(n.graph), std::make_shared<const Threads>(1)).ok());
}

}  // namespace
}  // namespace assay::exec
